"""Demand now with headroom, and for a narrow window what usually comes at this time of day."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.recurrence import recurring_demand
from autoscaler.plan.planner import Proposal, View, with_headroom


class Recurring:
    """For batch windows and switching that recur to the minute; the knob is headroom on the demand now."""

    knob_limits = (-0.5, 3.0)
    uses_forecast = False
    holds = True

    def __init__(self) -> None:
        self._at_bin = -1
        self._burst: Floats = np.zeros(0)

    def propose(self, view: View) -> Proposal:
        """The burst is wanted from the lead time before it until two bins after, and not a tick longer."""
        lead_s = view.fleet.node_lead_s + view.fleet.replica_lead_s
        ahead = int(np.ceil(lead_s.max() / view.history.bin_s - 1e-9))
        if self._at_bin != view.history.last_bin or not self._burst.size:
            self._at_bin = view.history.last_bin
            self._burst = recurring_demand(view.history, ahead)[: view.fleet.size]
        wanted = with_headroom(view.demand, view.level)
        return Proposal(wanted, wanted, np.broadcast_to(self._burst, wanted.shape))
