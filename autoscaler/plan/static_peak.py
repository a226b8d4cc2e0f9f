"""Static peak: the largest demand of a training time, held for ever."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.plan.planner import Proposal, View, floor_only


class StaticPeak:
    """Follows the largest demand until `train_s`, then keeps it."""

    uses_forecast = False
    holds = False

    def __init__(self, train_s: float) -> None:
        self._train_s = train_s
        self._peak: Floats | None = None

    def propose(self, view: View) -> Proposal:
        """The peak so far."""
        if self._peak is None:
            self._peak = np.full(view.demand.shape, np.nan)
        if view.now_s <= self._train_s:
            self._peak = np.fmax(self._peak, view.demand)
        return floor_only(self._peak, view.level)
