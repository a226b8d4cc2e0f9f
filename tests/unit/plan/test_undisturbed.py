"""An announced event: what there would be without it, and a floor that covers its multiple once, not twice."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.compose.trace_fleet import SIGNALS, trace_fleet
from autoscaler.compose.trace_run import TraceRun
from autoscaler.controller.cycle import Ports, cycle, start
from autoscaler.domain.arrays import Floats
from autoscaler.domain.bounds import DAY_S, Bounds
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.plan.undisturbed import undisturbed_demand
from autoscaler.policy.governed import Governed
from autoscaler.policy.schedule import book
from autoscaler.policy.timetable import Schedule
from autoscaler.simulator.simple import SimpleWorld

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick

TICK_S, LEAD_S = 60.0, 300.0
EVENT = {
    "name": "launch", "from": "1970-01-03T18:00", "until": "1970-01-03T21:00", "timezone": "UTC", "multiply": 2.5,
}  # fmt: skip
BEGIN_S = 2 * DAY_S + 18 * 3600.0


def wave(days: float) -> Floats:
    """Demand of each minute: 10 replicas at night, 20 at noon and at 18:00, one a tenth more each day."""
    at_s = np.arange(0.0, days * DAY_S, TICK_S)
    return (15.0 + 5.0 * np.sin(at_s / DAY_S * 4.0 * math.pi - math.pi / 2.0)) * 1.1 ** (at_s // DAY_S)


def bounds(event_s: float, *like_s: float) -> Bounds:
    one = np.ones(1)
    return Bounds(0.0 * one, math.inf * one, 2.5 * one, event_s * one, np.array([like_s]))


@pytest.mark.parametrize(
    ("like_s", "expected"),
    [
        pytest.param((math.nan, DAY_S), 1.1, id="yesterday at the level of now"),
        pytest.param((2 * DAY_S, DAY_S), 1.1, id="the first that is known"),
        pytest.param((7 * DAY_S, DAY_S), 1.1, id="before there was anything it looks at the next"),
    ],
)
def test_a_like_day_at_the_level_of_now(core: Core, tick: Tick, like_s: tuple[float, float], expected: float) -> None:
    history = tick.history(wave(2.75))
    now_s = BEGIN_S
    found = undisturbed_demand(now_s, history, bounds(now_s - LEAD_S, *like_s), core.fleet(1))
    yesterday = wave(2.0)[int((now_s - DAY_S) / TICK_S) : int((now_s - DAY_S + LEAD_S) / TICK_S) + 1].max()
    assert found[0] == pytest.approx(expected * yesterday, rel=0.02)


def test_without_a_like_day_the_level_before_the_event_counts(core: Core, tick: Tick) -> None:
    disturbed = wave(2.0)
    disturbed[-60:] *= 3.0
    history, now_s = tick.history(disturbed), 2 * DAY_S
    found = undisturbed_demand(now_s, history, bounds(now_s - 3600.0, math.nan, math.nan), core.fleet(1))
    assert found[0] == pytest.approx(wave(2.0)[-90:-60].mean(), rel=0.02)


def test_no_event_no_figure_and_nothing_known_no_figure(core: Core, tick: Tick) -> None:
    history = tick.history(wave(1.0))
    assert np.isnan(undisturbed_demand(DAY_S, history, Bounds.none(1), core.fleet(1))).all()
    empty = tick.history([math.nan])
    assert np.isnan(undisturbed_demand(60.0, empty, bounds(60.0, 7 * DAY_S, DAY_S), core.fleet(1))).all()


def floors(demand: Floats, *schedules: dict[str, object]) -> Floats:
    """Floors of the reactive strategy, tick by tick, under these schedules."""
    one = np.ones(1)
    world = SimpleWorld(demand[None, :], one, TICK_S, 180.0 * one, 120.0 * one, SIGNALS["arrivals"])
    fleet = trace_fleet(["chat"], one / TICK_S, TraceRun(trace=Path("generated")))
    made = book([Schedule.model_validate(schedule) for schedule in schedules])
    policies = Governed(fleet, (made,))
    state = start(policies.fleet, strategy("reactive", Setting(0.0, False)), TICK_S, False)
    ports, asked = Ports(world, world), []
    for number in range(demand.size):
        state, report = cycle(number * TICK_S, state, policies, ports)
        world.advance((number + 1) * TICK_S)
        assert report.plan is not None
        asked.append(float(report.plan.floor[0]))
    return np.array(asked)


def test_the_floor_stands_a_lead_time_ahead_and_is_not_multiplied_twice() -> None:
    usual, event = wave(3.0), slice(int(BEGIN_S / TICK_S), int((BEGIN_S + 3 * 3600.0) / TICK_S))
    crowded = usual.copy()
    crowded[event] *= 2.5
    lead = int(LEAD_S / TICK_S)
    for demand in (usual, crowded):
        asked = floors(demand, EVENT)
        wanted = 2.5 * usual[event.start]
        assert asked[event.start - lead - 2] < 1.2 * usual[event.start]
        assert asked[event.start - lead : event.start + 30].min() >= 0.97 * wanted
        assert asked[event].max() <= np.ceil(1.05 * 2.5 * usual[event].max())
        assert asked[event.stop + 30 :].max() <= np.ceil(1.1 * usual[event.stop :].max())


def test_ahead_begins_earlier() -> None:
    demand, begin = wave(3.0), int(BEGIN_S / TICK_S)
    asked = floors(demand, {**EVENT, "ahead": "2h"})
    assert asked[begin - 118 : begin].min() >= 2.0 * demand[begin - 118 : begin].min()
    assert asked[begin - 130] < 1.2 * demand[begin - 130]
