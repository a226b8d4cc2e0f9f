"""Starts with the stages that stamps tell: these may come before a start is over, or a scrape after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from autoscaler.coldstart.split import split
from autoscaler.domain.lead_time import Part, Start, StartEnd
from autoscaler.domain.stamp import Stamp

KEEP_S = 600.0
"""So long stamps may come late: a scrape, a store that is down for a while."""
MOST = 2000
"""Starts that are remembered; each is a few hundred bytes."""


class Splitting:
    """Remembers starts that are over until their stamps must have come."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[float, Start, Start]] = {}

    def wants_stamps(self, starts: Iterable[Start], now_s: float) -> bool:
        """Whether stamps could change anything: of these starts, or of those that were told lately."""
        self._forget(now_s)
        return bool(self._told) or any(start.part is Part.REPLICA for start in starts)

    def take(self, starts: Sequence[Start], stamps: Iterable[Stamp], now_s: float) -> list[Start]:
        """The starts, split, and again those told before of which more is known now."""
        by_pod: dict[str, list[Stamp]] = {}
        for stamp in stamps:  # a uid tells the pod also where its name is not told, or is that of who scraped
            by_pod.setdefault(stamp.uid or stamp.pod, []).append(stamp)
        self._forget(now_s)
        found = []
        for uid, (told_s, whole, before) in list(self._told.items()):
            after = split(whole, _of(whole, by_pod))
            if after != before and len(after.stages) >= len(before.stages):
                self._told[uid] = (told_s, whole, after)
                found.append(after)
        for start in starts:
            after = split(start, _of(start, by_pod))
            found.append(after)
            if start.part is Part.REPLICA and start.pod and start.end is not StartEnd.WAITING:
                self._told[start.uid] = (now_s, start, after)
        while len(self._told) > MOST:
            del self._told[next(iter(self._told))]
        return found

    def _forget(self, now_s: float) -> None:
        over = [uid for uid, (told_s, _, _) in self._told.items() if not 0.0 <= now_s - told_s <= KEEP_S]
        for uid in over:
            del self._told[uid]


def _of(start: Start, by_pod: Mapping[str, Sequence[Stamp]]) -> list[Stamp]:
    return [stamp for key in (start.uid, start.pod) if key for stamp in by_pod.get(key, ())]
