"""Differences: what must change so that the cluster is as planned, in an order in which nobody loses room."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.act.difference import difference
from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder, SetFloor
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.plan import Plan

if TYPE_CHECKING:
    from tests.unit.conftest import Core

WORKLOADS, POOLS = 3, 2
PLACES = [(w, p) for w in range(WORKLOADS) for p in range(POOLS)]


def wanted(floor: list[int], placeholders: list[list[int]]) -> Plan:
    n = len(floor)
    return Plan(
        np.array(floor), np.array(placeholders).reshape(n, -1), np.zeros(n), np.zeros(n, np.uint32), np.zeros(n)
    )


def applied(actions: list[Action], plan: Plan, before: Inventory) -> Inventory:
    """The cluster after the actions: a floor that rises takes placeholders above the plan that are not deleted."""
    floor = before.floor.copy()
    standing = {(p.workload, p.pool, p.slot): p for p in before.placeholders}
    for action in sorted(actions, key=lambda action: isinstance(action, SetFloor)):
        if isinstance(action, SetFloor):
            rise = action.replicas - int(floor[action.workload])
            floor[action.workload] = action.replicas
            _take(standing, action.workload, rise, plan)
        elif isinstance(action, CreatePlaceholder):
            key = (action.workload, action.pool, action.slot)
            assert key not in standing
            standing[key] = Placeholder(*key, bound=False)
        else:
            del standing[action.workload, action.pool, action.slot]
    return replace(before, floor=floor, placeholders=tuple(standing.values()))


def _take(standing: dict[tuple[int, int, int], Placeholder], workload: int, rise: int, plan: Plan) -> None:
    for one in [p for p in standing.values() if p.workload == workload]:
        here = sum(p.workload == workload and p.pool == one.pool for p in standing.values())
        if rise > 0 and here > int(plan.placeholders[workload, one.pool]):
            del standing[workload, one.pool, one.slot]
            rise -= 1


COUNTS = st.integers(0, 6)
PLANS = st.builds(
    wanted,
    st.lists(COUNTS, min_size=WORKLOADS, max_size=WORKLOADS),
    st.lists(st.lists(COUNTS, min_size=POOLS, max_size=POOLS), min_size=WORKLOADS, max_size=WORKLOADS),
)
STANDING = st.dictionaries(st.tuples(st.sampled_from(PLACES), st.integers(0, 9)), st.booleans(), max_size=14)
FLOORS = st.lists(COUNTS, min_size=WORKLOADS, max_size=WORKLOADS)


def cluster(core: Core, floor: list[int], standing: dict[tuple[tuple[int, int], int], bool]) -> Inventory:
    placeholders = [(w, p, slot, bound) for ((w, p), slot), bound in standing.items()]
    return core.inventory(np.zeros((WORKLOADS, POOLS)), floor=floor, placeholders=placeholders)


@given(plan=PLANS, floor=FLOORS, standing=STANDING)
def test_done_once_there_is_nothing_left_to_do(
    core: Core, plan: Plan, floor: list[int], standing: dict[tuple[tuple[int, int], int], bool]
) -> None:
    before = cluster(core, floor, standing)
    asked = applied(difference(plan, before), plan, before)
    there = replace(asked, placeholders=tuple(replace(one, bound=True) for one in asked.placeholders))
    after = applied(difference(plan, there), plan, there)
    assert difference(plan, after) == []
    assert after.floor.tolist() == plan.floor.tolist()
    bound, pending = after.placeholder_counts()
    assert (bound + pending).tolist() == plan.placeholders.tolist()


@given(plan=PLANS, floor=FLOORS, standing=STANDING)
def test_room_is_made_before_floors_move_and_given_up_after(
    core: Core, plan: Plan, floor: list[int], standing: dict[tuple[tuple[int, int], int], bool]
) -> None:
    kinds = [type(action) for action in difference(plan, cluster(core, floor, standing))]
    order = [CreatePlaceholder, SetFloor, DeletePlaceholder]
    assert kinds == sorted(kinds, key=order.index)


def test_where_all_is_as_planned_nothing_is_done(core: Core) -> None:
    inventory = core.inventory([4], placeholders=[(0, 0, 3, True)])
    assert difference(wanted([4], [[1]]), inventory) == []


def test_new_placeholders_take_the_free_slots(core: Core) -> None:
    inventory = core.inventory([4], placeholders=[(0, 0, 1, True), (0, 0, 3, False)])
    assert difference(wanted([4], [[5]]), inventory) == [CreatePlaceholder(0, 0, slot) for slot in (0, 2, 4)]


def test_floors_move_up_and_down_to_what_is_planned(core: Core) -> None:
    assert difference(wanted([6, 1, 3], [[0], [0], [0]]), core.inventory([4, 4, 3])) == [SetFloor(0, 6), SetFloor(1, 1)]


@pytest.mark.parametrize(
    ("floor", "left", "deleted"),
    [
        pytest.param(4, 0, [7, 5, 9, 2], id="none wanted: those that wait first, then the highest slots"),
        pytest.param(4, 2, [7, 5], id="some wanted: those that are bound stay"),
        pytest.param(6, 0, [7, 5], id="a floor that rises by two takes the bound ones"),
        pytest.param(7, 1, [], id="a floor that rises takes what is left over"),
        pytest.param(2, 1, [7, 5, 9], id="a floor that falls takes none"),
    ],
)
def test_what_is_left_over_is_deleted_but_for_what_a_rising_floor_takes(
    core: Core, floor: int, left: int, deleted: list[int]
) -> None:
    standing = [(0, 0, 2, True), (0, 0, 5, False), (0, 0, 7, False), (0, 0, 9, True)]
    actions = difference(wanted([floor], [[left]]), core.inventory([4], placeholders=standing))
    assert [a for a in actions if not isinstance(a, SetFloor)] == [DeletePlaceholder(0, 0, slot) for slot in deleted]


def test_a_rise_takes_from_one_pool_what_it_does_not_find_in_another(core: Core) -> None:
    standing = [(0, 0, 0, True), (0, 1, 0, True), (0, 1, 1, True)]
    actions = difference(wanted([2], [[0, 0]]), core.inventory([[0, 0]], placeholders=standing))
    assert actions == [SetFloor(0, 2), DeletePlaceholder(0, 1, 1)]


def test_a_rise_takes_one_that_is_bound_wherever_it_is(core: Core) -> None:
    standing = [(0, 0, 0, False), (0, 1, 0, True)]
    actions = difference(wanted([6], [[0, 0]]), core.inventory([[5, 0]], placeholders=standing))
    assert actions == [SetFloor(0, 6), DeletePlaceholder(0, 0, 0)]


def test_a_rise_takes_no_placeholder_of_another_workload(core: Core) -> None:
    actions = difference(wanted([3, 0], [[0], [0]]), core.inventory([0, 0], placeholders=[(1, 0, 0, True)]))
    assert actions == [SetFloor(0, 3), DeletePlaceholder(1, 0, 0)]


def test_room_leaves_a_pool_only_as_there_is_room_in_the_other(core: Core) -> None:
    plan, old = wanted([4], [[0, 2]]), [(0, 0, 0, True), (0, 0, 1, True)]
    first = difference(plan, core.inventory([[4, 0]], placeholders=old))
    assert first == [CreatePlaceholder(0, 1, 0), CreatePlaceholder(0, 1, 1)]
    one_there = [*old, (0, 1, 0, True), (0, 1, 1, False)]
    assert difference(plan, core.inventory([[4, 0]], placeholders=one_there)) == [DeletePlaceholder(0, 0, 1)]
    all_there = [(0, 0, 0, True), (0, 1, 0, True), (0, 1, 1, True)]
    assert difference(plan, core.inventory([[4, 0]], placeholders=all_there)) == [DeletePlaceholder(0, 0, 0)]


def test_what_waits_for_a_node_leaves_its_pool_at_once(core: Core) -> None:
    actions = difference(wanted([4], [[0, 1]]), core.inventory([[4, 0]], placeholders=[(0, 0, 0, False)]))
    assert actions == [CreatePlaceholder(0, 1, 0), DeletePlaceholder(0, 0, 0)]


def test_room_of_one_workload_does_not_stand_in_for_that_of_another(core: Core) -> None:
    standing = [(0, 0, 0, True), (1, 1, 0, True), (1, 1, 1, True)]
    actions = difference(wanted([4, 4], [[0, 1], [0, 1]]), core.inventory([[4, 0], [4, 0]], placeholders=standing))
    assert actions == [CreatePlaceholder(0, 1, 0), DeletePlaceholder(1, 1, 1)]
