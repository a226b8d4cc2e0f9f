"""Asking again at a limited rate: for placeholders that others took, and for slots that end badly again and again.

What ended is in the inventory, so that this is a pure function of what was seen. It holds back what would be created,
never what stands, and never a floor.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autoscaler.domain.action import Action, CreatePlaceholder
from autoscaler.domain.arrays import Bools
from autoscaler.domain.ending import EndFate, PlaceholderEnd
from autoscaler.domain.fleet import Fleet

TROUBLES = (EndFate.FAILED, EndFate.LOST, EndFate.DRAINED)
TAKEN = "others took what was held before: asked for again at a limited rate"
Seat = tuple[str, str]
"""Policy and pool, by name."""


@dataclass(frozen=True, slots=True)
class RefillLimits:
    """taken_at_once: of what strangers took of one workload in one pool, so many are asked for again at once, and after
    them one each `taken_each_s`: a pod of theirs that buys a node by way of our placeholder costs us a node each time.

    again_s: wait of a slot that failed before it is asked for again; doubled for each time more within `within_s`, up
    to `again_most_s`. A slot that was lost or drained is asked for again at once the first time: the room is missing.
    """

    taken_at_once: int = 4
    taken_each_s: float = 600.0
    again_s: float = 30.0
    again_most_s: float = 900.0
    within_s: float = 3600.0


LIMITS = RefillLimits()


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A placeholder that is wanted and not asked for yet, and why: the same words as long as nothing new has ended."""

    action: CreatePlaceholder
    reason: str


def hold_back(
    actions: Sequence[Action], ended: Sequence[PlaceholderEnd], fleet: Fleet, now_s: float,
    limits: RefillLimits = LIMITS, due: Bools | None = None,
) -> tuple[list[Action], list[HeldBack]]:  # fmt: skip
    """(what may be done now, what must wait), each in the order given. ended: as in `Inventory`.

    due: bool [W], where a floor waits for the room, which is then no room to spare: what others took of it is asked for
    at once. None for nowhere.
    """
    if not ended:
        return list(actions), []
    needed = set() if due is None else {fleet.names[w] for w in due.nonzero()[0].tolist()}
    spare = [end for end in ended if end.policy not in needed]
    waits, debts = _waits(ended, now_s, limits), _debts(spare, now_s, limits)
    asked = Counter(
        _seat(action, fleet)
        for action in actions
        if isinstance(action, CreatePlaceholder) and (*_seat(action, fleet), action.slot) not in waits
    )
    may: list[Action] = []
    held: list[HeldBack] = []
    for action in actions:
        if not isinstance(action, CreatePlaceholder):
            may.append(action)
            continue
        seat = _seat(action, fleet)
        wait = waits.get((*seat, action.slot))
        if wait is not None:
            held.append(HeldBack(action, wait))
            continue
        if asked[seat] > debts.get(seat, 0):
            may.append(action)
        else:
            held.append(HeldBack(action, TAKEN))
        asked[seat] -= 1
    return may, held


def _seat(action: CreatePlaceholder, fleet: Fleet) -> Seat:
    return fleet.names[action.workload], fleet.pools[action.pool].name


def _debts(ended: Iterable[PlaceholderEnd], now_s: float, limits: RefillLimits) -> dict[Seat, int]:
    """Of what strangers took, how many are not asked for again yet."""
    taken: defaultdict[Seat, list[float]] = defaultdict(list)
    for end in ended:
        if end.is_strangers:
            taken[end.policy, end.pool].append(end.at_s)
    return {seat: _debt(sorted(times), now_s, limits) for seat, times in taken.items()}


def _debt(times: Sequence[float], now_s: float, limits: RefillLimits) -> int:
    """An allowance that grows with time up to its most, less what was taken: what it is short of, in whole ones."""
    most = float(limits.taken_at_once)
    left, since_s = most, times[0]
    for at_s in times:
        left = min(most, left + (at_s - since_s) / limits.taken_each_s) - 1.0
        since_s = at_s
    left = min(most, left + max(now_s - since_s, 0.0) / limits.taken_each_s)
    return max(math.ceil(-left - 1e-9), 0)


def _waits(ended: Iterable[PlaceholderEnd], now_s: float, limits: RefillLimits) -> dict[tuple[str, str, int], str]:
    """Slots that wait, each with the reason."""
    troubles: defaultdict[tuple[str, str, int], list[PlaceholderEnd]] = defaultdict(list)
    for end in ended:
        if end.slot is not None and end.fate in TROUBLES and now_s - end.at_s < limits.within_s:
            troubles[end.policy, end.pool, end.slot].append(end)
    found = {}
    for slot, ends in troubles.items():
        last = max(ends, key=lambda end: end.at_s)
        wait_s = _wait_s(len(ends) - (last.fate is not EndFate.FAILED), limits)
        if wait_s > 0.0 and now_s < last.at_s + wait_s:  # what ended in this tick is told with a time after its begin
            times = f"{len(ends)} times" if len(ends) > 1 else "once"
            said = f"ended {times} within {limits.within_s:g} s, the last time {last.fate.lower()} ({last.cause})"
            found[slot] = f"{said}: asked for again {wait_s:g} s after that"
    return found


def _wait_s(times: int, limits: RefillLimits) -> float:
    return min(limits.again_s * 2.0 ** (times - 1), limits.again_most_s) if times > 0 else 0.0
