"""Starts that do not come through: those that failed, and those that wait for longer than one can still believe in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from autoscaler.domain.lead_time import Start, StartEnd
from autoscaler.observe.censored import BELIEVED, Duration, quantile

SLOW = 0.95
NOBODY_KNOWS_S = 900.0
"""Where no start like it was ever complete: node autoscalers too give a node up after 15 minutes."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A start that failed, or is stuck. usual_s: how long one that waits may take; None of one that failed."""

    start: Start
    usual_s: float | None

    @property
    def is_stuck(self) -> bool:
        """Else it failed."""
        return self.usual_s is not None


def unfinished(starts: Sequence[Start]) -> tuple[Unfinished, ...]:
    """Those that failed and those that are stuck; the longest first, stuck ones before failed ones.

    One is stuck where it has taken longer than nearly all that are known of its kind, and `BELIEVED` times the middle
    one. Its kind: part, workload, pool and path; where none of these was complete, part and workload, then the part.
    """
    usual = _Usual(starts)
    found = [
        Unfinished(start, None if start.end is StartEnd.FAILED else usual.of(start))
        for start in starts
        if start.end is StartEnd.FAILED or (start.end is StartEnd.WAITING and start.seconds > usual.of(start))
    ]
    return tuple(sorted(found, key=lambda one: (not one.is_stuck, -one.start.seconds, one.start.uid)))


@dataclass(frozen=True, slots=True)
class Alike:
    """Starts of one workload in one pool that failed, or are stuck, in one stage and for one reason; the longest
    first."""

    found: tuple[Unfinished, ...]

    @property
    def longest(self) -> Unfinished:
        return self.found[0]


def alike(found: Iterable[Unfinished]) -> tuple[Alike, ...]:
    """found: as `unfinished` tells them. Those that are stuck first, and of others what is most frequent."""
    groups: dict[tuple[object, ...], list[Unfinished]] = {}
    for one in found:
        start = one.start
        kind = (one.is_stuck, start.part, start.policy, start.pool, start.open_stage, start.why)
        groups.setdefault(kind, []).append(one)
    together = [Alike(tuple(group)) for group in groups.values()]
    return tuple(sorted(together, key=lambda group: (not group.longest.is_stuck, -len(group.found))))


class _Usual:
    """How long starts take at most, by their kind."""

    def __init__(self, starts: Iterable[Start]) -> None:
        self._known: dict[tuple[object, ...], list[float]] = {}
        self._most: dict[tuple[object, ...], float] = {}
        for start in starts:
            if start.end is StartEnd.COMPLETE:
                for kind in _kinds(start):
                    self._known.setdefault(kind, []).append(start.seconds)

    def of(self, start: Start) -> float:
        kind = next((kind for kind in _kinds(start) if kind in self._known), None)
        if kind is None:
            return NOBODY_KNOWS_S
        if kind not in self._most:
            known = self._known[kind]
            slow_s = quantile([Duration(seconds, ended=True) for seconds in known], SLOW)
            self._most[kind] = max(slow_s, BELIEVED * median(known))
        return self._most[kind]


def _kinds(start: Start) -> Iterator[tuple[object, ...]]:
    """The narrowest first."""
    yield start.part, start.policy, start.pool, start.path
    yield start.part, start.policy
    yield (start.part,)
