"""Decisions of a run: where the floor of a workload changed, by how much and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.timeline import Timeline

REASON_SEPARATOR = "; "


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Changes of a floor in the order of time, arrays [N]: when, from and to how many replicas, and the reasons."""

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
        size = np.abs(self.after - self.before)
        least = np.sort(size)[-most]
        larger, equal = np.flatnonzero(size > least), np.flatnonzero(size == least)
        wanted = most - larger.size
        some = equal[((np.arange(wanted) + 0.5) * equal.size / wanted).astype(np.int64)]
        kept = np.sort(np.concatenate((larger, some)))
        return Decisions(self.at_s[kept], self.before[kept], self.after[kept], tuple(self.reasons[i] for i in kept))

    def commonest_reasons(self, most: int) -> list[tuple[str, int]]:
        """(reasons in words, how many decisions had just these), the commonest first."""
        counts = Counter(self.reasons)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]


def decisions(timeline: Timeline, first: int, end: int) -> Decisions:
    """The decisions in the ticks [first, end); the first of them is compared with the tick before it, where there is
    one."""
    floor = np.asarray(timeline.floor, dtype=np.float64)[:end]
    change = np.diff(floor, prepend=floor[:1])
    at = np.flatnonzero(np.nan_to_num(change))
    at = at[at >= first]
    reasons = tuple(" + ".join(timeline.reason[i].split(REASON_SEPARATOR)) for i in at.tolist())
    time_s = np.asarray(timeline.time_s, dtype=np.float64)
    return Decisions(time_s[at], floor[at - 1], floor[at], reasons)
