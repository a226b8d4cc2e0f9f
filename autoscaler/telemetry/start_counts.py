"""Starts that ended, counted: once each, by the leader, as what they are known to be a minute after their end.

A minute, since who tells what was there already (weights, a snapshot) may be scraped after the end. What ended before
we began to lead is not counted, so that neither a restart nor another leader counts it twice; of what ended in the
minute before a process dies nobody counts anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from prometheus_client.core import Metric

from autoscaler.domain.arrays import Floats
from autoscaler.domain.lead_time import Part, Start, StartEnd, StartPath
from autoscaler.observe.lead_record import UID_LENGTH
from autoscaler.telemetry import names
from autoscaler.telemetry.samples import Labels, carried, counter
from autoscaler.telemetry.seats import Seats

SETTLED_S = 60.0
LATEST_S = 3600.0
"""What is told of later than so long after its end is not counted: it bounds what is remembered."""
ENDS = (StartEnd.COMPLETE.value, StartEnd.FAILED.value)
PATHS = tuple(path.value for path in StartPath)
COLD = StartPath.COLD_NODE.value
KINDS: tuple[Labels, ...] = tuple(
    [*product([Part.NODE.value], [COLD], ENDS), *product([Part.REPLICA.value], PATHS, ENDS)]
)
"""(part, path, end): a node is always started from nothing."""

_Key = tuple[Part, str]


class StartCounts:
    """Read by any thread while another adds: what is shown is replaced as a whole."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._open: dict[_Key, Start] = {}
        self._counted: dict[_Key, float] = {}
        self._shown: tuple[tuple[Labels, ...], Floats] = ((), np.zeros((0, len(KINDS))))

    def add(self, starts: Sequence[Start], seats: Seats, now_s: float, leads: bool) -> None:
        """One tick at `now_s` (seconds since the epoch). starts: all that are known, in any order."""
        before, counts = self._shown
        counts = carried(counts, before, seats.names)
        rows = {place: row for row, place in enumerate(seats.names)}
        self._take(starts, now_s, leads)
        for key, start in list(self._open.items()):
            if leads and now_s - start.ended_s < SETTLED_S:
                continue
            del self._open[key]
            self._counted[key] = start.ended_s
            row = rows.get((start.policy, start.pool))
            if row is not None:
                counts[row, KINDS.index(_kind(start))] += 1.0
        self._shown = seats.names, counts

    def collect(self) -> Iterator[Metric]:
        """All of it, from zero."""
        places, counts = self._shown
        rows = zip(places, counts.tolist(), strict=True)
        yield counter(names.STARTS, [((*at, *kind), n) for at, row in rows for kind, n in zip(KINDS, row, strict=True)])

    def _take(self, starts: Sequence[Start], now_s: float, leads: bool) -> None:
        """What ended while we lead and is not counted yet; known better, where it was known."""
        if not leads:
            self._since_s = None
            return
        self._since_s = now_s if self._since_s is None else self._since_s
        oldest_s = max(self._since_s, now_s - LATEST_S)
        self._counted = {key: ended_s for key, ended_s in self._counted.items() if ended_s > oldest_s}
        for start in starts:
            if start.ended_s <= oldest_s or start.end is StartEnd.WAITING:
                continue
            key = start.part, start.uid[:UID_LENGTH]
            if key not in self._counted:
                self._open[key] = start


def _kind(start: Start) -> Labels:
    path = COLD if start.part is Part.NODE else start.path.value
    return start.part.value, path, start.end.value
