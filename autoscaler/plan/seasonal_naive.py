"""Seasonal naive: yesterday's demand at the time for which capacity is ordered, at a target utilization."""

from __future__ import annotations

import numpy as np

from autoscaler.plan.planner import Proposal, View, floor_only

TARGET_UTILIZATION = 0.7


class SeasonalNaive:
    """The demand one day before now + lead; the demand now where that is unknown."""

    uses_forecast = False
    holds = True

    def propose(self, view: View) -> Proposal:
        """Yesterday's demand over the target utilization."""
        history = view.history
        lead_s = view.fleet.node_lead_s + view.fleet.replica_lead_s
        first = int(np.ceil(view.now_s / history.bin_s - 1e-9)) - history.day
        ahead = np.ceil(lead_s / history.bin_s - 1e-9).astype(np.int64)
        span = history.span(first, int(ahead.max()) + 1)[: view.fleet.size]
        then = span[np.arange(view.fleet.size), ahead]
        return floor_only(np.where(np.isnan(then), view.demand, then) / TARGET_UTILIZATION, view.level)
