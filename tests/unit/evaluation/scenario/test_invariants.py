"""Invariants: each is broken by a tick made for it, and by no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.controller.cycle import CycleReport
from autoscaler.domain.action import Outcome, SetFloor
from autoscaler.domain.plan import Plan, Reason
from autoscaler.domain.signal import MISSING, RECOVERING, VALUE
from autoscaler.evaluation.scenario.invariants import INVARIANTS, Invariants, verdicts
from autoscaler.observe.observation import observe
from autoscaler.observe.signals import SignalMemory
from autoscaler.simulator.world import TickRecord

if TYPE_CHECKING:
    from tests.unit.conftest import Core

FLOOR, DEMAND = 4, 3.2


@pytest.fixture
def good(core: Core) -> CycleReport:
    """A floor of 4 for a demand of 3.2, with requests that are late."""
    fleet = core.fleet(min_replicas=2, max_replicas=9)
    seen = observe(0.0, core.readings(arrivals=DEMAND), core.inventory(ready=[FLOOR]), fleet,
                   SignalMemory.fresh(1))  # fmt: skip
    seen = replace(seen, pressed=np.array([True]), demand=np.array([DEMAND]))
    return CycleReport(60.0, seen, None, plan(), ())


def plan(floor: int = FLOOR, reason: Reason = Reason.FORECAST) -> Plan:
    return Plan(
        np.array([floor]), np.zeros((1, 1), dtype=np.int64), np.array([float(floor)]),
        np.array([reason], dtype=np.uint32), np.zeros(1),
    )  # fmt: skip


def record(**changes: Any) -> TickRecord:
    zero, none = np.zeros(1), np.zeros(1, dtype=np.int64)
    plain = TickRecord(
        arrivals=zero, offered_replicas=zero, ready_replicas=np.array([4.0]), starting_replicas=none, queue=zero,
        served=zero, late=zero, billed_gpus=np.array([[8.0]]), placeholders_bound=none, placeholders_pending=none,
        warm_gpus=none, floor=none, starts=none,
    )  # fmt: skip
    return replace(plain, **changes)


def broken(core: Core, report: CycleReport, tick: TickRecord | None = None, promises: bool = True) -> list[str]:
    seen = Invariants(core.fleet(min_replicas=2, max_replicas=9), promises)
    seen(report, tick or record())
    return list(seen.broken)


def unknown(report: CycleReport, state: np.int8) -> CycleReport:
    assert report.observation is not None
    demand = np.array([np.nan if state == MISSING else 0.5])
    pressed = np.array([False])
    seen = replace(report.observation, demand_state=np.array([state]), demand=demand, pressed=pressed)
    return replace(report, observation=seen)


def test_a_good_tick_breaks_none(core: Core, good: CycleReport) -> None:
    assert broken(core, good) == []


@pytest.mark.parametrize(
    ("floor", "reason", "names"),
    [
        pytest.param(3, Reason.FORECAST, ["promise-1"], id="below the demand while late"),
        pytest.param(3, Reason.FORECAST | Reason.SCHEDULE_AT_MOST, [], id="a schedule binds"),
        pytest.param(10, Reason.FORECAST, ["bounds"], id="above the maximum"),
        pytest.param(1, Reason.FORECAST, ["bounds", "promise-1"], id="below the minimum"),
    ],
)
def test_floors_are_looked_at(core: Core, good: CycleReport, floor: int, reason: Reason, names: list[str]) -> None:
    assert broken(core, replace(good, plan=plan(floor, reason))) == names


@pytest.mark.parametrize("state", [MISSING, RECOVERING])
def test_while_demand_is_unknown_no_floor_falls(core: Core, good: CycleReport, state: np.int8) -> None:
    assert broken(core, unknown(replace(good, plan=plan(3)), state)) == ["promise-2"]
    assert broken(core, unknown(replace(good, plan=plan(4)), state)) == []
    assert broken(core, unknown(replace(good, plan=plan(3, Reason.MAXIMUM)), state)) == []
    assert broken(core, unknown(replace(good, plan=plan(3)), VALUE)) == []


def test_strategies_that_promise_nothing_are_not_held_to_it(core: Core, good: CycleReport) -> None:
    assert broken(core, replace(good, plan=plan(3)), promises=False) == []


def test_the_bill_covers_what_serves(core: Core, good: CycleReport) -> None:
    assert broken(core, good, record(billed_gpus=np.array([[3.9]]))) == ["bill"]


def test_a_figure_that_is_no_number_is_seen_but_not_unknown_traffic(core: Core, good: CycleReport) -> None:
    nan = np.array([np.nan])
    assert broken(core, good, record(queue=nan)) == ["numbers"]
    assert broken(core, good, record(arrivals=nan, offered_replicas=nan)) == []


def test_a_tick_without_a_plan_or_with_something_undone_is_seen(core: Core, good: CycleReport) -> None:
    assert broken(core, CycleReport(0.0, None, None, None, (), "Unavailable: no")) == ["loop-goes-on"]
    assert broken(core, replace(good, outcomes=(Outcome(SetFloor(0, 4), "Forbidden: no"),))) == ["loop-goes-on"]


def test_a_verdict_says_how_often_and_when_first_and_by_whom(core: Core, good: CycleReport) -> None:
    fine, bad = (Invariants(core.fleet(), True) for _ in range(2))
    for at_s in (60.0, 120.0, 180.0):
        fine(replace(good, now_s=at_s), record())
        bad(replace(good, now_s=at_s, plan=plan(3 if at_s > 60.0 else 4)), record())
    found = {v.name: v for v in verdicts([("ours", fine), ("ours+loop", bad)])}
    assert list(found) == list(INVARIANTS)
    assert (found["promise-1"].holds, found["promise-1"].figure, found["promise-1"].at_s) == (False, 2.0, 120.0)
    assert found["promise-1"].what.endswith("(ours+loop)")
    assert all(v.holds for name, v in found.items() if name != "promise-1")
