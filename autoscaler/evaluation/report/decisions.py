"""Decisions of a run: where the floor of a workload or its placeholders changed, by how much and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.evaluation.timeline import Numbers, Timeline

REASON_SEPARATOR = "; "
JOINED = " + "
"""Between reasons, as a reader sees them."""


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Changes of a number in the order of time, arrays [N]: when, from what to what, and the reasons of that tick."""

    at_s: Floats
    before: Floats
    after: Floats
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.reasons)

    def largest(self, most: int) -> Decisions:
        """The `most` largest changes, in the order of time; of equal ones some are taken evenly from all the time."""
        if len(self) <= most:
            return self
        kept = largest_places(np.abs(self.after - self.before), most)
        return Decisions(self.at_s[kept], self.before[kept], self.after[kept], tuple(self.reasons[i] for i in kept))

    def commonest_reasons(self, most: int) -> list[tuple[str, int]]:
        """(reasons in words, how many decisions had just these), the commonest first."""
        counts = Counter(self.reasons)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


def largest_places(size: Floats, most: int) -> Ints:
    """Places of the `most` largest of float [N], rising; of equal ones some are taken evenly from all of them."""
    if size.size <= most:
        return np.arange(size.size)
    least = np.sort(size)[-most]
    larger, equal = np.flatnonzero(size > least), np.flatnonzero(size == least)
    wanted = most - larger.size
    some = equal[((np.arange(wanted) + 0.5) * equal.size / wanted).astype(np.int64)]
    return np.sort(np.concatenate((larger, some)))


def decisions(timeline: Timeline, first: int, end: int) -> Decisions:
    """The changes of the floor in the ticks [first, end); the first of them is compared with the tick before it, where
    there is one."""
    return _changes(timeline, timeline.floor, first, end)


def placeholder_decisions(timeline: Timeline, first: int, end: int) -> Decisions:
    """As `decisions`, of the placeholders that stand or wait at the end of a tick."""
    both: Floats = np.sum([timeline.placeholders_bound, timeline.placeholders_pending], axis=0)
    return _changes(timeline, both, first, end)


def _changes(timeline: Timeline, numbers: Numbers, first: int, end: int) -> Decisions:
    values = np.asarray(numbers, dtype=np.float64)[:end]
    change = np.diff(values, prepend=values[:1])
    at = np.flatnonzero(np.nan_to_num(change))
    at = at[at >= first]
    reasons = tuple(JOINED.join(timeline.reason[i].split(REASON_SEPARATOR)) for i in at.tolist())
    time_s = np.asarray(timeline.time_s, dtype=np.float64)
    return Decisions(time_s[at], values[at - 1], values[at], reasons)
