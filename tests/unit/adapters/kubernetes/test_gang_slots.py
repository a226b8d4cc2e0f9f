"""Slots of groups: made whole or not at all, deleted whole, and never left in part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.domain.ending import EndFate, Taker
from autoscaler.domain.gang import Gang
from autoscaler.ports.errors import PortError
from tests.unit.adapters.kubernetes.gang_house import GROUP_S, PATIENCE_S, SIZE, GangHouse

WHOLE = set(range(SIZE))
NODES = ("n0", "n1", "n2", "n3", "n4", "n5")


@pytest.fixture
def house() -> GangHouse:
    """Slot 0 stands, all of it bound."""
    found = GangHouse()
    found.add_nodes(*NODES[:SIZE])
    assert found.create(0) == ""
    found.schedule()
    return found


def fates(house: GangHouse) -> list[tuple[int | None, EndFate, Taker]]:
    return [(end.slot, end.fate, end.taker) for end in house.ended]


def wait(house: GangHouse, seconds: float) -> None:
    for _ in range(int(seconds)):
        house.tick()


def test_a_slot_is_bound_when_all_its_placeholders_are() -> None:
    house = GangHouse()
    house.add_nodes(*NODES[: SIZE - 1])
    house.create(0)
    house.schedule()
    assert [(one.slot, one.bound, one.node, one.alone) for one in house.seen()] == [(0, False, "", False)]
    house.add_nodes(NODES[SIZE])
    house.schedule()
    assert [(one.slot, one.bound, one.node, one.alone) for one in house.seen()] == [(0, True, "n0,n1,n3", True)]


def test_a_second_creation_is_done_already(house: GangHouse) -> None:
    assert house.create(0) == ""
    house.begin()
    assert house.create(0) == ""
    assert len(house.server.pods) == SIZE


@pytest.mark.parametrize("left", range(SIZE))
def test_what_a_quota_cuts_short_is_taken_back_and_not_told(left: int) -> None:
    house = GangHouse()
    house.server.left = left
    assert house.create(0) == "QuotaExceeded"
    assert house.members() == {}
    wait(house, PATIENCE_S + 1)
    assert house.ended == []


def test_half_a_slot_that_a_crash_left_is_released(house: GangHouse) -> None:
    house.server.pods.pop(house.named(0, 2))
    house.begin()
    assert house.seen() == ()
    assert house.create(0) == "Conflict"
    wait(house, PATIENCE_S + 1)
    assert house.members() == {}
    assert house.create(0) == ""
    assert house.members() == {0: WHOLE}


def test_a_slot_that_its_group_takes_is_told_once(house: GangHouse) -> None:
    for worker in range(SIZE):
        house.takes(house.named(0, worker), worker=worker)
        house.tick()
        assert house.seen() == ()
    wait(house, PATIENCE_S + 1)
    assert fates(house) == [(0, EndFate.CONSUMED, Taker.OWN)]


def test_the_rest_stays_as_long_as_the_group_comes_and_no_longer(house: GangHouse) -> None:
    house.takes(house.named(0, 1))
    house.runs("chat-1", "", worker=1)
    wait(house, 10 * PATIENCE_S)
    assert house.members() == {0: {0, 2}}
    assert house.create(0) == "Conflict"
    house.tick(GROUP_S)
    assert house.members() == {}
    wait(house, PATIENCE_S + 1)
    assert fates(house) == [(0, EndFate.CONSUMED, Taker.OWN)]


def test_the_rest_goes_when_the_group_stands_elsewhere(house: GangHouse) -> None:
    house.add_nodes(*NODES)
    house.takes(house.named(0, 1))
    for worker in range(1, SIZE):
        house.runs(f"chat-{worker}", NODES[SIZE + worker], worker=worker)
    wait(house, PATIENCE_S + 2)
    assert house.members() == {}


def test_the_rest_goes_at_once_where_others_took_the_place(house: GangHouse) -> None:
    house.takes(house.named(0, 1), app="train")
    house.tick()
    assert house.members() == {}
    wait(house, PATIENCE_S + 1)
    assert fates(house) == [(0, EndFate.CONSUMED, Taker.OTHER)]
    assert house.ended[0].is_strangers


def test_a_lost_node_takes_all_of_the_slot_along(house: GangHouse) -> None:
    del house.server.nodes["n1"]
    assert house.seen() == ()
    house.tick()
    assert house.members() == {}
    wait(house, PATIENCE_S + 1)
    assert fates(house) == [(0, EndFate.LOST, Taker.NOBODY)]


def test_a_deletion_that_fails_half_way_is_finished_later(house: GangHouse) -> None:
    house.create(1)
    first = house.server.pods[house.named(0, 0)]
    house.server.dead = True
    with pytest.raises(PortError):
        house.delete(0)
    house.server.dead = False
    assert first["metadata"]["name"] in house.server.pods
    house.server.goes(house.named(0, 0))
    wait(house, PATIENCE_S + 1)
    assert house.members() == {1: WHOLE}


def test_of_slots_that_halve_the_room_the_first_gets_it() -> None:
    house = GangHouse()
    house.add_nodes(*NODES[:SIZE])
    for slot in range(2):
        house.create(slot)
    house.schedule(house.named(0, 0), house.named(1, 0), house.named(1, 1))
    wait(house, PATIENCE_S - 1)
    assert house.members() == {0: WHOLE, 1: WHOLE}
    wait(house, 2)
    assert house.members() == {0: WHOLE}
    house.schedule()
    assert [one.bound for one in house.seen()] == [True]


def test_slots_are_handed_over_whole_before_a_group_comes(house: GangHouse) -> None:
    house.add_nodes(*NODES)
    for slot in (1, 2):
        house.create(slot)
    house.schedule()
    assert sorted(one.bound for one in house.seen()) == [False, True, True]
    house.lifecycle.hand_over(0, 1, house.snapshot())
    assert house.members() == {1: WHOLE, 2: WHOLE}
    house.lifecycle.hand_over(0, 5, house.snapshot())
    assert house.members() == {2: WHOLE}
    wait(house, PATIENCE_S + 1)
    assert fates(house) == [(0, EndFate.RELEASED, Taker.OWN), (1, EndFate.RELEASED, Taker.OWN)]


@pytest.mark.parametrize("first", [0, 1], ids=["a leader without GPUs", "a leader with some"])
def test_workers_that_come_later_find_their_room(house: GangHouse, first: int) -> None:
    house.lifecycle.hand_over(0, 1, house.snapshot(), first)
    assert house.seen() == ()
    assert house.create(0) == "Conflict"
    house.lifecycle.hand_over(0, 1, house.snapshot(), None)
    left = set(range(first, SIZE))
    assert house.members() == {0: left}
    house.runs("chat-0", house.free_nodes()[0] if first else "n9", worker=0)
    house.add_nodes("n9")
    wait(house, 5 * PATIENCE_S)
    assert house.members() == {0: left}
    for worker in left:
        house.takes(house.named(0, worker), worker=worker)
    wait(house, PATIENCE_S + 1)
    assert [(slot, taker) for slot, _, taker in fates(house)] == [(0, Taker.OWN)]


def test_a_promise_that_nobody_takes_up_ends(house: GangHouse) -> None:
    house.lifecycle.hand_over(0, 1, house.snapshot(), 0)
    wait(house, PATIENCE_S + 2)
    assert house.members() == {}
    assert house.create(0) == ""
    assert [one.slot for one in house.seen()] == [0]


@pytest.mark.parametrize("gang", [Gang(8, 8, 2), Gang(8, 0, 1), Gang(0, 8, SIZE)], ids=["fewer", "one", "idle leader"])
def test_slots_of_another_size_go(house: GangHouse, gang: Gang) -> None:
    house.gang = gang
    house.tick()
    assert house.members() == {}


Step = Callable[[GangHouse], object]


def _some(house: GangHouse, n: int, bound: bool) -> str | None:
    names = sorted(name for name, one in house.server.pods.items() if bool(one["spec"].get("nodeName")) is bound)
    return names[n % len(names)] if names else None


def _takes(house: GangHouse, n: int, app: str) -> None:
    name = _some(house, n, bound=True)
    if name is not None:
        house.takes(name, app, n)


def _vanishes(house: GangHouse, n: int, bound: bool, why: str) -> None:
    name = _some(house, n, bound)
    if name is not None:
        house.server.goes(name, why)


def _node_goes(house: GangHouse, n: int) -> None:
    if house.server.nodes:
        del house.server.nodes[sorted(house.server.nodes)[n % len(house.server.nodes)]]


def _deletes(house: GangHouse, n: int) -> None:
    if not house.server.dead:
        house.delete(n)


def _dies(house: GangHouse, n: int) -> None:
    house.server.dead = n % 2 == 1


def _quota(house: GangHouse, n: int) -> None:
    house.server.left = None if n > SIZE else n


STEPS: dict[str, Callable[[GangHouse, int], object]] = {
    "create": lambda house, n: house.create(n % 3),
    "delete": _deletes,
    "hand over": lambda house, n: house.lifecycle.hand_over(0, n % 3, house.snapshot(), None if n > 2 else n),
    "nodes come": lambda house, n: house.add_nodes(NODES[n % len(NODES)]),
    "a node goes": _node_goes,
    "scheduler": lambda house, _: house.schedule(),
    "one is bound": lambda house, n: house.schedule(_some(house, n, bound=False) or ""),
    "its own takes": lambda house, n: _takes(house, n, "chat"),
    "another takes": lambda house, n: _takes(house, n, "train"),
    "evicted": lambda house, n: _vanishes(house, n, True, "EvictionByEvictionAPI"),
    "deleted": lambda house, n: _vanishes(house, n, n % 2 == 0, ""),
    "server": _dies,
    "quota": _quota,
    "restart": lambda house, _: house.server.dead or house.begin(),
    "tick": lambda house, n: house.tick(1.0 + n),
}


@given(st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 5)), max_size=25))
def test_no_slot_stands_in_part_once_the_server_lets_us_write(steps: list[tuple[str, int]]) -> None:
    house = GangHouse()
    house.add_nodes(*NODES[:4])
    made = Counter[int | None]()
    for what, n in steps:
        before = house.members()
        STEPS[what](house, n)
        if what == "create" and not house.server.dead:
            slot = n % 3
            assert house.members().get(slot, set()) in (before.get(slot, set()), WHOLE)
            made[slot] += slot not in before and slot in house.members()
        for one in house.seen():
            assert house.members()[one.slot] == WHOLE
    house.server.dead, house.server.left = False, None
    house.real.clear()
    wait(house, 2 * PATIENCE_S + 2)
    assert all(members == WHOLE for members in house.members().values())
    assert Counter(end.slot for end in house.ended) <= made
