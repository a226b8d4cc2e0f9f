"""Slots of several placeholders that are not what they are for: a part of one reserves nothing for a group.

A slot of which a member has gone is released, unless a group of its workload is taking it: pods of a group come one
after the other, so the rest stays a while for those that come. Two slots that are bound in part keep one another from
the room that one of them could have: all but the first let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from autoscaler.adapters.kubernetes.cluster.account import theirs
from autoscaler.adapters.kubernetes.cluster.endings import Endings
from autoscaler.adapters.kubernetes.cluster.groups import by_group
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.slots import Slot
from autoscaler.domain.gang import Gang
from autoscaler.placeholder.fate import Fate, Verdict
from autoscaler.placeholder.pod import Json, metadata, node_name

BROKEN = Verdict(Fate.RELEASED, "GroupBroken", "another placeholder of its group is gone", delete=True)
RESIZED = Verdict(Fate.RELEASED, "GroupResized", "groups of its workload have another size now", delete=True)
YIELDS = Verdict(Fate.RELEASED, "GroupHalfBound", "its part of the room completes another group's", delete=True)


class Wholeness:
    """Remembers since when slots are broken."""

    def __init__(self, seats: Seats, endings: Endings, settings: LiveSettings) -> None:
        self._seats, self._endings, self._settings = seats, endings, settings
        self._broken_s: dict[tuple[str, ...], float] = {}
        self._promised: set[tuple[str, ...]] = set()

    def promise(self, slot: Slot) -> None:
        """It is a group's that is asked for now: from here on it is none that a group could be asked for."""
        self._promised.add(slot.set)

    def is_promised(self, slot: Slot) -> bool:
        """Whether it is a group's already, though all of it may stand."""
        return slot.set in self._promised

    def going(
        self, slots: Sequence[Slot], standing: Standing, scales: Sequence[Scale | None],
        gangs: Sequence[Gang | None], now_s: float,
    ) -> Iterator[tuple[Slot, Verdict]]:  # fmt: skip
        """The slots that must go. scales, gangs: by workload, None where it is not known. now_s: seconds since the
        epoch.
        """
        self._promised &= {slot.set for slot in slots}
        several = [slot for slot in slots if slot.is_gang and (self.is_promised(slot) or not slot.is_whole)]
        self._broken_s = {slot.set: self._broken_s.get(slot.set, now_s) for slot in several}
        coming = self._coming(standing, scales) if self._broken_s else set()
        whole = []
        for slot in slots:
            if slot.set in self._broken_s:
                if not self._is_handed_over(slot, coming, standing, now_s):
                    yield slot, BROKEN
            elif slot.place is not None and _is_resized(slot, gangs[slot.place.workload]):
                yield slot, RESIZED
            else:
                whole.append(slot)
        yield from ((slot, YIELDS) for slot in self._in_the_way(whole, now_s))

    def _coming(self, standing: Standing, scales: Sequence[Scale | None]) -> set[int]:
        """Workloads of which a group is bound in part."""
        self._endings.look(standing, scales)
        groups, _ = by_group(scales, theirs(self._seats, scales, standing.pods))
        return {group.workload for group in groups if group.is_half_bound}

    def _is_handed_over(self, slot: Slot, coming: set[int], standing: Standing, now_s: float) -> bool:
        """coming: as of `_coming`."""
        comes = slot.place is not None and slot.place.workload in coming
        stays_s = self._settings.group_s if comes else self._settings.patience_s
        taken = self._endings.is_taken(slot.set, standing)
        return taken is not False and now_s - self._broken_s[slot.set] < stays_s

    def _in_the_way(self, whole: Iterable[Slot], now_s: float) -> Iterator[Slot]:
        """Of slots that are bound in part for long all but the first in each pool."""
        halves = [
            (slot.place.pool, slot.place.workload, slot.place.slot, slot)
            for slot in whole
            if slot.place is not None and _is_half_bound(slot) and now_s - _made_s(slot) > self._settings.patience_s
        ]
        first: dict[int, Slot] = {}
        for pool, _, _, slot in sorted(halves, key=lambda half: half[:3]):
            if first.setdefault(pool, slot) is not slot:
                yield slot


def _is_resized(slot: Slot, gang: Gang | None) -> bool:
    """Whether its workload is known to have other replicas."""
    return gang is not None and (slot.is_gang != (gang.size > 1) or slot.size != max(gang.holders, 1))


def _is_half_bound(slot: Slot) -> bool:
    return 0 < sum(bool(node_name(pod)) for pod in slot.members) < slot.size


def _made_s(slot: Slot) -> float:
    """When its last member was made, in seconds since the epoch."""
    return max(_created_s(pod) for pod in slot.members)


def _created_s(pod: Json) -> float:
    return datetime.fromisoformat(str(metadata(pod)["creationTimestamp"])).timestamp()
