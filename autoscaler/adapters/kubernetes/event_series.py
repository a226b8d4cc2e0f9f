"""Which event objects notices become: equal ones within a window are one, with a count. No I/O."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from autoscaler.ports.events import Notice

MOST_NAME, MOST_NOTE = 200, 1024


@dataclass(slots=True)
class Series:
    """Equal notices. count: how many there were; said: the count that the API server knows, 0 before the first.

    first_wall_s, last_wall_s: when the first and the newest came. last_s, said_s: monotonic time of the newest, and of
    the last word to the API server.
    """

    notice: Notice
    first_wall_s: float
    last_wall_s: float
    last_s: float
    count: int = 1
    said: int = 0
    said_s: float = 0.0

    @property
    def name(self) -> str:
        """The name of its object: the same whenever it is asked for, and unlike that of any other series."""
        about = self.notice.about
        told = f"{about}|{self.notice.reason}|{self.notice.note}|{self.first_wall_s}"
        return f"{about.name[:MOST_NAME]}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def due_s(self, refresh_s: float) -> float:
        """When the API server should hear of it (monotonic): a new one at once, a repetition not too often."""
        return self.last_s if self.said == 0 else self.said_s + refresh_s


@dataclass(slots=True)
class SeriesBook:
    """The series of the last `window_s` seconds, `most` at a time; `lost` counts notices that found no room."""

    window_s: float
    refresh_s: float
    most: int
    lost: int = 0
    _open: dict[Notice, Series] = field(default_factory=dict)

    def add(self, notice: Notice, now_s: float, wall_s: float) -> None:
        """Takes one notice into its series, or begins one."""
        series = self._open.get(notice)
        if series is not None and now_s - series.last_s <= self.window_s:
            series.count += 1
            series.last_s, series.last_wall_s = now_s, wall_s
            return
        if len(self._open) >= self.most:
            self._forget(now_s)
        if len(self._open) >= self.most:
            self.lost += 1
            return
        self._open[notice] = Series(notice, wall_s, wall_s, now_s)

    def unsaid(self) -> list[Series]:
        """Series of which the API server does not know the newest count: what is due first, first."""
        return sorted((s for s in self._open.values() if s.count > s.said), key=lambda s: s.due_s(self.refresh_s))

    def _forget(self, now_s: float) -> None:
        old = [n for n, s in self._open.items() if now_s - s.last_s > self.window_s and s.count == s.said]
        for notice in old:
            del self._open[notice]


@dataclass(slots=True)
class Allowance:
    """How many calls may be made: `burst` at once, then `per_s` a second."""

    per_s: float
    burst: float
    _left: float = field(init=False)
    _at_s: float | None = None

    def __post_init__(self) -> None:
        self._left = self.burst

    def wait_s(self, now_s: float) -> float:
        """Takes one call and returns 0, or takes none and returns the seconds until there is one."""
        since_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._left, self._at_s = min(self.burst, self._left + since_s * self.per_s), now_s
        if self._left < 1.0:
            return (1.0 - self._left) / self.per_s
        self._left -= 1.0
        return 0.0
