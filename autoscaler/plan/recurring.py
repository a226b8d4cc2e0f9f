"""Demand now with headroom, and for a narrow window what usually comes at this time of day."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.recurrence import most_origins, recurring_demand
from autoscaler.plan.planner import Proposal, View, with_headroom

BINS_AT_ONCE = 60


class Recurring:
    """For batch windows and switching that recur to the minute; the knob is headroom on the demand now."""

    knob_limits = (-0.5, 3.0)
    uses_forecast = False
    holds = True

    def __init__(self) -> None:
        self._from_bin = 0
        self._bursts: Floats = np.zeros((0, 0))

    def propose(self, view: View) -> Proposal:
        """The burst is wanted from the lead time before it until two bins after, and not a tick longer."""
        wanted = with_headroom(view.demand, view.level)
        burst = self._burst(view)
        return Proposal(wanted, wanted, burst if wanted.ndim == 1 else np.array([burst] * wanted.shape[0]))

    def _burst(self, view: View) -> Floats:
        """What usually comes now, float [W]; looked up for many bins at once, and once a bin at most."""
        row = view.history.last_bin - self._from_bin
        if not 0 <= row < self._bursts.shape[0]:
            ahead = int(np.ceil(view.fleet.longest_lead_s / view.history.bin_s - 1e-9))
            origins = min(BINS_AT_ONCE, most_origins(view.history, ahead))
            self._bursts = recurring_demand(view.history, ahead, origins)[:, : view.fleet.size]
            self._from_bin, row = view.history.last_bin, 0
        out: Floats = self._bursts[row]
        return out
