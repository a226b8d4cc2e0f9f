"""Replays a world tick by tick under one strategy, through the `cycle` that runs live, and records what happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from autoscaler.controller.cycle import CycleReport, Ports, cycle, start
from autoscaler.domain.arrays import Flags, Floats, Ints
from autoscaler.domain.plan import reason_text
from autoscaler.evaluation.timeline import Timeline
from autoscaler.plan.strategies import Strategy
from autoscaler.policy.governed import Governed
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.metrics import MetricsPort

Progress = Callable[[int, int], None]
"""Called now and then with (ticks done, ticks in all)."""

PROGRESS_EVERY = 250
LEVELS = (0.5, 0.9, 0.99)
COLUMNS = (
    "arrivals",
    "offered_replicas",
    "ready_replicas",
    "starting_replicas",
    "queue",
    "served",
    "late",
    "billed_gpus_primary",
    "billed_gpus_burst",
    "placeholders_bound",
    "placeholders_pending",
    "warm_gpus",
    "floor",
    "starts",
)


class World(MetricsPort, ClusterPort, Protocol):
    """A simulated cluster that implements the ports and can be moved on."""

    def advance(self, until_s: float) -> object:
        """Runs to `until_s` (seconds since the start); a record with the `COLUMNS` of that tick, each an array [W]."""
        ...


@dataclass(frozen=True, slots=True)
class Replay:
    """What to replay: `ticks` ticks of `tick_s` seconds. `forecasts`: record forecast quantiles (costs time)."""

    policies: Governed
    strategy: Strategy
    tick_s: float
    ticks: int
    shared_nodes: bool = False
    forecasts: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """columns: each of `COLUMNS`, float [T, W]. forecasts: float [T, W, 3]. reasons: `Reason` bits [T, W]."""

    strategy: str
    tick_s: float
    columns: dict[str, Floats]
    forecasts: Floats
    reasons: Flags
    ticks_per_second: float

    def timelines(self, names: tuple[str, ...]) -> list[Timeline]:
        """One timeline a workload."""
        ticks = self.reasons.shape[0]
        words = {int(bits): reason_text(int(bits)) for bits in np.unique(self.reasons)}
        return [
            Timeline(
                workload=name,
                time_s=np.arange(ticks, dtype=np.float64) * self.tick_s,
                **{c: self.columns[c][:, w] for c in COLUMNS if c != "starts"},
                forecast_p50=self.forecasts[:, w, 0],
                forecast_p90=self.forecasts[:, w, 1],
                forecast_p99=self.forecasts[:, w, 2],
                reason=[words[int(bits)] for bits in self.reasons[:, w]],
            )
            for w, name in enumerate(names)
        ]


def run(world: World, replay: Replay, progress: Progress | None = None) -> Recording:
    """Runs the replay to its end."""
    workloads = replay.policies.fleet.size
    state = start(replay.policies.fleet, replay.strategy, replay.tick_s, replay.shared_nodes)
    ports = Ports(world, world)
    table = np.full((len(COLUMNS), replay.ticks, workloads), np.nan)
    forecasts = np.full((replay.ticks, workloads, len(LEVELS)), np.nan)
    reasons = np.zeros((replay.ticks, workloads), dtype=np.uint32)
    began = time.perf_counter()
    for tick in range(replay.ticks):
        state, report = cycle(tick * replay.tick_s, state, replay.policies, ports)
        record = world.advance((tick + 1) * replay.tick_s)
        for k, name in enumerate(COLUMNS):
            table[k, tick] = getattr(record, name)
        if report.plan is not None:
            reasons[tick] = report.plan.reasons
        if replay.forecasts:
            forecasts[tick] = _quantiles(report, workloads)
        if progress is not None and tick % PROGRESS_EVERY == 0:
            progress(tick, replay.ticks)
    elapsed_s = time.perf_counter() - began
    columns = dict(zip(COLUMNS, table, strict=True))
    speed = replay.ticks * workloads / max(elapsed_s, 1e-9)
    return Recording(replay.strategy.name, replay.tick_s, columns, forecasts, reasons, speed)


def _quantiles(report: CycleReport, workloads: int) -> Floats:
    if report.forecast is None:
        return np.full((workloads, len(LEVELS)), np.nan)
    rows = report.forecast.centre.shape[0]
    at = [report.forecast.quantile(np.full(rows, level))[:workloads, 1] for level in LEVELS]
    return np.stack(at, axis=1)


def starts_between(recording: Recording, first: int, end: int) -> Ints:
    """Replica starts asked for in the ticks [first, end), int [W]."""
    out: Ints = recording.columns["starts"][first:end].sum(axis=0).astype(np.int64)
    return out
