"""One part of the starts of one path, that of the node or that of the replica: counts, and the times of its stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd
from autoscaler.evaluation.waterfall.middle import Middle, middle
from autoscaler.observe.censored import Duration, bounded_quantile

SHARES = (0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """What half and nine tenths of the starts keep to; of `ended` False, at least so long."""

    p50: Duration
    p90: Duration


@dataclass(frozen=True, slots=True)
class StageTime:
    """count: starts that came so far. middle_s: seconds of the middle start."""

    stage: Stage
    count: int
    quantiles: Quantiles
    middle_s: float


@dataclass(frozen=True, slots=True)
class PartTime:
    """complete, failed, waiting: counts of starts. whole: quantiles of the part as a whole, which are not the sums of
    those of its stages. stages: those that were seen, in their order."""

    part: Part
    complete: int
    failed: int
    waiting: int
    whole: Quantiles
    stages: tuple[StageTime, ...]
    middle: Middle

    @property
    def middle_s(self) -> float:
        """Seconds of the middle start, the sum of its stages."""
        return sum(stage.middle_s for stage in self.stages)

    @property
    def count(self) -> int:
        """All starts."""
        return self.complete + self.failed + self.waiting


def part_time(part: Part, starts: Sequence[Start]) -> PartTime:
    """starts: of this part and one path, one at least."""
    found = middle(starts)
    return PartTime(
        part=part,
        **{end.value: sum(start.end is end for start in starts) for end in StartEnd},
        whole=_quantiles([Duration(start.seconds, start.end is StartEnd.COMPLETE) for start in starts]),
        stages=tuple(
            StageTime(stage, len(durations), _quantiles(durations), found.stage_s(stage))
            for stage in part.stages
            if (durations := _durations(stage, starts))
        ),
        middle=found,
    )


def _durations(stage: Stage, starts: Sequence[Start]) -> list[Duration]:
    """How long a stage took; it is cut off where the start did not come beyond it."""
    return [Duration(start.stages[stage], start.open_stage is not stage) for start in starts if stage in start.stages]


def _quantiles(durations: Sequence[Duration]) -> Quantiles:
    return Quantiles(*(bounded_quantile(durations, share) for share in SHARES))
