"""The past port: what the signals said before we looked, to rebuild history after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from autoscaler.domain.arrays import Floats
from autoscaler.domain.signal import SignalKind


@dataclass(frozen=True, slots=True)
class PastReadings:
    """Signals on a grid of times, oldest first.

    at_s: float [T], seconds since the epoch. values: float [T] by (workload, signal), NaN where there was no answer;
    signals that were not answered at all are left out. problems: one line for each of these, with the reason.
    """

    at_s: Floats
    values: Mapping[tuple[int, SignalKind], Floats]
    problems: tuple[str, ...] = ()


class PastPort(Protocol):
    """Reads every signal of the fleet over a stretch of time."""

    def past(self, from_s: float, until_s: float, step_s: float, within_s: float) -> PastReadings:
        """From `from_s` to `until_s`, both included, every `step_s` seconds; what has answered `within_s` seconds from
        now. Raises `Unavailable` where nothing at all could be read."""
        ...
