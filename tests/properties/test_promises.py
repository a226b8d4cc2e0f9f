"""Promises 1 and 2: never worse than reactive while requests are late, and unknown is not zero."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.compose.trace_fleet import SIGNALS, trace_fleet
from autoscaler.compose.trace_run import TraceRun
from autoscaler.controller.cycle import Ports, cycle, start
from autoscaler.domain.arrays import Floats
from autoscaler.domain.signal import SignalReadings
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.policy.governed import Governed
from autoscaler.simulator.simple import SimpleWorld

TICK_S = 60.0
REQUEST = TraceRun(trace=Path("generated"))


class Faulty:
    """A metrics port whose readings are spoilt in given ticks."""

    def __init__(self, world: SimpleWorld, spoilt: dict[int, float]) -> None:
        self._world, self._spoilt = world, spoilt

    def read(self, now_s: float) -> SignalReadings:
        readings = self._world.read(now_s)
        tick = round(now_s / TICK_S)
        if tick not in self._spoilt:
            return readings
        factor = self._spoilt[tick]
        age_s = np.full_like(readings.age_s, np.inf) if math.isnan(factor) else readings.age_s
        values = readings.values * factor if math.isfinite(factor) else np.full_like(readings.values, factor)
        return SignalReadings(values, age_s)


def floors(demand: Floats, spoilt: dict[int, float]) -> tuple[list[int], list[int], list[bool]]:
    """Floors asked for, demand in whole replicas as seen, and whether requests were late, tick by tick."""
    one = np.ones(1)
    world = SimpleWorld(demand[None, :], one, TICK_S, 180.0 * one, 120.0 * one, SIGNALS["arrivals"])
    policies = Governed(trace_fleet(["chat"], one / TICK_S, REQUEST), (None,))
    state = start(policies.fleet, strategy("ours", Setting(0.0, False)), TICK_S, False)
    ports = Ports(Faulty(world, spoilt), world)
    asked, seen, late = [], [], []
    for tick in range(demand.size):
        state, report = cycle(tick * TICK_S, state, policies, ports)
        world.advance((tick + 1) * TICK_S)
        assert report.plan is not None
        assert report.observation is not None
        asked.append(int(report.plan.floor[0]))
        now = float(report.observation.demand[0])
        seen.append(0 if math.isnan(now) else math.ceil(now - 1e-9))
        late.append(bool(report.observation.pressed[0]))
    return asked, seen, late


SOME_DEMAND = st.lists(st.floats(0.1, 40.0), min_size=50, max_size=90).map(np.array)
DEMAND = st.lists(st.floats(0.0, 40.0), min_size=30, max_size=90).map(np.array)


@settings(max_examples=40, deadline=None)
@given(DEMAND)
def test_while_requests_are_late_the_floor_covers_the_demand_now(demand: Floats) -> None:
    asked, seen, late = floors(demand, {})
    assert all(a >= s for a, s, pressed in zip(asked, seen, late, strict=True) if pressed)


@settings(max_examples=40, deadline=None)
@given(SOME_DEMAND, st.integers(10, 25), st.integers(1, 20), st.sampled_from([math.nan, math.inf, -1.0]))
def test_missing_and_recovering_never_lower_a_floor(demand: Floats, at: int, length: int, factor: float) -> None:
    spoilt = dict.fromkeys(range(at, at + length), factor) | {at + length: 0.1, at + length + 1: 0.1}
    asked, _, _ = floors(demand, spoilt)
    watched = asked[at - 1 : at + length + 2]
    assert watched == sorted(watched)


def test_a_true_zero_releases() -> None:
    asked, _, _ = floors(np.concatenate([np.full(30, 20.0), np.zeros(30)]), {})
    assert asked[29] >= 20
    assert asked[-1] <= 1


def test_an_outage_at_the_peak_keeps_every_replica() -> None:
    demand = np.concatenate([np.linspace(5.0, 30.0, 60), np.full(40, 30.0)])
    spoilt = dict.fromkeys(range(65, 85), math.nan)
    asked, _, _ = floors(demand, spoilt)
    assert min(asked[65:90]) >= asked[64]


def test_a_counter_reset_of_one_tick_keeps_every_replica() -> None:
    demand = np.full(80, 30.0)
    for factor in (0.0, -3.0):
        asked, _, _ = floors(demand, {60: factor})
        assert min(asked[60:70]) >= 30
