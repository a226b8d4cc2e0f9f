"""A clock that stands still unless it is moved: whoever waits on it moves it, and waits no real time."""

from __future__ import annotations

from threading import Event


class SteppedClock:
    """The clock port for tests. `waits` has the seconds of every wait, in order."""

    def __init__(self, wall_s: float = 1_800_000_000.0) -> None:
        self._wall_s = wall_s
        self._passed_s = 0.0
        self.waits: list[float] = []

    def wall_s(self) -> float:
        return self._wall_s + self._passed_s

    def monotonic_s(self) -> float:
        return self._passed_s

    def wait(self, seconds: float, until: Event) -> bool:
        self.waits.append(seconds)
        if until.is_set():
            return True
        self.move(seconds)
        return False

    def move(self, seconds: float) -> None:
        """Lets so much time pass."""
        self._passed_s += seconds
