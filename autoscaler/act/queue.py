"""What has to change so that queued work has the room that was decided for it. Nothing where it already has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoscaler.domain.queue import (
    AnswerCheck,
    CheckState,
    Decision,
    FreeRoom,
    HoldRoom,
    Queue,
    QueueAction,
    QueuedItem,
    QueuePlaceholder,
    QueueRule,
    ServeCheck,
    Stand,
)

Split = tuple[tuple[QueueAction, ...], tuple[QueueAction, ...]]
GONE = "work that is gone"


@dataclass(frozen=True, slots=True)
class _Standing:
    """The placeholders of one piece of work: where each stands, by pod set and index."""

    places: dict[tuple[str, int], int]
    bound: int

    @staticmethod
    def of(placeholders: Sequence[QueuePlaceholder]) -> _Standing:
        places = {(one.pod_set, one.index): one.pool for one in placeholders}
        return _Standing(places, sum(one.bound for one in placeholders))


def queue_actions(
    decisions: Sequence[Decision], queue: Queue, rules: Sequence[QueueRule], now_s: float
) -> tuple[QueueAction, ...]:
    """In the order in which they must be applied: room is freed before more is held, and Kueue is answered at last."""
    by_uid: dict[str, list[QueuePlaceholder]] = {}
    for one in queue.placeholders:
        by_uid.setdefault(one.uid, []).append(one)
    known = {item.uid for item in queue.items}
    gone = [] if queue.problems else sorted(uid for uid in by_uid if uid not in known)
    frees: list[QueueAction] = [FreeRoom(by_uid[uid][0].rule, uid, GONE) for uid in gone]
    holds: list[QueueAction] = []
    answers: list[QueueAction] = [ServeCheck(r) for r, rule in enumerate(rules) if rule.check]
    for decision in decisions:
        standing = _Standing.of(by_uid.get(decision.item.uid, ()))
        for action in _of_room(decision, standing, now_s):
            (frees if isinstance(action, FreeRoom) else holds).append(action)
        answers += _answer(decision, standing, rules[decision.item.rule], now_s)
    return (*frees, *holds, *answers)


def by_mode(actions: Sequence[QueueAction], rules: Sequence[QueueRule], paused: Sequence[bool]) -> Split:
    """(to be done, withheld because the policy only observes or is paused), each in the order given."""
    may = [rule.acts and not stopped for rule, stopped in zip(rules, paused, strict=True)]
    done = tuple(action for action in actions if may[action.rule])
    return done, tuple(action for action in actions if not may[action.rule])


def _of_room(decision: Decision, standing: _Standing, now_s: float) -> Iterator[QueueAction]:
    item = decision.item
    if not item.waits:
        return  # its own pods take the placeholders, and who watches them frees what is left
    if decision.pools is None:
        if standing.places:
            yield FreeRoom(item.rule, item.uid, item.title)
        return
    wanted = _wanted(item, decision.pools)
    if any(wanted.get(place) != pool for place, pool in standing.places.items()):
        yield FreeRoom(item.rule, item.uid, item.title)  # it moves: what stands goes first, since names stay
    elif len(standing.places) < len(wanted) and now_s >= item.again_s:
        yield HoldRoom(item.rule, item.uid, item.title, decision.pools)


def _wanted(item: QueuedItem, pools: Sequence[int]) -> dict[tuple[str, int], int]:
    return {
        (one.name, index): pool
        for one, pool in zip(item.pod_sets, pools, strict=True)
        for index in range(one.count)
    }  # fmt: skip


def _answer(decision: Decision, standing: _Standing, rule: QueueRule, now_s: float) -> Iterator[QueueAction]:
    """What Kueue hears of work that our check holds."""
    item = decision.item
    if not (rule.check and item.waits and item.check is CheckState.PENDING):
        return
    state, said = _verdict(decision, standing, rule, now_s)
    if state is not CheckState.PENDING:
        yield AnswerCheck(item.rule, item.uid, item.title, state, said)


def _verdict(decision: Decision, standing: _Standing, rule: QueueRule, now_s: float) -> tuple[CheckState, str]:
    if decision.stand in (Stand.STANDS, Stand.NO_GPUS):
        return CheckState.READY, decision.reason
    if decision.stand is Stand.NO_POOL:
        return CheckState.REJECTED, f"it can never start: {decision.reason}"
    if now_s - decision.item.queued_s <= min(rule.check_timeout_s, rule.give_up_after_s):
        return CheckState.PENDING, decision.reason
    late = f"held for {now_s - decision.item.queued_s:.0f} s, and its nodes do not stand: {decision.reason}"
    return (CheckState.RETRY if rule.retries else CheckState.READY), late
