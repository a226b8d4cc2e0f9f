"""The policies of one run, compiled: a fleet of arrays, and what schedules say at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.fleet import Fleet


class ScheduleBook(Protocol):
    """What the schedules of one policy say, in seconds since the epoch."""

    def at_least(self, from_s: float, until_s: float) -> int | None:
        """The largest floor in force at any time in between, None where there is none."""
        ...

    def at_most(self, at_s: float) -> int | None:
        """The smallest ceiling in force, None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Governed:
    """`schedules`: one book a workload, None where the policy has no schedule. `epoch_s`: what time 0 of the run is."""

    fleet: Fleet
    schedules: tuple[ScheduleBook | None, ...]
    epoch_s: float = 0.0

    def bounds(self, now_s: float) -> tuple[Floats, Floats]:
        """(at least, at most) replicas, float [W]: floors from their lead time ahead, ceilings only while in force."""
        at_least, at_most = np.zeros(self.fleet.size), np.full(self.fleet.size, np.inf)
        for w, book in enumerate(self.schedules):
            if book is None:
                continue
            now = self.epoch_s + now_s
            lead_s = float(self.fleet.node_lead_s[w] + self.fleet.replica_lead_s[w])
            least, most = book.at_least(now, now + lead_s), book.at_most(now)
            at_least[w] = 0.0 if least is None else least
            at_most[w] = np.inf if most is None else most
        return at_least, at_most
