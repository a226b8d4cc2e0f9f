"""Release: node by node, so that nodes really get empty, and never more than is too many."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.act.release import released
from autoscaler.domain.inventory import Placeholder

CHAT, CODE, POOL = (0, 0), (1, 0), 0
Places = dict[tuple[int, int], list[Placeholder]]


def placed(*nodes: tuple[str, bool, dict[tuple[int, int], list[int]]]) -> Places:
    """Bound placeholders: of each node its name, whether nothing else is on it, and the slots by place."""
    found: Places = {CHAT: [], CODE: []}
    for name, alone, slots in nodes:
        for place, there in slots.items():
            found[place] += [Placeholder(*place, slot, bound=True, node=name, alone=alone) for slot in there]
    return found


def slots(going: Places, place: tuple[int, int] = CHAT) -> list[int]:
    return [one.slot for one in going.get(place, [])]


def test_one_node_of_two_is_emptied_whichever_slots_it_has() -> None:
    both = placed(("a", True, {CHAT: list(range(0, 16, 2))}), ("b", True, {CHAT: list(range(1, 16, 2))}))
    assert slots(released(both, {CHAT: 8})) == [15, 13, 11, 9, 7, 5, 3, 1]


def test_the_node_that_costs_the_fewest_goes_first() -> None:
    three = placed(("a", True, {CHAT: [7, 8, 9]}), ("b", True, {CHAT: [0]}), ("c", True, {CHAT: [1, 2]}))
    assert slots(released(three, {CHAT: 3})) == [0, 2, 1]


def test_a_node_with_other_pods_goes_last() -> None:
    three = placed(("a", False, {CHAT: [9]}), ("b", True, {CHAT: [0, 1]}))
    assert slots(released(three, {CHAT: 2})) == [1, 0]
    assert slots(released(three, {CHAT: 1})) == [1]
    assert slots(released(three, {CHAT: 3})) == [1, 0, 9]


def test_parts_are_taken_from_the_node_that_is_nearest_to_empty() -> None:
    two = placed(("a", True, {CHAT: [0, 1, 2]}), ("b", True, {CHAT: [3, 4, 5, 6, 7]}))
    assert slots(released(two, {CHAT: 2})) == [2, 1]
    assert slots(released(two, {CHAT: 4})) == [2, 1, 0, 7]


def test_those_that_wait_for_a_node_go_before_any_that_has_one() -> None:
    places = placed(("a", True, {CHAT: [4, 5]}))
    places[CHAT] += [Placeholder(*CHAT, 0, bound=False), Placeholder(*CHAT, 1, bound=False)]
    assert slots(released(places, {CHAT: 3})) == [1, 0, 5]


def test_a_node_of_two_workloads_is_emptied_where_both_have_too_many() -> None:
    places = placed(("a", True, {CHAT: [0], CODE: [0]}), ("b", True, {CHAT: [8, 9]}), ("c", True, {CODE: [8, 9]}))
    assert {place: slots({place: going}, place) for place, going in released(places, {CHAT: 1, CODE: 1}).items()} == {
        CHAT: [0],
        CODE: [0],
    }
    assert slots(released(places, {CHAT: 2})) == [9, 8]


def test_the_cheapest_node_is_left_where_it_stands_in_the_way_of_two() -> None:
    shared = [(name, True, {CHAT: [slot], CODE: [slot, slot + 2]}) for name, slot in (("b", 8), ("c", 9))]
    places = placed(("a", True, {CHAT: [0, 1]}), *shared)
    assert slots(released(places, {CHAT: 2, CODE: 4})) == [9, 8]


def test_where_nodes_are_not_told_apart_the_highest_slots_go() -> None:
    places = {CHAT: [Placeholder(*CHAT, slot, bound=slot != 3) for slot in range(6)]}
    assert slots(released(places, {CHAT: 3})) == [3, 5, 4]
    assert released(places, {CHAT: 0}) == released(places, {CHAT: -2}) == {}


def plainly(places: Places, surplus: dict[tuple[int, int], int]) -> Places:
    """The rule without nodes: those that wait, then the highest slots."""
    return {
        place: sorted(places[place], key=lambda one: (one.bound, -one.slot))[: max(count, 0)]
        for place, count in surplus.items()
    }


def emptied(places: Places, going: Places) -> int:
    gone = {(one.workload, one.slot) for some in going.values() for one in some}
    on: dict[str, list[Placeholder]] = {}
    for one in (one for some in places.values() for one in some if one.alone):
        on.setdefault(one.node, []).append(one)
    return sum(all((one.workload, one.slot) in gone for one in node) for node in on.values())


NODES = ("", "a", "b", "c", "d")
BUSY = "d"
STANDING = st.dictionaries(st.tuples(st.sampled_from([CHAT, CODE]), st.integers(0, 15)), st.sampled_from(NODES))
COUNTS = st.fixed_dictionaries({CHAT: st.integers(-2, 18), CODE: st.integers(-2, 18)})


def standing(on: dict[tuple[tuple[int, int], int], str]) -> Places:
    found: Places = {CHAT: [], CODE: []}
    for (place, slot), node in on.items():
        alone = bool(node) and node != BUSY
        found[place].append(Placeholder(*place, slot, bound=bool(node), node=node, alone=alone))
    return found


@given(on=STANDING, surplus=COUNTS)
def test_never_more_than_is_too_many_and_no_fewer_nodes_than_by_the_highest_slots(
    on: dict[tuple[tuple[int, int], int], str], surplus: dict[tuple[int, int], int]
) -> None:
    places = standing(on)
    going = released(places, surplus)
    for place, count in surplus.items():
        there = going.get(place, [])
        assert len(there) == min(max(count, 0), len(places[place]))
        assert len({one.slot for one in there}) == len(there)
        assert all(one in places[place] for one in there)
        waiting = sum(not one.bound for one in places[place])
        assert sum(not one.bound for one in there) == min(waiting, len(there))
    assert emptied(places, going) >= emptied(places, plainly(places, surplus))


@given(on=STANDING, surplus=COUNTS, seed=st.integers(0, 100))
def test_the_choice_does_not_hang_on_the_order(
    on: dict[tuple[tuple[int, int], int], str], surplus: dict[tuple[int, int], int], seed: int
) -> None:
    places, rng = standing(on), np.random.default_rng(seed)
    mixed = {place: [some[n] for n in rng.permutation(len(some))] for place, some in places.items()}
    assert released(mixed, surplus) == released(places, surplus)
