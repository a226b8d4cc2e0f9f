"""Waterfalls: for each group of starts and each start path, the stages one after another, those of the node first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.evaluation.waterfall.cost import Cost, cost
from autoscaler.evaluation.waterfall.part import PartTime, StageTime, part_time
from autoscaler.evaluation.waterfall.seen import Seen
from autoscaler.evaluation.waterfall.segment import By, Labels, labels, title


@dataclass(frozen=True, slots=True)
class Track:
    """The starts of one path of a group. parts: of node and replica, one at least. cost: of one start, None where it is
    not known how many GPUs a replica has."""

    path: StartPath
    parts: tuple[PartTime, ...]
    cost: Cost | None
    starts: tuple[Start, ...]

    @property
    def middle_s(self) -> float:
        """Seconds of the middle start, of its node and then of its replica."""
        return sum(part.middle_s for part in self.parts)

    @property
    def is_least(self) -> bool:
        """Whether the middle start took at least so long, not just so long."""
        return any(part.middle.is_least for part in self.parts)

    @property
    def stages(self) -> tuple[StageTime, ...]:
        """Of all parts, in their order."""
        return tuple(stage for part in self.parts for stage in part.stages)

    @property
    def slowest(self) -> StageTime:
        """The stage that takes most of the middle start."""
        return max(self.stages, key=lambda stage: stage.middle_s)

    def share(self, stage: StageTime) -> float:
        """Of the middle start, 0..1."""
        return stage.middle_s / self.middle_s if self.middle_s > 0.0 else 0.0

    def offset_s(self, stage: Stage) -> float:
        """When a stage begins in the middle start."""
        ranks = [one.stage for one in self.stages]
        return sum(one.middle_s for one in self.stages[: ranks.index(stage)])

    @property
    def spent_s(self) -> float:
        """What the slowest stage takes of all starts together."""
        return sum(part.count * stage.middle_s for part in self.parts for stage in part.stages if stage == self.slowest)


@dataclass(frozen=True, slots=True)
class Waterfall:
    """tracks: one for each start path that was seen, in the order of `StartPath`."""

    group: Labels
    tracks: tuple[Track, ...]

    @property
    def title(self) -> str:
        """What all its starts share."""
        return title(self.group)

    def last(self, most: int) -> tuple[Start, ...]:
        """The starts that ended last, or go on, the newest first."""
        starts = [start for track in self.tracks for start in track.starts]
        order = sorted(starts, key=lambda start: (start.end is not StartEnd.WAITING, -start.ended_s, start.uid))
        return tuple(order[:most])


def waterfalls(seen: Seen, by: By = By.WORKLOAD) -> tuple[Waterfall, ...]:
    """One a group, in the order of their names."""
    groups: dict[Labels, list[Start]] = {}
    for start in seen.starts:
        group = labels(start, by, seen.pools)
        if group is not None and start.stages:
            groups.setdefault(group, []).append(start)
    return tuple(Waterfall(group, tuple(_tracks(seen, groups[group]))) for group in sorted(groups))


def first_to_fix(found: Iterable[Waterfall]) -> tuple[Waterfall, Track] | None:
    """Where the slowest stage takes most of all starts together; None where nothing started."""
    tracks = [(waterfall, track) for waterfall in found for track in waterfall.tracks]
    return max(tracks, key=lambda both: both[1].spent_s, default=None)


def _tracks(seen: Seen, starts: Sequence[Start]) -> Iterator[Track]:
    for path in StartPath:
        mine = tuple(start for start in starts if start.path is path)
        if mine:
            parts = tuple(
                part_time(part, of_part)
                for part in Part
                if (of_part := [start for start in mine if start.part is part])
            )
            yield Track(path, parts, cost(parts, seen), mine)
