"""One tick's plan: proposal, holds, guards, and the room beyond the floors, for each workload by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.domain.bounds import Bounds
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import Forecast
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.plan import Plan, Reason, reason_text
from autoscaler.domain.signal import MISSING, RECOVERING
from autoscaler.forecast.history import History
from autoscaler.plan.planning import PlanState, plan
from autoscaler.plan.strategies import Setting, strategy

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick

TICK_S = 60.0
NAN = math.nan
UNKNOWN = pytest.mark.parametrize("state", [MISSING, RECOVERING], ids=["missing", "recovering"])
Slots = Sequence[tuple[int, int, int, bool]]


class Planned:
    """Plans a fleet tick by tick; what is asked for is there at once."""

    def __init__(self, core: Core, tick: Tick, fleet: Fleet, name: str = "quantile", shared: bool = True) -> None:
        self._core, self._tick, self.fleet = core, tick, fleet
        chosen = strategy(name, Setting(0.0, shared, path=np.array([[9, 2, 2, 2, 2, 2, 2]])))
        self.state = PlanState.fresh(fleet, chosen, TICK_S, shared)
        self._now_s = 0.0
        self.floor = [0] * fleet.size

    def __call__(self, demand: Sequence[float], forecast: Forecast | None = None, at_least: float = 0.0,
                 at_most: float = math.inf, placeholders: Slots = (), override: float | None = None,
                 paused: bool | None = None, room_at_least: float = 0.0, **seen: Any) -> Plan:  # fmt: skip
        n, pools = self.fleet.size, len(self.fleet.pools)
        ready = [[count] + [0] * (pools - 1) for count in self.floor]
        inventory: Inventory = self._core.inventory(ready, placeholders=placeholders)
        observation = self._tick.observation(demand, inventory, self._now_s, **seen)
        wish = (None if override is None else np.full(n, override), None if paused is None else np.full(n, paused))
        bounds = replace(
            Bounds.none(n), at_least=np.full(n, at_least), at_most=np.full(n, at_most), override=wish[0],
            paused=wish[1], room_at_least=np.full(n, room_at_least),
        )  # fmt: skip
        decided = plan(self.state, self.fleet, observation, forecast, History.fresh(n, TICK_S), bounds, TICK_S)
        self._now_s += TICK_S
        self.floor = decided.floor.tolist()
        return decided


def reasons(decided: Plan, workload: int = 0) -> Reason:
    return Reason(int(decided.reasons[workload]))


def test_the_floor_serves_at_the_replica_lead_and_placeholders_hold_the_room_until_then(core: Core, tick: Tick) -> None:
    decided = Planned(core, tick, core.fleet())([4.0], tick.forecast([[4.2, 7.5]]))
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([5], [[3]])
    assert reasons(decided) == Reason.FORECAST
    assert decided.target.tolist() == [7.5]


def test_where_nodes_are_not_shared_all_of_it_is_floor(core: Core, tick: Tick) -> None:
    decided = Planned(core, tick, core.fleet(), shared=False)([4.0], tick.forecast([[4.2, 7.5]]))
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([8], [[0]])


def test_floor_and_room_are_each_held_as_long_as_their_restart_costs(core: Core, tick: Tick) -> None:
    planned = Planned(core, tick, core.fleet())
    planned([9.0], tick.forecast([[9.0, 9.0]]))
    told = [planned([2.0], tick.forecast([[2.0, 2.0]])) for _ in range(6)]
    assert [int(p.floor[0]) for p in told] == [9, 2, 2, 2, 2, 2]
    assert [int(p.placeholders[0, 0]) for p in told] == [0, 7, 7, 7, 0, 0]
    assert reasons(told[0]) == Reason.FORECAST | Reason.HOLD


def test_a_strategy_with_a_release_rule_of_its_own_is_not_held(core: Core, tick: Tick) -> None:
    planned = Planned(core, tick, core.fleet(hold_s=3600.0), "clairvoyant")
    assert [planned([2.0]).floor.tolist() for _ in range(2)] == [[9], [2]]


@UNKNOWN
def test_what_is_not_known_keeps_floor_and_placeholders(core: Core, tick: Tick, state: int) -> None:
    planned = Planned(core, tick, core.fleet())
    planned([9.0], tick.forecast([[9.0, 12.0]]))
    standing = [(0, 0, slot, slot < 2) for slot in range(3)]
    low = NAN if state == MISSING else 0.5
    for _ in range(30):
        decided = planned([low], tick.forecast([[0.5, 0.5]]), placeholders=standing, state=[state])
        assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([9], [[3]])
    assert reasons(decided) & (Reason.SIGNAL_RECOVERING if state == RECOVERING else Reason.SIGNAL_MISSING)
    known = [planned([0.5], tick.forecast([[0.5, 0.5]]), placeholders=standing) for _ in range(6)]
    assert (known[-1].floor.tolist(), known[-1].placeholders.tolist()) == ([1], [[0]])


def test_while_demand_is_missing_the_last_good_target_stands(core: Core, tick: Tick) -> None:
    """The forecast goes on without samples, and is not followed where there are none."""
    planned = Planned(core, tick, core.fleet(2), shared=False)
    planned([9.0, 4.0], tick.forecast([9.0, 4.0, 13.0]))
    decided = planned([NAN, 6.0], tick.forecast([30.0, 6.0, 36.0]))
    assert decided.target.tolist() == [9.0, 6.0]
    assert decided.floor.tolist() == [9, 6]


def test_before_anything_was_known_what_stands_stays(core: Core, tick: Tick) -> None:
    planned = Planned(core, tick, core.fleet(2, min_replicas=[0, 3]), "reactive")
    planned.floor = [5, 2]
    decided = planned([NAN, NAN])
    assert decided.floor.tolist() == [5, 3]
    assert np.isnan(decided.target).all()


@UNKNOWN
def test_a_rising_floor_takes_its_placeholders_with_it_although_nothing_is_known(
    core: Core, tick: Tick, state: int
) -> None:
    planned = Planned(core, tick, core.fleet())
    planned([9.0], tick.forecast([[9.0, 12.0]]))
    standing = [(0, 0, slot, True) for slot in range(3)]
    decided = planned(
        [0.5], tick.forecast([[0.5, 0.5]]), at_least=11.0, placeholders=standing, state=[state]
    )  # fmt: skip
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([11], [[1]])


@UNKNOWN
def test_placeholders_stay_in_their_pools_while_nothing_is_known(core: Core, tick: Tick, state: int) -> None:
    """A forecast that goes on without samples must not move warm nodes from one pool to another."""
    fleet = core.fleet(1, (core.pool("steady"), core.pool("cheap", True, zones=("a", "b", "c"))))
    planned = Planned(core, tick, fleet)
    planned([9.0], tick.forecast([[9.0, 9.0]]))
    standing = [(0, 0, 0, True), (0, 1, 0, True), (0, 1, 1, True)]
    for centre in (0.5, 9.0, 30.0):
        decided = planned([NAN], tick.forecast([[0.5, centre]]), placeholders=standing, state=[state])
        assert (decided.placeholders >= np.array([[1, 2]])).all()


def test_placeholders_bring_the_nodes_of_a_schedule_and_its_floor_begins_as_they_come(core: Core, tick: Tick) -> None:
    """All on-demand: what a schedule wants is needed, whatever the forecast says. Its nodes pass no ceiling."""
    fleet = core.fleet(1, (core.pool("steady"), core.pool("cheap", True, zones=("a", "b", "c"))))
    planned, forecast = Planned(core, tick, fleet), tick.forecast([[0.5, 0.5]])
    waiting = [(0, 0, slot, False) for slot in range(4)]
    partly = [(0, 0, slot, slot < 3) for slot in range(4)]
    told = [
        planned([0.5], forecast, room_at_least=5.0, at_most=2.0, placeholders=placeholders)
        for placeholders in ((), waiting, partly, [(0, 0, 3, False)], [(0, 0, 3, True)])
    ]
    assert [plan.floor.tolist() for plan in told] == [[1], [1], [4], [4], [5]]
    assert [plan.placeholders.tolist() for plan in told] == [[[4, 0]], [[4, 0]], [[1, 0]], [[1, 0]], [[0, 0]]]
    assert all(reasons(plan) & Reason.SCHEDULE_AT_LEAST for plan in told)
    planned.floor = [1]
    late = planned([0.5], forecast, room_at_least=5.0, at_least=5.0, placeholders=waiting)
    assert late.floor.tolist() == [5]


def test_room_that_is_held_stays_in_its_pools(core: Core, tick: Tick) -> None:
    """As after a change of leader, or of the lead time: what stood is held, and nobody wants it on primary any more."""
    fleet = core.fleet(1, (core.pool("steady"), core.pool("cheap", True, zones=("a", "b", "c"))))
    planned, forecast = Planned(core, tick, fleet), tick.forecast([[0.5, 0.5]])
    planned([4.0], tick.forecast([[0.5, 4.0]]))
    standing = [(0, 0, 0, True), (0, 0, 1, False), (0, 1, 0, True)]
    assert planned([0.5], forecast, placeholders=standing).placeholders.tolist() == [[2, 1]]
    assert planned([0.5], forecast, placeholders=standing[1:]).placeholders.tolist() == [[1, 2]]


def test_without_room_the_floor_of_a_schedule_begins_a_whole_lead_ahead(core: Core, tick: Tick) -> None:
    decided = Planned(core, tick, core.fleet(), shared=False)([0.5], tick.forecast([[0.5, 0.5]]), room_at_least=5.0)
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([5], [[0]])


def test_room_does_not_pass_the_maximum_or_a_ceiling_in_force(core: Core, tick: Tick) -> None:
    forecast = tick.forecast([[4.0, 20.0]])
    assert Planned(core, tick, core.fleet(max_replicas=9))([4.0], forecast).placeholders.tolist() == [[5]]
    assert Planned(core, tick, core.fleet())([4.0], forecast, at_most=6.0).placeholders.tolist() == [[2]]


def test_there_is_no_room_beyond_a_floor_that_a_person_has_set(core: Core, tick: Tick) -> None:
    """Not below it, where the forecast wants more, and not above it, where the maximum allows less."""
    forecast = tick.forecast([[4.0, 20.0]])
    for floor in (2.0, 15.0):
        decided = Planned(core, tick, core.fleet(max_replicas=9))([4.0], forecast, override=floor)
        assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([int(floor)], [[0]])


def test_what_an_override_held_down_is_wanted_again_when_it_ends(core: Core, tick: Tick) -> None:
    planned = Planned(core, tick, core.fleet())
    floors = [
        planned([9.0], tick.forecast([[9.0, 9.0]]), override=floor).floor.tolist() for floor in (None, 2.0, 2.0, None)
    ]
    assert floors == [[9], [2], [2], [9]]


def test_a_floor_that_the_pools_cannot_hold_is_said_although_a_person_has_set_it(core: Core, tick: Tick) -> None:
    fleet = core.fleet(1, (core.pool(max_nodes=4),))
    decided = Planned(core, tick, fleet)([1.0], tick.forecast([[1.0, 1.0]]), override=6.0)
    assert reasons(decided) & Reason.OVERRIDE
    assert reasons(decided) & Reason.POOL_LIMIT
    assert decided.floor.tolist() == [6]


def test_a_paused_policy_is_planned_for_all_the_same(core: Core, tick: Tick) -> None:
    decided = Planned(core, tick, core.fleet())([4.0], tick.forecast([[4.2, 7.5]]), paused=True)
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([5], [[3]])
    assert reasons(decided) == Reason.FORECAST | Reason.PAUSED


def test_a_floor_that_the_pools_cannot_hold_is_said(core: Core, tick: Tick) -> None:
    fleet = core.fleet(1, (core.pool(max_nodes=4),))
    decided = Planned(core, tick, fleet)([6.0], tick.forecast([[6.0, 6.0]]))
    assert reasons(decided) == Reason.FORECAST | Reason.POOL_LIMIT
    assert decided.floor.tolist() == [6]


def test_room_that_the_pools_cannot_hold_is_said_and_not_asked_for(core: Core, tick: Tick) -> None:
    planned = Planned(core, tick, core.fleet(1, (core.pool(max_nodes=4),)))
    planned([3.0], tick.forecast([[3.0, 3.0]]))
    decided = planned([3.0], tick.forecast([[3.0, 9.0]]))
    assert decided.placeholders.tolist() == [[1]]
    assert reasons(decided) & Reason.POOL_LIMIT


@pytest.mark.parametrize(
    ("bound", "given"),
    [
        pytest.param({"max_replicas": 2}, {}, id="the maximum"),
        pytest.param({}, {"at_most": 2.0}, id="a ceiling"),
        pytest.param({}, {"override": 2.0}, id="a person, below"),
        pytest.param({}, {"override": 20.0}, id="a person, above"),
        pytest.param({}, {"paused": True}, id="a pause"),
        pytest.param({}, {"state": [RECOVERING]}, id="a signal that recovers"),
    ],
)
def test_the_loop_stands_still_while_a_bound_and_not_the_planner_sets_the_floor(
    core: Core, tick: Tick, bound: dict[str, Any], given: dict[str, Any]
) -> None:
    late = {"late": [6.0], **given}
    held, free = Planned(core, tick, core.fleet(**bound)), Planned(core, tick, core.fleet())
    for _ in range(3):
        stuck = held([9.0], tick.forecast([[9.0, 9.0]]), **late)
        moves = free([9.0], tick.forecast([[9.0, 9.0]]), late=[6.0])
    first = 0.0 if "state" in given else float(free.state.loop.past[1][1][0])  # bound is known after one plan
    assert stuck.level.tolist() == pytest.approx([first])
    assert moves.level[0] > stuck.level[0] + 0.1


def test_strategies_without_the_loop_keep_their_own_setting(core: Core, tick: Tick) -> None:
    planned = Planned(core, tick, core.fleet(), "reactive")
    assert [planned([9.0], late=[9.0]).level[0] for _ in range(3)] == [0.0] * 3


def test_reasons_are_words() -> None:
    bits = Reason.FORECAST | Reason.HOLD | Reason.MAXIMUM
    assert reason_text(int(bits)) == "forecast; hold; maximum"
    assert all(reason_text(int(reason)) for reason in Reason)
