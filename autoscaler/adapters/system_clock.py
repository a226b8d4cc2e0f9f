"""The clock of the machine: the one place that asks it what time it is."""

from __future__ import annotations

import time
from threading import Event


class SystemClock:
    """The clock port on the machine's own clocks."""

    def wall_s(self) -> float:
        return time.time()  # noqa: TID251 - this is the clock

    def monotonic_s(self) -> float:
        return time.monotonic()  # noqa: TID251 - this is the clock

    def wait(self, seconds: float, until: Event) -> bool:
        return until.wait(max(seconds, 0.0))
