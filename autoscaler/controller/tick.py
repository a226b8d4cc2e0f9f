"""One tick of the live loop as data, from which logs, metrics and events are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from autoscaler.controller.cycle import CycleReport
from autoscaler.controller.in_force import InForce
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.signal import SignalReadings


@dataclass(frozen=True, slots=True)
class Tick:
    """now_s: seconds since the epoch. took_s: seconds from its begin to its end. leads: we were the leader.

    in_force: None before the first policies could be read. report: None where the tick raised, or nothing is in force.
    readings: what the signals said, None where nobody answered. policy_problems: what is wrong with the policy files.
    problems: all else that is wrong, one line each. notes: what happened in this tick alone. failure: what it raised.
    ended: placeholders that ended since the tick before, where we led. every_s: seconds from tick to tick.
    """

    now_s: float
    took_s: float
    leads: bool
    in_force: InForce | None
    report: CycleReport | None
    readings: SignalReadings | None
    policy_problems: tuple[str, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    failure: Exception | None = None
    ended: tuple[PlaceholderEnd, ...] = ()
    every_s: float = 15.0


class Outlet(Protocol):
    """Somebody who tells of ticks: a log, metrics, events."""

    def tell(self, tick: Tick) -> None:
        """One tick; called once for each, in order."""
        ...
