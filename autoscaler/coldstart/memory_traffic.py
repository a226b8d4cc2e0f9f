"""When a GPU received over its bus: looks of a moment, once a second, of what may come and go between them."""

from __future__ import annotations

from autoscaler.coldstart.memory_sample import Edge

LEAST_BYTES_S = 24e6
"""Less is tokens and kernels' arguments, not weights."""
MOST_BELOW_PEAK = 20.0
"""What is so many times below the fastest look is no copy of the same load."""


class Traffic:
    """The first and the last look that saw a copy, and about how much came. Times are of the steady clock."""

    def __init__(self) -> None:
        self.told = 0
        self.busy = 0
        self.moved_bytes = 0.0
        self.last_busy_s = float("-inf")
        self._peak = 0.0
        self._looked_s: float | None = None
        self._first: tuple[float, float] | None = None
        self._idle_after_s: float | None = None

    def add(self, at_s: float, received_bytes_s: float | None) -> bool | None:
        """One look. Returns whether it saw a copy; None where the bus is not told."""
        if received_bytes_s is None:
            return None
        self.told += 1
        before_s = self._looked_s if self._looked_s is not None else at_s
        self._looked_s = at_s
        self._peak = max(self._peak, received_bytes_s)
        if received_bytes_s < max(LEAST_BYTES_S, self._peak / MOST_BELOW_PEAK):
            if self._idle_after_s is None and self.busy:
                self._idle_after_s = at_s
            return False
        self.busy += 1
        self.moved_bytes += received_bytes_s * (at_s - before_s)
        self.last_busy_s, self._idle_after_s = at_s, None
        self._first = self._first or (before_s, at_s)
        return True

    @property
    def begin(self) -> Edge | None:
        """When the first copy began; None where none was seen."""
        if self._first is None:
            return None
        before_s, at_s = self._first
        return Edge((before_s + at_s) / 2, (at_s - before_s) / 2)

    @property
    def end(self) -> Edge | None:
        """When the last copy ended, so far."""
        if not self.busy:
            return None
        after_s = self._idle_after_s if self._idle_after_s is not None else self.last_busy_s
        return Edge((self.last_busy_s + after_s) / 2, (after_s - self.last_busy_s) / 2)
