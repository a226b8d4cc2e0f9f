"""Placeholders whose workload has another shape by now are replaced, and never is there less room meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.act.difference import difference
from autoscaler.act.renewal import renewed
from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder
from autoscaler.domain.inventory import Placeholder
from autoscaler.domain.plan import Plan
from tests.unit.conftest import Core

if TYPE_CHECKING:
    from autoscaler.domain.fleet import Fleet

BUILD = Core()
FLEET = BUILD.fleet(pools=(BUILD.pool(gpus_per_node=2),))


def old(slot: int, node: str = "n1") -> Placeholder:
    return Placeholder(0, 0, slot, bound=bool(node), node=node, outdated=True)


def new(slot: int, node: str = "n2") -> Placeholder:
    return Placeholder(0, 0, slot, bound=bool(node), node=node)


def done(placeholders: Sequence[Placeholder], wanted: int, rise: int = 0, fleet: Fleet = FLEET) -> list[Action]:
    inventory = replace(BUILD.inventory([3]), placeholders=tuple(placeholders))
    plan = Plan(np.array([3 + rise]), np.array([[wanted]]), np.zeros(1), np.zeros(1, dtype=np.uint32), np.zeros(1))
    return renewed(difference(plan, inventory), plan, inventory, fleet)


def creates(*slots: int) -> list[Action]:
    return [CreatePlaceholder(0, 0, slot) for slot in slots]


def deletes(*slots: int) -> list[Action]:
    return [DeletePlaceholder(0, 0, slot) for slot in slots]


def test_new_ones_come_first_a_node_at_a_time_at_slots_of_their_own() -> None:
    assert done([old(0), old(1), old(2), old(3)], wanted=4) == creates(4, 5)


def test_nothing_goes_while_the_new_ones_have_no_node() -> None:
    assert done([old(0), old(1), new(2, node=""), new(3, node="")], wanted=2) == []


def test_as_many_go_as_new_ones_hold_room() -> None:
    assert done([old(0), old(1), new(2), new(3, node="")], wanted=2) == deletes(0)


def test_old_ones_that_wait_for_a_node_go_at_once() -> None:
    assert done([old(0, node=""), old(1, node="")], wanted=2) == [*creates(2, 3), *deletes(0, 1)]


def test_what_is_not_wanted_any_more_is_not_renewed() -> None:
    assert done([old(0), old(1)], wanted=0) == deletes(0, 1)


def test_a_rising_floor_takes_old_ones_too() -> None:
    assert done([old(0), old(1)], wanted=0, rise=2)[1:] == []


def test_without_outdated_ones_nothing_is_changed() -> None:
    assert done([new(0), new(1)], wanted=3) == creates(2)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), max_size=8),
    st.integers(0, 8),
    st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_it_comes_to_its_end_and_no_room_is_lost_on_the_way(
    standing: list[tuple[bool, bool]], wanted: int, binds: list[bool]
) -> None:
    here = {
        slot: Placeholder(0, 0, slot, bound, "n" if bound else "", outdated=outdated)
        for slot, (bound, outdated) in enumerate(standing)
    }
    for is_bound in [*binds, *[True] * 20]:
        room = min(sum(one.bound for one in here.values()), wanted)
        for action in done(list(here.values()), wanted):
            assert isinstance(action, CreatePlaceholder | DeletePlaceholder)
            if isinstance(action, CreatePlaceholder):
                assert action.slot not in here
                here[action.slot] = Placeholder(0, 0, action.slot, bound=False)
            else:
                del here[action.slot]
        assert min(sum(one.bound for one in here.values()), wanted) >= room
        waiting = [slot for slot, one in here.items() if not one.bound]
        if is_bound and waiting:
            here[waiting[0]] = replace(here[waiting[0]], bound=True, node="n")
    assert [one.outdated for one in here.values()] == [False] * wanted
