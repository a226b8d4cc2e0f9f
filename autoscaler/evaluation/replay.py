"""Replays a world tick by tick under one strategy, through the `cycle` that runs live, and records what happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

import numpy as np

from autoscaler.controller.cycle import CycleReport, Ports, cycle, start
from autoscaler.domain.arrays import Flags, Floats
from autoscaler.domain.forecast import WHOLE_LEAD
from autoscaler.domain.plan import reason_text
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.evaluation.comparison import StrategyRun
from autoscaler.evaluation.incidents import cloud_incidents
from autoscaler.evaluation.starts import starts_of
from autoscaler.evaluation.stocks import Stocks
from autoscaler.evaluation.timeline import Timeline
from autoscaler.plan.strategies import Strategy
from autoscaler.policy.governed import Governed
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.metrics import MetricsPort
from autoscaler.simulator.journal import Journal
from autoscaler.simulator.world import Stock

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
    "placeholders_bound",
    "placeholders_pending",
    "warm_gpus",
    "floor",
    "starts",
)


class Record(Protocol):
    """What happened in one tick, besides `COLUMNS`."""

    @property
    def billed_gpus(self) -> Floats:
        """GPUs billed, float [W, P]."""
        ...


Look = Callable[[CycleReport, Record], None]
"""Called after each tick with what the loop did and what happened."""


class World(MetricsPort, ClusterPort, Protocol):
    """A simulated cluster that implements the ports and can be moved on."""

    def advance(self, until_s: float) -> Record:
        """Runs to `until_s` (seconds since the start); a record of that tick: `COLUMNS`, each an array [W], and
        `billed_gpus`, float [W, P]."""
        ...

    def stock(self) -> Stock:
        """What stands now."""
        ...

    @property
    def journal(self) -> Journal:
        """What happened so far."""
        ...


@dataclass(frozen=True, slots=True)
class Replay:
    """What to replay: `ticks` ticks of `tick_s` seconds. `details`: record forecast quantiles and what stands in each
    tick (slow)."""

    policies: Governed
    strategy: Strategy
    tick_s: float
    ticks: int
    shared_nodes: bool = False
    details: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """columns: each of `COLUMNS`, float [T, W]. billed_gpus: float [T, W, P]. forecasts: float [T, W, 3]. reasons:
    `Reason` bits [T, W]. stocks: what stood at the begin of each tick. journal: what happened. Without details
    forecasts and stocks are NaN.
    """

    strategy: str
    tick_s: float
    pools: tuple[Pool, ...]
    columns: dict[str, Floats]
    billed_gpus: Floats
    forecasts: Floats
    reasons: Flags
    stocks: Stocks
    journal: Journal
    ticks_per_second: float

    @property
    def time_s(self) -> Floats:
        """Begin of each tick, seconds from the start of the replay [T]."""
        return np.arange(self.reasons.shape[0], dtype=np.float64) * self.tick_s

    def timelines(self, names: tuple[str, ...]) -> list[Timeline]:
        """One timeline a workload."""
        words = {int(bits): reason_text(int(bits)) for bits in np.unique(self.reasons)}
        spot = [p.capacity_type is CapacityType.SPOT for p in self.pools]
        burst = self.billed_gpus[:, :, np.array(spot)].sum(axis=2)
        primary = self.billed_gpus.sum(axis=2) - burst
        return [
            Timeline(
                workload=name,
                time_s=self.time_s,
                **{c: self.columns[c][:, w] for c in COLUMNS if c != "starts"},
                billed_gpus_primary=primary[:, w],
                billed_gpus_burst=burst[:, w],
                forecast_p50=self.forecasts[:, w, 0],
                forecast_p90=self.forecasts[:, w, 1],
                forecast_p99=self.forecasts[:, w, 2],
                reason=[words[int(bits)] for bits in self.reasons[:, w]],
            )
            for w, name in enumerate(names)
        ]

    def strategy_run(self, names: tuple[str, ...]) -> StrategyRun:
        """All that a report shows of it. names: of the workloads."""
        pool_names, zones = [pool.name for pool in self.pools], [pool.zones for pool in self.pools]
        incidents = cloud_incidents(self.journal, pool_names, zones)
        return StrategyRun(
            strategy=self.strategy,
            timelines=tuple(self.timelines(names)),
            pools=self.stocks.pool_timelines(self.pools, self.time_s, incidents),
            ledger=self.stocks.ledger(self.pools, self.billed_gpus, self.tick_s),
            starts=starts_of(self.journal, names, pool_names),
        )


def run(world: World, replay: Replay, progress: Progress | None = None, look: Look | None = None) -> Recording:
    """Runs the replay to its end."""
    workloads = replay.policies.fleet.size
    state = start(replay.policies.fleet, replay.strategy, replay.tick_s, replay.shared_nodes)
    ports = Ports(world, world)
    table = np.full((len(COLUMNS), replay.ticks, workloads), np.nan)
    pools = replay.policies.fleet.pools
    billed = np.full((replay.ticks, workloads, len(pools)), np.nan)
    forecasts = np.full((replay.ticks, workloads, len(LEVELS)), np.nan)
    stocks = Stocks.empty(replay.ticks, workloads, pools)
    reasons = np.zeros((replay.ticks, workloads), dtype=np.uint32)
    values_of = attrgetter(*COLUMNS)
    began = time.perf_counter()
    for tick in range(replay.ticks):
        state, report = cycle(tick * replay.tick_s, state, replay.policies, ports)
        if replay.details:
            forecasts[tick] = _quantiles(report, workloads)
            stocks.put(tick, world.stock())
        record = world.advance((tick + 1) * replay.tick_s)
        for column, values in zip(table, values_of(record), strict=True):
            column[tick] = values
        billed[tick] = record.billed_gpus
        if report.plan is not None:
            reasons[tick] = report.plan.reasons
        if look is not None:
            look(report, record)
        if progress is not None and tick % PROGRESS_EVERY == 0:
            progress(tick, replay.ticks)
    elapsed_s = time.perf_counter() - began
    columns = dict(zip(COLUMNS, table, strict=True))
    speed = replay.ticks * workloads / max(elapsed_s, 1e-9)
    return Recording(
        replay.strategy.name, replay.tick_s, pools, columns, billed, forecasts, reasons, stocks, world.journal, speed
    )  # fmt: skip


def _quantiles(report: CycleReport, workloads: int) -> Floats:
    if report.forecast is None:
        return np.full((workloads, len(LEVELS)), np.nan)
    rows = report.forecast.centre.shape[0]
    at = [report.forecast.quantile(np.full(rows, level), WHOLE_LEAD)[:workloads] for level in LEVELS]
    return np.stack(at, axis=1)
