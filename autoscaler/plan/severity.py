"""By how much measured late work exceeds what came above ready capacity.

Where requests queue in order of arrival, everybody behind a queue is late too, so a shortage of one replica in twenty
can make a whole minute late. The factor between both is learned on what really happened. Shadows, which know only what
came above their capacity, are scored with it; and loops move so much slower, since one step of the knob changes so
much more lateness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.observation import Observation
from autoscaler.domain.signal import ZERO

HALF_LIFE_S = 3 * 86_400.0
LARGEST = 30.0
"""A shortage of 3 % that makes everything late."""


@dataclass(slots=True)
class Severity:
    """measured, modelled: discounted late work of the ticks that were measured, in replica-ticks, float [W]."""

    measured: Floats
    modelled: Floats

    @staticmethod
    def fresh(workloads: int) -> Severity:
        """Nothing measured yet."""
        return Severity(np.zeros(workloads), np.zeros(workloads))

    def learn(self, observation: Observation, tick_s: float) -> None:
        """One tick; unmeasured and unhealthy ones teach nothing."""
        seen = observation.late_is_measured & (observation.demand_state <= ZERO)
        if not np.count_nonzero(seen):
            return
        decay = 0.5 ** (tick_s / HALF_LIFE_S)
        short = np.maximum(observation.demand - observation.inventory.ready.sum(axis=1), 0.0)
        self.measured = np.where(seen, decay * self.measured + observation.late, self.measured)
        self.modelled = np.where(seen, decay * self.modelled + short, self.modelled)

    def factor(self) -> Floats:
        """Late work for each unit that the model says, float [W], 1 where nothing was measured."""
        known = self.modelled > 0.0
        ratio = self.measured / np.where(known, self.modelled, 1.0)
        return np.where(known, np.minimum(np.maximum(ratio, 1.0), LARGEST), 1.0)
