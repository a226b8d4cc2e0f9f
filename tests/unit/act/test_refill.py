"""Asking again at a limited rate: what strangers took, and what ends badly again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.act.refill import TAKEN, HeldBack, RefillLimits, hold_back
from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder, SetFloor
from autoscaler.domain.ending import EndFate, PlaceholderEnd, Taker

if TYPE_CHECKING:
    from autoscaler.domain.fleet import Fleet
    from tests.unit.conftest import Core

LIMITS = RefillLimits(taken_at_once=2, taken_each_s=600.0, again_s=30.0, again_most_s=100.0, within_s=3600.0)
NOW_S = 1e6


def ended(
    fate: EndFate, ago_s: float, slot: int = 0, policy: str = "w0", taker: Taker = Taker.NOBODY
) -> PlaceholderEnd:
    return PlaceholderEnd(policy, "steady", slot, NOW_S - ago_s, fate, "Cause", "why", taker)


def taken(ago_s: float, taker: Taker = Taker.OTHER, policy: str = "w0") -> PlaceholderEnd:
    return ended(EndFate.CONSUMED, ago_s, policy=policy, taker=taker)


def creates(*slots: int, workload: int = 0) -> list[Action]:
    return [CreatePlaceholder(workload, 0, slot) for slot in slots]


def may(actions: list[Action], ends: list[PlaceholderEnd], fleet: Fleet, later_s: float = 0.0) -> list[int]:
    """The slots that may be asked for now."""
    done, held = hold_back(actions, ends, fleet, NOW_S + later_s, LIMITS)
    assert [*done, *(one.action for one in held)] == sorted(actions, key=lambda action: action not in done)
    return [action.slot for action in done if isinstance(action, CreatePlaceholder)]


def test_where_nothing_ended_all_is_done(core: Core) -> None:
    actions: list[Action] = [CreatePlaceholder(0, 0, 1), SetFloor(0, 3), DeletePlaceholder(0, 0, 2)]
    assert hold_back(actions, (), core.fleet(), NOW_S) == (actions, [])


def test_of_what_strangers_took_a_few_are_asked_for_again_and_then_one_at_a_time(core: Core) -> None:
    fleet, ends = core.fleet(), [taken(0.0) for _ in range(5)]
    assert may(creates(0, 1, 2, 3, 4), ends, fleet) == [0, 1]
    assert may(creates(2, 3, 4), ends, fleet) == []
    assert may(creates(2, 3, 4), ends, fleet, 600.0) == [2]
    assert may(creates(2, 3, 4), ends, fleet, 1200.0) == [2, 3]
    assert may(creates(2, 3, 4), ends, fleet, 1800.0) == [2, 3, 4]


def test_room_that_a_floor_waits_for_is_asked_for_at_once(core: Core) -> None:
    fleet, ends = core.fleet(2), [taken(0.0, policy=name) for name in ("w0", "w1") for _ in range(5)]
    actions = [*creates(0, 1, 2), *creates(0, 1, 2, workload=1)]
    done, held = hold_back(actions, ends, fleet, NOW_S, LIMITS, due=np.array([False, True]))
    assert done == creates(0, 1, 2, workload=1)
    assert [one.action for one in held] == creates(0, 1, 2)


def test_what_is_held_back_says_why_and_floors_and_releases_go_on(core: Core) -> None:
    actions: list[Action] = [*creates(0, 1, 2), SetFloor(0, 9), DeletePlaceholder(0, 0, 7)]
    done, held = hold_back(actions, [taken(1.0)] * 3, core.fleet(), NOW_S, LIMITS)
    assert done == [*creates(0, 1), SetFloor(0, 9), DeletePlaceholder(0, 0, 7)]
    assert held == [HeldBack(CreatePlaceholder(0, 0, 2), TAKEN)]


def test_more_than_was_taken_may_be_asked_for(core: Core) -> None:
    assert may(creates(*range(9)), [taken(0.0)] * 5, core.fleet()) == [0, 1, 2, 3, 4, 5]


def test_what_our_own_took_is_no_strangers(core: Core) -> None:
    ends = [taken(0.0, taker) for taker in (Taker.OWN, Taker.FELLOW, Taker.UNKNOWN) for _ in range(5)]
    assert may(creates(0, 1), ends, core.fleet()) == [0, 1]


def test_each_workload_has_its_own_allowance(core: Core) -> None:
    actions = [*creates(0, 1, 2), *creates(0, workload=1)]
    done, held = hold_back(actions, [taken(0.0)] * 5, core.fleet(2), NOW_S, LIMITS)
    assert done == creates(0, workload=1)
    assert len(held) == 3


def test_an_allowance_that_was_not_used_does_not_grow(core: Core) -> None:
    ends = [taken(3000.0), *([taken(0.0)] * 3)]
    assert may(creates(0, 1, 2), ends, core.fleet()) == [0, 1]


@given(
    gaps=st.lists(st.floats(0.0, 2000.0), min_size=1, max_size=30), tick_s=st.sampled_from([15.0, 60.0]),
)  # fmt: skip
def test_strangers_who_take_whatever_stands_get_no_more_than_the_rate_allows(
    core: Core, gaps: list[float], tick_s: float
) -> None:
    """One after another takes the one that stands; it is asked for again as soon as it may be."""
    fleet, now_s, ends, refills = core.fleet(), NOW_S, [PlaceholderEnd("w0", "steady", 0, NOW_S, EndFate.CONSUMED, "",
                                                                      "", Taker.OTHER)], []  # fmt: skip
    for gap_s in gaps:
        while not hold_back(creates(0), ends, fleet, now_s, LIMITS)[0]:
            now_s += tick_s
        refills.append(now_s)
        now_s += gap_s
        ends.append(PlaceholderEnd("w0", "steady", 0, now_s, EndFate.CONSUMED, "", "", Taker.OTHER))
    took_s = refills[-1] - NOW_S
    assert len(refills) <= LIMITS.taken_at_once + took_s / LIMITS.taken_each_s + 1.0


def test_a_slot_that_fails_waits_longer_each_time(core: Core) -> None:
    fleet = core.fleet()
    once, again = [ended(EndFate.FAILED, 0.0)], [ended(EndFate.FAILED, 50.0), ended(EndFate.FAILED, 0.0)]
    assert may(creates(0, 1), once, fleet) == [1]
    assert may(creates(0, 1), once, fleet, 29.0) == [1]
    assert may(creates(0, 1), once, fleet, 30.0) == [0, 1]
    assert may(creates(0), again, fleet, 59.0) == []
    assert may(creates(0), again, fleet, 60.0) == [0]
    many = [ended(EndFate.FAILED, 10.0 * n) for n in range(20)]
    assert may(creates(0), many, fleet, LIMITS.again_most_s - 1.0) == []
    assert may(creates(0), many, fleet, LIMITS.again_most_s) == [0]


def test_what_failed_long_ago_is_forgotten(core: Core) -> None:
    ends = [ended(EndFate.FAILED, LIMITS.within_s), ended(EndFate.FAILED, 30.0)]
    assert may(creates(0), ends, core.fleet()) == [0]


def test_a_lost_or_drained_slot_is_asked_for_at_once_and_then_waits(core: Core) -> None:
    for fate in (EndFate.LOST, EndFate.DRAINED):
        many = [ended(fate, 0.0, slot) for slot in range(8)]
        assert may(creates(*range(8)), many, core.fleet()) == list(range(8))
        assert may(creates(*range(8)), many, core.fleet(), -0.1) == list(range(8)), "told within the tick"
        twice = [ended(fate, 20.0), ended(fate, 0.0)]
        assert may(creates(0), twice, core.fleet(), 29.0) == []
        assert may(creates(0), twice, core.fleet(), 30.0) == [0]


def test_a_slot_that_was_used_or_released_does_not_wait(core: Core) -> None:
    ends = [ended(fate, 0.0) for fate in (EndFate.CONSUMED, EndFate.RELEASED, EndFate.STUCK) for _ in range(9)]
    assert may(creates(0), ends, core.fleet()) == [0]


def test_the_reason_stays_the_same_while_nothing_new_ends(core: Core) -> None:
    ends = [ended(EndFate.FAILED, 5.0), ended(EndFate.FAILED, 0.0)]
    reasons = {hold_back(creates(0), ends, core.fleet(), NOW_S + s, LIMITS)[1][0].reason for s in (0.0, 7.0, 59.0)}
    assert reasons == {"ended 2 times within 3600 s, the last time failed (Cause): asked for again 60 s after that"}


def test_a_policy_that_is_gone_holds_nothing_back(core: Core) -> None:
    ends = [taken(0.0, policy="old")] * 9
    assert may(creates(0), ends, core.fleet()) == [0]
