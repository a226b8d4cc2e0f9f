"""Lives under observation: a strategy on a simulated cluster, through a metrics port that may be spoiled.

A fleet here shares nodes of eight GPUs on an on-demand pool and, in full fidelity, a spot pool of three zones. A
replica of every workload carries one request a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoscaler.compose.trace_fleet import SIGNALS, trace_fleet
from autoscaler.compose.trace_run import TraceRun
from autoscaler.controller.cycle import CycleReport, Ports, cycle, start
from autoscaler.domain.action import DeletePlaceholder
from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind, SignalReadings
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.policy.governed import Governed
from autoscaler.ports.errors import Unavailable
from autoscaler.simulator.full import FullWorld
from autoscaler.simulator.settings import (
    KARPENTER,
    ClusterSetting,
    MetricsOutage,
    PoolSetting,
    SpotMarket,
    WorkloadSetting,
)
from autoscaler.simulator.simple import SimpleWorld
from autoscaler.simulator.stages import StageLaw

Spoil = Callable[[SignalReadings], SignalReadings]
"""What becomes of the readings of one tick; may raise, as a port may."""

NODE_S, REPLICA_S = 180.0, 120.0
STALE_S = 120.0
CALM = SpotMarket(mean_up_s=1e9, zone_events_a_day=0.0)


def _silent(_: SignalReadings) -> SignalReadings:
    raise Unavailable("prometheus: no answer")


def _with_values(values: Floats, readings: SignalReadings) -> SignalReadings:
    return SignalReadings(values, readings.age_s)


SPOILS: dict[str, Spoil] = {
    "the port does not answer": _silent,
    "an empty answer": lambda r: SignalReadings.empty(r.values.shape[0]),
    "no numbers": lambda r: _with_values(np.full_like(r.values, np.nan), r),
    "infinite": lambda r: _with_values(np.full_like(r.values, np.inf), r),
    "negative, as after a counter reset": lambda r: _with_values(-1.0 - np.nan_to_num(r.values), r),
    "old samples": lambda r: SignalReadings(r.values * 0.01, r.age_s + 3600.0),
}
"""Answers that tell nothing, each of which must be taken for missing."""


def low(readings: SignalReadings) -> SignalReadings:
    """What a source says that has just come back: rates over a gap, counters that begin anew."""
    return _with_values(readings.values * 0.02, readings)


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick. seen: what the loop was given, None where the port raised. late: requests of the tick after it."""

    now_s: float
    report: CycleReport
    seen: SignalReadings | None
    late: Floats
    arrivals: Floats

    @property
    def floor(self) -> Ints:
        assert self.report.plan is not None
        return self.report.plan.floor

    @property
    def inventory(self) -> Inventory:
        assert self.report.observation is not None
        return self.report.observation.inventory

    @property
    def bound_deleted(self) -> list[DeletePlaceholder]:
        """Placeholders that were on a node and were given up."""
        bound = {(p.workload, p.pool, p.slot) for p in self.inventory.placeholders if p.bound}
        actions = [outcome.action for outcome in self.report.outcomes]
        return [a for a in actions if isinstance(a, DeletePlaceholder) and (a.workload, a.pool, a.slot) in bound]


class Spoiled:
    """The metrics port of a world, spoiled in some ticks; remembers what it answered last."""

    def __init__(self, world: SimpleWorld | FullWorld) -> None:
        self._world = world
        self.spoil: Spoil | None = None
        self.answer: SignalReadings | None = None

    def read(self, now_s: float) -> SignalReadings:
        self.answer = None
        readings = self._world.read(now_s)
        self.answer = readings if self.spoil is None else self.spoil(readings)
        return self.answer


@dataclass(frozen=True, slots=True)
class Life:
    """A fleet in a world that has not begun."""

    fleet: Fleet
    world: SimpleWorld | FullWorld
    tick_s: float
    ticks: int
    shared: bool = True

    def run(self, name: str = "ours", spoils: dict[int, Spoil] | None = None) -> list[Moment]:
        """Lives to the end under a strategy; `spoils` by the number of the tick."""
        policies = Governed(self.fleet, (None,) * self.fleet.size)
        state = start(self.fleet, strategy(name, Setting(0.0, self.shared)), self.tick_s, self.shared)
        metrics, moments = Spoiled(self.world), []
        ports = Ports(metrics, self.world)
        for tick in range(self.ticks):
            metrics.spoil = (spoils or {}).get(tick)
            state, report = cycle(tick * self.tick_s, state, policies, ports)
            record = self.world.advance((tick + 1) * self.tick_s)
            moments.append(
                Moment(tick * self.tick_s, report, metrics.answer, record.late.copy(), record.arrivals.copy())
            )
        return moments


def simple_life(offered: Floats, tick_s: float = 60.0, signals: str = "arrivals", **changes: Any) -> Life:
    """offered: replicas needed, [T] or [W, T] by tick."""
    rows = np.atleast_2d(offered)
    n = rows.shape[0]
    fleet = _changed(trace_fleet([f"w{k}" for k in range(n)], np.ones(n), _request()), changes)
    world = SimpleWorld(
        rows * tick_s, np.full(n, tick_s), tick_s, fleet.node_lead_s, fleet.replica_lead_s, SIGNALS[signals]
    )
    return Life(fleet, world, tick_s, rows.shape[1])


def full_life(
    offered: Floats, tick_s: float = 60.0, outages: Sequence[tuple[float, float]] = (), gpus: Sequence[int] = (),
    most_nodes: int | None = None, **changes: Any,
) -> Life:  # fmt: skip
    """The same in full fidelity. outages: (from, until), seconds, in which no scrape succeeds."""
    rows = np.atleast_2d(offered)
    n = rows.shape[0]
    shapes = list(gpus) or [1] * n
    pools = (
        Pool("steady", CapacityType.ON_DEMAND, gpus_per_node=8, max_nodes=most_nodes),
        Pool("cheap", CapacityType.SPOT, gpus_per_node=8, max_nodes=most_nodes, zones=("a", "b", "c")),
    )
    fleet = replace(
        trace_fleet([f"w{k}" for k in range(n)], np.ones(n), replace(_request(), fidelity="full")),
        pools=pools, primary=np.tile([True, False], (n, 1)), burst=np.tile([False, True], (n, 1)),
    )  # fmt: skip
    boot = (StageLaw(NODE_S, NODE_S * 1.3),)
    setting = ClusterSetting(
        pools=(PoolSetting(pools[0], boot), PoolSetting(pools[1], boot, CALM)),
        workloads=tuple(_workload(f"w{k}", row * tick_s, tick_s, shapes[k]) for k, row in enumerate(rows)),
        autoscaler=KARPENTER,
        expander=(1, 0),
        start_replicas=tuple(np.ceil(rows[:, 0]).astype(int).tolist()),
        signals=frozenset({SignalKind.ARRIVALS, SignalKind.QUEUE, SignalKind.LATE_SHARE}),
        seed=7,
        faults=tuple(MetricsOutage(*outage) for outage in outages),
    )
    fleet = _changed(fleet, {"gpus_per_replica": shapes, **changes})
    return Life(fleet, FullWorld(setting), tick_s, rows.shape[1])


def _workload(name: str, requests: Floats, step_s: float, gpus: int) -> WorkloadSetting:
    return WorkloadSetting(
        name=name, requests=requests, step_s=step_s, requests_per_s=1.0, pools=(0, 1), gpus=gpus,
        image=StageLaw(0.0, 0.0), stages=(StageLaw(REPLICA_S, REPLICA_S * 1.3),), late_after_s=2.0,
    )  # fmt: skip


def _request() -> TraceRun:
    return TraceRun(trace=Path("generated"), node_lead_s=NODE_S, replica_lead_s=REPLICA_S)


def _changed(fleet: Fleet, changes: dict[str, Any]) -> Fleet:
    arrays: dict[str, Any] = {}
    for name, value in changes.items():
        like = getattr(fleet, name)
        arrays[name] = np.broadcast_to(np.asarray(value, dtype=like.dtype), like.shape).copy()
    return replace(fleet, **arrays)


class Lives:
    """Builders of both fidelities, and ways to spoil an answer."""

    simple = staticmethod(simple_life)
    full = staticmethod(full_life)
    spoils = SPOILS
    low = staticmethod(low)
    stale_s = STALE_S


@pytest.fixture(scope="session")
def lives() -> type[Lives]:
    """Builds lives in both fidelities."""
    return Lives
