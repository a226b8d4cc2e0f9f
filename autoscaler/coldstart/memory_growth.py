"""Runs of growth of one counter of bytes, and when each began and ended between the looks.

A counter is looked at about once a second, late at times. An edge lies between two looks; the rate within the run says
where. All times are of the steady clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

from autoscaler.coldstart.memory_sample import GIB, Edge

SLOWEST_BYTES_S = 16.0 * (1 << 20)
"""Less is no loading: buffers, logs, lazily loaded kernels."""
LEAST_STEP_BYTES = 8 * (1 << 20)
BUS_BYTES_S = 64e9
"""PCIe 5 with 16 lanes. What grows faster was allocated, not copied."""
LIKELY_BYTES_S = 25e9
"""What a copy from pinned memory makes, for a copy that lies between two looks."""
FASTER, SLOWER = 4.0, 8.0
"""A run whose rate rises or falls so many times is another run from there."""
EVEN = 0.6
MOST_RUNS = 48


@dataclass(slots=True)
class Run:
    """Growth without a rest. Four looks bound it: the last before it grew and the next one, the last two of it.

    quiet_s: how long the host had not read when it began; None where that is not told. told, busy: looks at the bus
    during it, and those of them that saw a copy. busy_after: those that saw one while memory rested after it.
    last_bytes_s, lowest_bytes_s: rates of its last interval, and of the slowest one between its first and its last.
    points: its first looks, (seconds, bytes), the one before included. known_begin: where its beginning is known from
    elsewhere. slow: its last intervals that are much slower than it was; quick_gap_s: how long the one before them is.
    """

    before_s: float
    before_bytes: float
    first_s: float
    first_bytes: float
    last_s: float
    last_bytes: float
    until_s: float
    until_bytes: float
    peak_bytes_s: float
    last_bytes_s: float
    lowest_bytes_s: float = float("inf")
    quiet_s: float | None = None
    intervals: int = 1
    slow: int = 0
    quick_gap_s: float = 0.0
    told: int = 0
    busy: int = 0
    busy_after: int = 0
    points: list[tuple[float, float]] = field(default_factory=list)
    known_begin: Edge | None = None

    @property
    def grown_bytes(self) -> float:
        """From before it to its end."""
        return self.until_bytes - self.before_bytes

    @property
    def is_gradual(self) -> bool:
        """Memory went on growing over looks: no allocation does that."""
        return self.intervals >= 4

    @property
    def is_even(self) -> bool:
        """Its pace changed little."""
        return self.lowest_bytes_s >= EVEN * self.peak_bytes_s

    @property
    def least_bytes_s(self) -> float:
        """It was at least that fast."""
        return max(self.peak_bytes_s, self.grown_bytes / (self.until_s - self.before_s))

    @property
    def pace_bytes_s(self) -> float | None:
        """Its rate between its second and its last but one look; None where it has too few."""
        if self.intervals < 3 or self.last_bytes <= self.first_bytes:
            return None
        return (self.last_bytes - self.first_bytes) / (self.last_s - self.first_s)

    @property
    def begin(self) -> Edge:
        """When it began."""
        if self.known_begin is not None:
            return self.known_begin
        gap_s = self.first_s - self.before_s
        if self.intervals == 1:
            return Edge(self.before_s + (gap_s - self._least_s(gap_s)) / 2, gap_s / 2)
        back_s = self._across_s(self.first_bytes - self.before_bytes)
        return Edge(max(self.before_s, self.first_s - back_s), gap_s / 2)

    @property
    def end(self) -> Edge:
        """When it ended, so far."""
        gap_s = self.until_s - self.last_s
        if self.intervals == 1:
            since_s = 0.0 if self.known_begin is None else max(0.0, self.known_begin.at_s - self.before_s)
            return Edge(self.until_s - max(0.0, gap_s - since_s - self._least_s(gap_s)) / 2, gap_s / 2)
        end_s = min(self.until_s, self.last_s + self._across_s(self.until_bytes - self.last_bytes))
        return Edge(end_s, max(gap_s / 2, self.quick_gap_s if self.slow else 0.0))

    def after(self, looks: int) -> Run | None:
        """What is left of it without its first intervals, of those that `points` has; None where that is nothing."""
        if looks >= self.intervals:
            return None
        before, first = self.points[looks], self.points[looks + 1]
        rates = [(other[1] - one[1]) / (other[0] - one[0]) for one, other in pairwise(self.points[looks:])]
        is_whole = len(self.points) == self.intervals + 1
        return replace(
            self,
            before_s=before[0], before_bytes=before[1], first_s=first[0], first_bytes=first[1],
            intervals=self.intervals - looks, points=self.points[looks:],
            peak_bytes_s=max(rates) if is_whole else max(self.peak_bytes_s, *rates),
            lowest_bytes_s=min(rates[1:-1] if is_whole else [self.lowest_bytes_s], default=float("inf")),
            told=max(0, self.told - looks), busy=max(0, self.busy - looks),
        )  # fmt: skip

    def _least_s(self, gap_s: float) -> float:
        return min(gap_s, self.grown_bytes / LIKELY_BYTES_S)

    def _across_s(self, grown_bytes: float) -> float:
        """How long that much of it took. With no pace: between the pace of its fastest interval and that of a bus."""
        pace = self.pace_bytes_s
        if pace is not None:
            return grown_bytes / pace
        return (grown_bytes / self.peak_bytes_s + grown_bytes / max(BUS_BYTES_S, self.peak_bytes_s)) / 2


class Growth:
    """Runs of one counter. Memory is bounded: of many runs the earliest are put together.

    A run that gets `faster` times faster than it was, by at least `least_jump_bytes` within one look, is another run.
    """

    def __init__(self, least_jump_bytes: float = GIB, faster: float = FASTER) -> None:
        self._least_jump_bytes, self._faster = least_jump_bytes, faster
        self.runs: list[Run] = []
        self.at_s: float | None = None
        self.bytes = 0.0
        self.last_grown_s = float("-inf")
        self.is_growing = False
        self.splits = True  # whether a jump within a run begins another

    def add(self, at_s: float, now_bytes: float, is_busy: bool | None = None, quiet_s: float | None = None) -> float:
        """One look, later than the one before. Returns by how much the counter moved."""
        if self.at_s is None:
            self.at_s, self.bytes = at_s, now_bytes
            return 0.0
        before_s, moved = self.at_s, now_bytes - self.bytes
        gap_s = at_s - before_s
        if moved >= max(LEAST_STEP_BYTES, SLOWEST_BYTES_S * gap_s):
            self._grow(at_s, now_bytes, moved / gap_s, quiet_s)
            run = self.runs[-1]
            run.told += is_busy is not None
            run.busy += bool(is_busy)
            self.is_growing, self.last_grown_s = True, at_s
        else:
            self.is_growing = False
            if is_busy and self.runs:
                self.runs[-1].busy_after += 1
        self.at_s, self.bytes = at_s, now_bytes
        return moved

    def forget(self) -> None:
        """Lets go of all runs."""
        self.runs, self.is_growing = [], False

    def _grow(self, at_s: float, now_bytes: float, rate: float, quiet_s: float | None) -> None:
        assert self.at_s is not None
        run = self.runs[-1] if self.is_growing else None
        if run is None or self._is_another(run, rate, now_bytes - self.bytes):
            points = [(self.at_s, self.bytes), (at_s, now_bytes)]
            self.runs.append(
                Run(*points[0], *points[1], *points[0], *points[1], rate, rate, quiet_s=quiet_s, points=points),
            )
            if len(self.runs) > MOST_RUNS:
                self.runs[1:3] = [_together(self.runs[1], self.runs[2])]
            return
        run.slow = run.slow + 1 if rate * SLOWER < run.peak_bytes_s else 0
        run.quick_gap_s = run.quick_gap_s if run.slow else at_s - self.at_s
        if run.intervals >= 2:
            run.lowest_bytes_s = min(run.lowest_bytes_s, run.last_bytes_s)
        run.intervals += 1
        run.last_bytes_s = rate
        run.last_s, run.last_bytes, run.until_s, run.until_bytes = self.at_s, self.bytes, at_s, now_bytes
        run.peak_bytes_s = max(run.peak_bytes_s, rate)
        if len(run.points) < 12:
            run.points.append((at_s, now_bytes))

    def _is_another(self, run: Run, rate: float, moved_bytes: float) -> bool:
        """A slow interval may be the end of a run; a second one is another run."""
        mean = run.grown_bytes / (run.until_s - run.before_s)
        are_large = min(run.grown_bytes, moved_bytes) >= self._least_jump_bytes
        is_faster = self.splits and run.intervals >= 3 and are_large and rate > self._faster * mean
        return is_faster or (run.slow >= 1 and rate * SLOWER < run.peak_bytes_s)


def _together(one: Run, other: Run) -> Run:
    return replace(
        other,
        before_s=one.before_s, before_bytes=one.before_bytes, first_s=one.first_s, first_bytes=one.first_bytes,
        peak_bytes_s=max(one.peak_bytes_s, other.peak_bytes_s), lowest_bytes_s=0.0, quiet_s=one.quiet_s,
        intervals=one.intervals + other.intervals, told=one.told + other.told, busy=one.busy + other.busy,
        points=one.points, known_begin=one.known_begin,
    )  # fmt: skip
