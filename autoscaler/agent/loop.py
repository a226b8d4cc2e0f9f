"""The sampling loop: a look every so often, until it is told to end."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Protocol

from autoscaler.agent.view import View
from autoscaler.ports.clock import ClockPort

STUCK_LOOKS, STUCK_S = 10.0, 30.0
"""Without a look for so many intervals, and at least so long, the agent is not well."""


class AgentLog(Protocol):
    """Where the loop says what changed."""

    def problems(self, lines: list[str]) -> None:
        """All that is not as it should be now; says what is new and what is over."""
        ...

    def failed(self, error: Exception) -> None:
        """A look ended in an error of our own."""
        ...


class Loop:
    """view: of the last look, None before the first. looks, late, failed: how many so far. took_s: the last one."""

    def __init__(self, look: Callable[[], View], clock: ClockPort, every_s: float, log: AgentLog) -> None:
        self._look, self._clock, self._every_s, self._log = look, clock, every_s, log
        self._good_s = clock.monotonic_s()
        self.view: View | None = None
        self.looks = self.late = self.failed = 0
        self.took_s = 0.0

    def run(self, stopping: Event) -> None:
        """Returns when `stopping` is set. An error of ours is told and the next look is tried. Where there was a look
        before, the first one is an interval away."""
        due_s = self._clock.monotonic_s() + (self._every_s if self.looks else 0.0)
        while not self._clock.wait(max(0.0, due_s - self._clock.monotonic_s()), stopping):
            late_s = self._clock.monotonic_s() - due_s
            missed = max(0, int(late_s / self._every_s))
            self.late += missed + (late_s - missed * self._every_s >= self._every_s / 2.0)
            due_s += (missed + 1) * self._every_s
            self.look()

    def look(self) -> None:
        """One look, now."""
        began_s = self._clock.monotonic_s()
        self.looks += 1
        try:
            self.view = self._look()
        except Exception as error:
            self.failed += 1
            self._log.failed(error)
            return
        self._good_s = self._clock.monotonic_s()
        self.took_s = self._good_s - began_s
        self._log.problems(self.view.problems)

    def why_not_alive(self) -> str | None:
        """None while looks come."""
        silent_s = self._clock.monotonic_s() - self._good_s
        if silent_s <= max(STUCK_S, STUCK_LOOKS * self._every_s):
            return None
        return f"no look at the GPUs for {silent_s:.0f} s"
