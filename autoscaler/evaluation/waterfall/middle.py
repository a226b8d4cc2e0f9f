"""The middle start: what a start is like that is neither quick nor slow.

Quantiles of stages do not add up to the quantile of the whole, and a mean is moved by one start that hung. So the
stages of a waterfall are those of the middle start: the mean over the middle half of the starts, ordered by how long
they took. They add up, and a stage that some starts do not tell apart counts with its share.

A start that failed or still waits is among them where it has taken longer than half of the complete ones did, so that
its place is known: where there are many, the middle start took at least so long. Where none is complete all are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from autoscaler.domain.lead_time import Stage, Start, StartEnd

MANY = 0.1
"""Of the middle half: so large a share that is cut off makes it a lower bound."""


@dataclass(frozen=True, slots=True)
class Middle:
    """starts: those of it with their weights, which sum up to 1."""

    starts: tuple[tuple[Start, float], ...]

    @property
    def is_least(self) -> bool:
        """Whether what it tells is a lower bound."""
        return self.mean(lambda start: float(start.end is not StartEnd.COMPLETE)) > MANY

    def mean(self, measure: Callable[[Start], float]) -> float:
        """Of a measure of starts."""
        return sum(weight * measure(start) for start, weight in self.starts)

    def stage_s(self, stage: Stage) -> float:
        """Seconds of a stage; 0 in those that do not have it."""
        return self.mean(lambda start: start.stages.get(stage, 0.0))


def middle(starts: Sequence[Start]) -> Middle:
    """Of one part of one path; `starts` are one at least."""
    complete = [start.seconds for start in starts if start.end is StartEnd.COMPLETE]
    half_s = median(complete) if complete else -1.0
    told = [start for start in starts if start.end is StartEnd.COMPLETE or start.seconds > half_s]
    ordered = sorted(told, key=lambda start: (start.seconds, start.uid))
    low, high = len(ordered) / 4.0, 3.0 * len(ordered) / 4.0
    shares = [(start, min(n + 1.0, high) - max(float(n), low)) for n, start in enumerate(ordered)]
    return Middle(tuple((start, share / (high - low)) for start, share in shares if share > 0.0))
