"""What Prometheus would answer: counters and gauges scraped now and then, rates over a window, and what spoils them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.signal import (
    ARRIVALS,
    GPU_UTILIZATION,
    LATE_SHARE,
    QUEUE,
    RUNNING,
    SERVED,
    SIGNALS,
    SignalKind,
    SignalReadings,
)
from autoscaler.simulator.disturbance import Disturbance
from autoscaler.simulator.engine import Engine
from autoscaler.simulator.flow import Flow
from autoscaler.simulator.settings import ClusterSetting


@dataclass(frozen=True, slots=True)
class _Counters:
    """A scrape of one workload: requests arrived, served and late, replica-seconds busy and ready, since the start."""

    at_s: float
    arrived: float
    served: float
    late: float
    busy_s: float
    ready_s: float


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """Signals as of one scrape, and of when the sample behind each is (-inf: none), float [W, S] both."""

    scraped_s: float
    at_s: Floats
    values: Floats


class Telemetry:
    """The metrics port of the full fidelity. A workload's signals are missing while its traffic is not known, and come
    back as after an outage: rates with the second scrape."""

    def __init__(self, engine: Engine, flows: list[Flow], setting: ClusterSetting) -> None:
        self._engine, self._flows, self._setting = engine, flows, setting
        read = [setting.signals if w.signals is None else w.signals for w in setting.workloads]
        self._hidden = np.array([[kind not in signals for kind in sorted(SignalKind)] for signals in read])
        self._disturbance = Disturbance(setting.faults)
        self._scrapes: list[deque[_Counters]] = [deque() for _ in flows]
        shape = (len(flows), SIGNALS)
        self._whole = _Answer(-np.inf, np.full(shape, -np.inf), np.full(shape, np.nan))
        self._newest = self._before = self._whole
        self._filled_s = [-np.inf] * len(flows)
        self.unknown = [False] * len(flows)
        engine.at(setting.scrape_s / 2.0, self._scrape)

    def read(self, now_s: float) -> SignalReadings:
        """The newest scrape before now."""
        answer = self._newest if self._newest.scraped_s < now_s else self._before
        return SignalReadings(answer.values.copy(), now_s - answer.at_s)

    def arrival_rate(self, workload: int) -> float:
        """Requests a second as last scraped, whoever may read them; NaN where unknown, or too old for a rate."""
        fresh = self._engine.now_s - self._whole.at_s[workload, ARRIVALS] < self._setting.rate_window_s
        return float(self._whole.values[workload, ARRIVALS]) if fresh else float("nan")

    def _scrape(self) -> None:
        now_s = self._engine.now_s
        self._engine.at(now_s + self._setting.scrape_s, self._scrape)
        if self._disturbance.fails(now_s):
            return
        values = np.full((len(self._flows), SIGNALS), np.nan)
        for w, flow in enumerate(self._flows):
            flow.to(now_s)
            if not self._disturbance.skips(w, now_s):
                self._remember(w, flow, now_s)
                if not self.unknown[w]:
                    self._evaluate(w, flow, values[w])
        at_s = np.where(np.isnan(values), -np.inf, now_s)
        stands = self._disturbance.gaps(now_s, values.shape)
        values, at_s = np.where(stands, self._whole.values, values), np.where(stands, self._whole.at_s, at_s)
        self._disturbance.spoil(now_s, values, at_s)
        self._whole = _Answer(now_s, at_s, values)
        seen = np.where(self._hidden, np.nan, values)
        self._before, self._newest = self._newest, _Answer(now_s, np.where(self._hidden, -np.inf, at_s), seen)

    def _remember(self, w: int, flow: Flow, now_s: float) -> None:
        kept = self._scrapes[w]
        if self.unknown[w]:
            kept.clear()
            return
        if kept and self._disturbance.was_reset(w, kept[-1].at_s, now_s):
            kept.clear()
            self._filled_s[w] = now_s + self._setting.rate_window_s
        kept.append(_Counters(now_s, flow.arrived, flow.served, flow.late, flow.busy_s, flow.ready_s))
        while kept[0].at_s < now_s - self._setting.rate_window_s - 1e-6:
            kept.popleft()

    def _evaluate(self, w: int, flow: Flow, row: Floats) -> None:
        concurrency = self._setting.workloads[w].concurrency
        row[QUEUE] = flow.queue
        first, last = self._scrapes[w][0], self._scrapes[w][-1]
        elapsed_s = last.at_s - first.at_s
        if last.at_s < self._filled_s[w]:
            elapsed_s = self._setting.rate_window_s
        if elapsed_s <= 0.0:
            return
        came = last.arrived - first.arrived
        row[ARRIVALS] = came / elapsed_s
        row[SERVED] = (last.served - first.served) / elapsed_s
        if came > 0.0:
            row[LATE_SHARE] = min((last.late - first.late) / came, 1.0)
        if len(self._scrapes[w]) == 1:
            return
        before = self._scrapes[w][-2]
        ready_s = last.ready_s - before.ready_s
        if ready_s > 0.0:
            row[GPU_UTILIZATION] = min((last.busy_s - before.busy_s) / ready_s, 1.0)
            if concurrency is not None:
                row[RUNNING] = (last.busy_s - before.busy_s) / (last.at_s - before.at_s) * concurrency
