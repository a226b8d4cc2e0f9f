"""The guards: each moves the floor for one reason and says so where it did; together in an order that is policy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.bounds import Bounds
from autoscaler.domain.budget import Budget
from autoscaler.domain.fleet import NO_BUDGET, NO_MAXIMUM
from autoscaler.domain.plan import Reason
from autoscaler.domain.rollout import Allowance, Rollout
from autoscaler.domain.signal import ARRIVALS, MISSING, QUEUE, RECOVERING, RUNNING, SERVED, VALUE, ZERO
from autoscaler.plan import guards
from autoscaler.plan.guards import BARE_GUARDS, GUARDS, Context, Draft, Guard, guarded

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick

UNLIMITED = math.inf


def whole(numbers: Sequence[int] | None) -> Ints | None:
    return None if numbers is None else np.array(numbers, dtype=np.int64)


Setting = Callable[..., Context]


@pytest.fixture
def context(core: Core, tick: Tick) -> Setting:
    """Two workloads; a guard looks at what is given, and finds nothing to do in the rest."""

    def build(demand: Sequence[float] = (5.0, 5.0), late: Sequence[float] = (0.0, 0.0), at_least: Any = 0.0,
              at_most: Any = UNLIMITED, burst: Any = 0.0, kept: Any = 0.0, asked: Sequence[int] = (0, 0),
              state: Sequence[int] = (int(VALUE), int(VALUE)), least: Any = 0, most: Any = 1000, factor: Any = 1.0,
              budget: float = math.inf, override: Any = None, owner_least: Sequence[int] | None = None,
              owner_most: Sequence[int] | None = None,
              rollouts: tuple[Rollout | None, ...] = ()) -> Context:  # fmt: skip
        def pair(value: Any) -> Floats:
            return np.broadcast_to(np.array(value, dtype=np.float64), (2,))

        inventory = core.inventory([0, 0], floor=asked)
        inventory = replace(inventory, owner_least=whole(owner_least), owner_most=whole(owner_most))
        inventory = replace(inventory, rollouts=rollouts)
        fleet = core.fleet(2, min_replicas=least, max_replicas=most, budget_of=[0, NO_BUDGET])
        return Context(
            observation=tick.observation(demand, inventory, late=late, state=state),
            fleet=replace(fleet, budgets=(Budget("team", gpus=budget),)),
            bounds=replace(
                Bounds.none(2),
                at_least=pair(at_least),
                at_most=pair(at_most),
                factor=pair(factor),
                override=None if override is None else pair(override),
            ),
            demand=pair(demand),
            burst=pair(burst),
            undisturbed=np.where(pair(factor) > 1.0, pair(demand), np.nan),
            keep=lambda wanted: np.maximum(wanted, pair(kept)),
            tick_s=15.0,
        )

    return build


def after(guard: Guard | tuple[Guard, ...], context: Context, *floors: float) -> tuple[list[float], list[Reason]]:
    """Floors and the reasons that were added."""
    chosen = guard if isinstance(guard, tuple) else (guard,)
    draft = guarded(Draft(np.array(floors), np.zeros(2, dtype=np.uint32)), context, chosen)
    return draft.floor.tolist(), [Reason(bits) for bits in draft.reasons.tolist()]


NO = Reason(0)
HALF = Rollout(Allowance(), Allowance(percent=50), replicas=3, standing=3, left=3)
"""Half of the replicas are replaced at a time: of three one, of five two."""
NO_MOST = {"owner_most": [NO_MAXIMUM, NO_MAXIMUM]}
CASES = [
    pytest.param(
        guards.step_down, {"asked": [20, 20], "owner_least": [1, 0]} | NO_MOST, [10.0, 3.0], Reason.STEP,
        id="down by steps",
    ),
    pytest.param(guards.owner_minimum, {"owner_least": [7, 0]}, [7.0, 3.0], Reason.OWNER_MINIMUM, id="owner's minimum"),
    pytest.param(guards.owner_maximum, {"owner_most": [1, 9]}, [1.0, 3.0], Reason.OWNER_MAXIMUM, id="owner's maximum"),
    pytest.param(guards.reactive, {"demand": [4.2, 4.2], "late": [0.5, 0.0]}, [5.0, 3.0], Reason.REACTIVE, id="late"),
    pytest.param(guards.schedule_at_least, {"at_least": [8.0, 2.0]}, [8.0, 3.0], Reason.SCHEDULE_AT_LEAST, id="least"),
    pytest.param(
        guards.schedule_multiply, {"factor": [1.5, 1.0]}, [8.0, 3.0], Reason.SCHEDULE_MULTIPLY, id="an event"
    ),
    pytest.param(guards.hold, {"kept": [6.0, 3.0]}, [6.0, 3.0], Reason.HOLD, id="hold"),
    pytest.param(guards.rollout, {"rollouts": (HALF, None)}, [5.0, 3.0], Reason.ROLLOUT, id="rollout"),
    pytest.param(guards.burst, {"burst": [9.0, 0.0]}, [9.0, 3.0], Reason.RECURRENCE, id="burst"),
    pytest.param(
        guards.unknown, {"state": [MISSING, VALUE], "asked": [7, 7]}, [7.0, 3.0], Reason.SIGNAL_MISSING, id="missing"
    ),
    pytest.param(
        guards.unknown, {"state": [RECOVERING, ZERO], "asked": [7, 7]}, [7.0, 3.0], Reason.SIGNAL_RECOVERING,
        id="recovering",
    ),
    pytest.param(guards.schedule_at_most, {"at_most": [2.0, 4.0]}, [2.0, 3.0], Reason.SCHEDULE_AT_MOST, id="most"),
    pytest.param(guards.minimum, {"least": [4, 1]}, [4.0, 3.0], Reason.MINIMUM, id="minimum"),
    pytest.param(guards.maximum, {"most": [2, 9]}, [2.0, 3.0], Reason.MAXIMUM, id="maximum"),
    pytest.param(guards.budget, {"budget": 2.0}, [2.0, 3.0], Reason.BUDGET, id="budget"),
    pytest.param(guards.override, {"override": [8.0, math.nan]}, [8.0, 3.0], Reason.OVERRIDE, id="override up"),
    pytest.param(guards.override, {"override": [0.0, math.nan]}, [0.0, 3.0], Reason.OVERRIDE, id="override down"),
    pytest.param(guards.override, {"override": [3.0, math.nan]}, [3.0, 3.0], Reason.OVERRIDE, id="override the same"),
]  # fmt: skip


@pytest.mark.parametrize(("guard", "given", "floors", "reason"), CASES)
def test_a_guard_moves_the_first_workload_and_says_why_and_leaves_the_second(
    context: Setting, guard: Guard, given: dict[str, Any], floors: list[float], reason: Reason
) -> None:
    assert after(guard, context(**given), 3.0, 3.0) == (floors, [reason, NO])


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_a_guard_without_cause_changes_nothing(context: Setting, guard: Guard) -> None:
    assert after(guard, context(), 3.0, 3.0) == ([3.0, 3.0], [NO, NO])


def test_every_guard_is_shown_above() -> None:
    assert {case.values[0] for case in CASES} == set(GUARDS) - {guards.wake, guards.step_up}


def test_a_floor_rises_by_steps_that_double_it(context: Setting) -> None:
    up = context(asked=[1, 40])
    assert after(guards.step_up, up, 50.0, 50.0) == ([10.0, 50.0], [Reason.STEP, NO])
    assert after(guards.step_up, replace(up, tick_s=60.0), 1000.0, 500.0)[0] == [136.0, 500.0]
    assert after(guards.step_up, replace(context(), tick_s=1.0), 9.0, 1.0)[0] == [1.0, 1.0]


def test_a_floor_that_is_only_published_has_no_steps(context: Setting) -> None:
    """Its owner may not follow at once, or at all: from what runs there is no telling what was asked for last."""
    given = context(asked=[100, 1])
    published = replace(given, fleet=replace(given.fleet, moves=np.zeros(2, dtype=bool)))
    assert after((guards.step_up, guards.step_down), published, 0.0, 50.0) == ([0.0, 50.0], [NO, NO])


def test_a_floor_falls_further_the_longer_a_tick_is_and_by_four_at_least(context: Setting) -> None:
    down = context(asked=[100, 6], owner_least=[1, 0], owner_most=[200, 9])
    assert after(guards.step_down, down, 0.0, 0.0)[0] == [50.0, 2.0]
    assert after(guards.step_down, replace(down, tick_s=60.0), 0.0, 0.0)[0] == [6.0, 0.0]


WAKE_CASES = [
    pytest.param(QUEUE, 1.0, True, 0, 1.0, id="a request waits, which no rate tells yet"),
    pytest.param(ARRIVALS, 0.01, True, 0, 1.0, id="requests come"),
    pytest.param(RUNNING, 1.0, True, 0, 1.0, id="a gateway holds one"),
    pytest.param(QUEUE, 0.0, True, 0, 0.0, id="nobody waits"),
    pytest.param(QUEUE, math.nan, True, 0, 0.0, id="nobody knows"),
    pytest.param(SERVED, 1.0, True, 0, 0.0, id="what was served is over"),
    pytest.param(QUEUE, 1.0, False, 0, 0.0, id="neither late nor growing"),
    pytest.param(QUEUE, 1.0, True, 1, 0.0, id="somebody is ready"),
]


@pytest.mark.parametrize(("signal", "value", "pressed", "ready", "floor"), WAKE_CASES)
def test_who_comes_first_wakes_one_replica(
    context: Setting, core: Core, signal: int, value: float, pressed: bool, ready: int, floor: float
) -> None:
    told = context(demand=[0.0, 0.0])
    values = told.observation.values.copy()
    values[0, signal] = value
    seen = replace(
        told.observation, values=values, pressed=np.array([pressed, True]), inventory=core.inventory([ready, 0])
    )
    after_it = after(guards.wake, replace(told, observation=seen), 0.0, 0.0)
    assert after_it == ([floor, 0.0], [Reason.WOKEN if floor else NO, NO])


def test_who_comes_first_takes_nothing_away(context: Setting) -> None:
    told = context(late=[1.0, 1.0])
    told.observation.values[:, QUEUE] = 1.0
    assert after(guards.wake, told, 3.0, 0.0) == ([3.0, 1.0], [NO, Reason.WOKEN])


def test_the_reactive_guard_needs_whole_replicas_and_not_one_more(context: Setting) -> None:
    assert after(guards.reactive, context(demand=[4.0 + 1e-12, 4.01], late=[1.0, 1.0]), 0.0, 0.0)[0] == [4.0, 5.0]


def test_requests_that_are_late_of_an_unknown_demand_ask_for_nothing_new(context: Setting) -> None:
    late = context(demand=[math.nan, 5.0], late=[1.0, 1.0], state=[MISSING, VALUE])
    assert after(guards.reactive, late, 3.0, 3.0)[0] == [3.0, 5.0]


def test_missing_does_not_raise_what_is_asked_for_beyond_itself(context: Setting) -> None:
    assert after(guards.unknown, context(state=[MISSING, RECOVERING], asked=[2, 2]), 3.0, 3.0) == ([3.0, 3.0], [NO, NO])


@pytest.mark.parametrize(
    ("given", "wanted", "floor", "reasons"),
    [
        pytest.param(
            {"at_least": 8.0, "at_most": 4.0}, 2.0, 8.0, Reason.SCHEDULE_AT_LEAST, id="a floor ahead beats a ceiling"
        ),
        pytest.param(
            {"late": [1.0, 0.0], "demand": [9.0, 5.0], "at_most": 4.0}, 2.0, 4.0,
            Reason.REACTIVE | Reason.SCHEDULE_AT_MOST, id="a ceiling beats late requests",
        ),
        pytest.param(
            {"late": [1.0, 0.0], "demand": [9.0, 5.0], "most": 6}, 2.0, 6.0, Reason.REACTIVE | Reason.MAXIMUM,
            id="the maximum beats late requests",
        ),
        pytest.param(
            {"at_most": 1.0, "least": 3}, 9.0, 3.0, Reason.SCHEDULE_AT_MOST | Reason.MINIMUM,
            id="the minimum beats a ceiling",
        ),
        pytest.param(
            {"state": [MISSING, VALUE], "asked": [9, 0], "at_most": 4.0}, 2.0, 4.0,
            Reason.SIGNAL_MISSING | Reason.SCHEDULE_AT_MOST, id="a ceiling beats what is not known",
        ),
        pytest.param(
            {"burst": [9.0, 0.0], "kept": [5.0, 0.0]}, 2.0, 9.0, Reason.HOLD | Reason.RECURRENCE,
            id="a burst goes beyond what is kept",
        ),
        pytest.param(
            {"budget": 2.0, "least": 3, "at_least": 8.0}, 1.0, 2.0, Reason.SCHEDULE_AT_LEAST | Reason.BUDGET,
            id="the budget beats what schedules and the minimum want",
        ),
        pytest.param(
            {"budget": 2.0, "most": 6, "override": [9.0, math.nan]}, 8.0, 9.0,
            Reason.MAXIMUM | Reason.BUDGET | Reason.OVERRIDE, id="a person beats maximum and budget",
        ),
        pytest.param(
            {"late": [1.0, 0.0], "demand": [9.0, 5.0], "least": 3, "kept": [7.0, 0.0], "override": [1.0, math.nan]},
            2.0, 1.0, Reason.REACTIVE | Reason.OVERRIDE, id="a person beats late requests, hold and minimum",
        ),
        pytest.param(
            {"state": [MISSING, VALUE], "asked": [9, 0], "override": [2.0, math.nan]}, 4.0, 2.0,
            Reason.SIGNAL_MISSING | Reason.OVERRIDE, id="a person beats what is not known",
        ),
    ],
)  # fmt: skip
def test_the_order_of_the_guards_is_policy(
    context: Setting, given: dict[str, Any], wanted: float, floor: float, reasons: Reason
) -> None:
    floors, why = after(GUARDS, context(**{"asked": [2, 5]} | given), wanted, 5.0)
    assert (floors[0], why[0]) == (floor, reasons)


def test_a_burst_is_not_held_when_its_window_has_passed(context: Setting) -> None:
    kept: list[float] = []

    def keep(wanted: Floats) -> Floats:
        kept.append(float(wanted[0]))
        return wanted

    plain = context(burst=[9.0, 0.0])
    bursting = Context(
        plain.observation, plain.fleet, plain.bounds, plain.demand, plain.burst, plain.undisturbed, keep, 15.0
    )
    assert after(GUARDS, bursting, 2.0, 2.0)[0] == [9.0, 2.0]
    assert kept == [2.0]


def test_strategies_that_we_compare_with_promise_nothing_about_late_requests() -> None:
    assert set(GUARDS) - set(BARE_GUARDS) == {*guards.AGAINST_LATE, *guards.STEPS, guards.rollout}
