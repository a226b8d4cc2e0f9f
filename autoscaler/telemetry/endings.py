"""What became of placeholders, for people: which of it is a warning, what is said of it, and what they can do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from autoscaler.controller.tick import Tick
from autoscaler.domain.ending import EndFate, PlaceholderEnd
from autoscaler.ports.events import Notice, ObjectReference

NAMED = 3
"""So many pods that took places are named, the rest is counted."""
_TAKEN = "keep them out by a taint on its nodes, give them a priority below that of placeholders, or make it larger"
_ADVICE = {
    EndFate.LOST: ("PlaceholderLost", "the room that it held is lost, and asked for again"),
    EndFate.STUCK: (
        "PlaceholderStuck",
        "nobody gave it a node in time; the pool counts as out of stock for a while: see the node autoscaler's events, "
        "and the limits of the pool",
    ),
}


def is_warning(end: PlaceholderEnd) -> bool:
    """Whether it is more than the ordinary life of a placeholder."""
    return end.is_strangers or end.fate not in (EndFate.CONSUMED, EndFate.RELEASED)


def fields_of(end: PlaceholderEnd) -> dict[str, object]:
    """One ending as fields of a log line."""
    fields: dict[str, object] = {
        "policy": end.policy,
        "pool": end.pool,
        "slot": end.slot,
        "fate": end.fate.lower(),
        "cause": end.cause,
        "reason": end.reason,
    }
    if end.fate is EndFate.CONSUMED:
        fields |= {"taker": end.taker.value, "taken_by": end.taken_by or None}
    return fields


def held_back(tick: Tick) -> Iterator[str]:
    """What is not asked for again yet, once for each workload, pool and reason."""
    if tick.in_force is None or tick.report is None:
        return
    fleet = tick.in_force.policies.fleet
    for held in tick.report.held_back:
        where = f"{fleet.names[held.action.workload]} {fleet.pools[held.action.pool].name}"
        yield f"{where}: placeholder held back: {held.reason}"


def notices(tick: Tick) -> Iterator[Notice]:
    """What a person must know beside the workload: room that was lost, that nobody gives, or that others took."""
    if tick.in_force is None:
        return
    about = dict(zip(tick.in_force.policies.fleet.names, tick.in_force.about, strict=True))
    known = [end for end in tick.ended if end.policy in about]
    taken: dict[tuple[str, str], list[PlaceholderEnd]] = {}
    for end in known:
        if end.is_strangers:
            taken.setdefault((end.policy, end.pool), []).append(end)
    for (policy, pool), ends in taken.items():
        yield _taken(policy, pool, ends, about[policy])
    for policy, pool, fate, cause in dict.fromkeys((e.policy, e.pool, e.fate, e.cause) for e in known):
        if fate in _ADVICE:
            reason, said = _ADVICE[fate]
            note = f"policy {policy}: a placeholder in pool {pool} ended ({cause}): {said}"
            yield Notice(about[policy], reason, note, warning=True)


def _taken(policy: str, pool: str, ends: Sequence[PlaceholderEnd], about: ObjectReference) -> Notice:
    by = Counter(end.taken_by or "a pod that is gone" for end in ends)
    more = f" and {len(by) - NAMED} more" if len(by) > NAMED else ""
    who = ", ".join(sorted(by)[:NAMED]) + more
    what = "a placeholder" if len(ends) == 1 else f"{len(ends)} placeholders"
    note = f"policy {policy}: {what} in pool {pool} gave way to pods of others, {who}: {_TAKEN}"
    return Notice(about, "CapacityTakenByOthers", note, warning=True)
