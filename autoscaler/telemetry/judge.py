"""How good forecasts are, at the horizons that planners ask for: what was forecast is kept until its minute has passed.

Once a minute a row of percentiles is kept for each policy and horizon, with the demand of that moment; when the minute
that they are for is over, its mean demand is counted against them. So coverage and error are of what was really known
ahead, and can be compared with the error of who takes demand to stay as it is. Minutes in which demand was not known
are not judged. Ticks longer than a minute are judged where they happen to meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from prometheus_client.core import Metric

from autoscaler.controller.tick import Tick
from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import Forecast
from autoscaler.domain.signal import ZERO
from autoscaler.telemetry import names
from autoscaler.telemetry.samples import Labels, carried, counter

MINUTE_S = 60.0
LEVELS = np.array([0.5, 0.9, 0.99])
PERCENTILES = ("50", "90", "99")
HORIZONS = ("warm_node", "cold_node")
"""When a replica would serve that is asked for now: on a node that is there, and on one that is not."""
MIDDLE, LAST = 0, len(PERCENTILES)
NEVER = -1


def percentiles(forecast: Forecast, fleet: Fleet) -> Floats:
    """Demand in replicas, float [W, `HORIZONS`, `PERCENTILES`]; NaN where nothing was ever seen."""
    levels = np.repeat(LEVELS[:, None], fleet.size, axis=1)
    by_horizon = [forecast.quantile(levels, horizon).T for horizon in range(len(HORIZONS))]
    return np.stack(by_horizon, axis=1)


@dataclass(slots=True)
class _Kept:
    """What was forecast, for minute `due` [K, W, H] in row due % K: [K, W, H, percentiles and the demand then]."""

    due: Ints
    what: Floats

    @staticmethod
    def of(minutes: int, workloads: int) -> _Kept:
        shape = (minutes, workloads, len(HORIZONS))
        return _Kept(np.full(shape, NEVER), np.full((*shape, len(PERCENTILES) + 1), np.nan))

    def moved(self, before: tuple[str, ...], fleet: Fleet, minutes: int) -> _Kept:
        """The same for the workloads of another fleet."""
        new = _Kept.of(max(minutes, self.due.shape[0]), fleet.size)
        to = np.array([fleet.names.index(name) if name in fleet.names else NEVER for name in before], dtype=np.int64)
        row, w, h = np.nonzero(self.due != NEVER)
        stays = to[w] != NEVER
        row, w, h = row[stays], w[stays], h[stays]
        due = self.due[row, w, h]
        at = (due % new.due.shape[0], to[w], h)
        new.due[at], new.what[at] = due, self.what[row, w, h]
        return new


@dataclass(frozen=True, slots=True)
class _Score:
    """Sums by policy: judged, error, still_error [W, H]; exceeded [W, H, percentiles]."""

    policies: tuple[Labels, ...]
    judged: Floats
    exceeded: Floats
    error: Floats
    still_error: Floats

    @staticmethod
    def empty() -> _Score:
        none = np.zeros((0, len(HORIZONS)))
        return _Score((), none, np.zeros((*none.shape, len(PERCENTILES))), none, none)

    def moved(self, policies: tuple[Labels, ...]) -> _Score:
        """The same for other policies; a copy."""
        parts = (self.judged, self.exceeded, self.error, self.still_error)
        return _Score(policies, *(carried(part, self.policies, policies) for part in parts))


class Judge:
    """Sees ticks in order; read by any thread."""

    def __init__(self) -> None:
        self._fleet: Fleet | None = None
        self._kept = _Kept.of(0, 0)
        self._score = _Score.empty()
        self._minute, self._written = NEVER, NEVER
        self._sum: Floats = np.zeros(0)
        self._count: Floats = np.zeros(0)

    def add(self, tick: Tick, fleet: Fleet) -> None:
        """One tick of this fleet. A follower's forecasts are kept and not counted: its leader's are."""
        self._take(fleet)
        report = tick.report
        if report is None or report.observation is None:
            return
        minute = int(np.ceil(tick.now_s / MINUTE_S - 1e-9)) - 1
        if minute != self._minute:
            if self._minute != NEVER and tick.leads:
                self._judge()
            self._minute = minute
            self._sum, self._count = np.zeros(fleet.size), np.zeros(fleet.size)
        seen = report.observation
        demand = np.where(seen.demand_state <= ZERO, seen.demand, np.nan)
        is_known = np.isfinite(demand)
        self._sum += np.where(is_known, demand, 0.0)
        self._count += is_known
        if report.forecast is not None:
            self._keep(report.forecast, demand, int(np.floor(tick.now_s / MINUTE_S + 1e-9)), fleet)

    def collect(self) -> Iterator[Metric]:
        """All of it, as counters."""
        score = self._score
        each = [(*policy, horizon) for policy in score.policies for horizon in HORIZONS]
        rows = ((names.JUDGED, score.judged), (names.ERROR, score.error), (names.STILL_ERROR, score.still_error))
        for name, values in rows:
            yield counter(name, zip(each, values.ravel().tolist(), strict=True))
        finer = [(*place, percentile) for place in each for percentile in PERCENTILES]
        yield counter(names.EXCEEDED, zip(finer, score.exceeded.ravel().tolist(), strict=True))

    def _take(self, fleet: Fleet) -> None:
        if fleet is self._fleet:
            return
        minutes = int(np.ceil(fleet.longest_lead_s / MINUTE_S)) + 2
        before = () if self._fleet is None else self._fleet.names
        if before != fleet.names or minutes > self._kept.due.shape[0]:
            self._kept = self._kept.moved(before, fleet, minutes)
            self._score = self._score.moved(tuple((name,) for name in fleet.names))
            of, now = [(name,) for name in before], [(name,) for name in fleet.names]
            self._sum, self._count = carried(self._sum, of, now), carried(self._count, of, now)
        self._fleet = fleet

    def _keep(self, forecast: Forecast, demand: Floats, minute: int, fleet: Fleet) -> None:
        """minute: the one that goes on now. Forecasts change when one is over."""
        if minute == self._written:
            return
        self._written = minute
        lead_s = np.stack([fleet.replica_lead_s, fleet.lead_s], axis=1)
        due = minute + np.ceil(lead_s / MINUTE_S - 1e-9).astype(np.int64)
        w, h = np.indices(due.shape)
        at = (due % self._kept.due.shape[0], w, h)
        self._kept.due[at] = due
        last = np.broadcast_to(demand[:, None, None], (*due.shape, 1))
        self._kept.what[at] = np.concatenate([percentiles(forecast, fleet), last], axis=2)

    def _judge(self) -> None:
        """Counts the minute that is over; what is shown is replaced as a whole."""
        row = self._minute % self._kept.due.shape[0]
        what = self._kept.what[row]
        demand = (self._sum / np.where(self._count > 0.0, self._count, np.nan))[:, None]
        valid = (self._kept.due[row] == self._minute) & np.isfinite(demand) & np.isfinite(what).all(axis=2)
        score = self._score.moved(self._score.policies)
        score.judged[:] += valid
        score.exceeded[:] += valid[..., None] & (demand[..., None] > what[..., :LAST])
        score.error[:] += np.where(valid, np.abs(demand - what[..., MIDDLE]), 0.0)
        score.still_error[:] += np.where(valid, np.abs(demand - what[..., LAST]), 0.0)
        self._score = score
