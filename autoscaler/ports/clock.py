"""The clock port: what time it is, and waiting, for those who keep something alive in the background."""

from __future__ import annotations

from threading import Event
from typing import Protocol


class ClockPort(Protocol):
    """Wall time for records that others read, monotonic time for durations, and waits that can be cut short."""

    def wall_s(self) -> float:
        """Seconds since the epoch; may jump."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def wait(self, seconds: float, until: Event) -> bool:
        """Returns True as soon as `until` is set, False after `seconds` without."""
        ...
