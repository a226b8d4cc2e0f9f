"""Whether the loop is alive and ready, as its last ticks tell."""

from __future__ import annotations

from autoscaler.controller.tick import Tick
from autoscaler.ports.clock import ClockPort


class Health:
    """An outlet. Alive: a tick has ended without a failure within `limit_s` seconds, or we have just begun: a state
    that makes every tick fail is rebuilt by a restart. Ready: the last tick saw the cluster, with policies in force."""

    def __init__(self, clock: ClockPort, limit_s: float) -> None:
        self._clock, self._limit_s = clock, limit_s
        self._ended_s = clock.monotonic_s()
        self._failure: Exception | None = None
        self._why_not: str | None = "no tick has ended yet"

    def tell(self, tick: Tick) -> None:
        if tick.failure is None:
            self._ended_s = self._clock.monotonic_s()
        self._failure = tick.failure
        self._why_not = _why_not(tick)

    def why_not_alive(self) -> str | None:
        """What is wrong, None where nothing is."""
        ago_s = self._clock.monotonic_s() - self._ended_s
        if ago_s <= self._limit_s:
            return None
        why = "" if self._failure is None else f" (the last one raised {self._failure!r})"
        return f"the last good tick ended {ago_s:.0f} s ago, above {self._limit_s:g} s{why}"

    def why_not_ready(self) -> str | None:
        """What is missing, None where nothing is."""
        return self._why_not


def _why_not(tick: Tick) -> str | None:
    if tick.in_force is None:
        return "; ".join(tick.problems) or "no policies are in force"
    if tick.failure is not None:
        return f"the last tick failed: {tick.failure}"
    if not tick.in_force.policies.fleet.size and tick.policy_problems:
        return tick.policy_problems[0]
    return None if tick.report is None else tick.report.error
