"""The HorizontalPodAutoscaler as a strategy: utilization target, tolerance, scale-down stabilization."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.hpa import HorizontalScaler
from autoscaler.plan.planner import Proposal, View, with_headroom


class Hpa:
    """Scales so that demand / replicas nears `target`; `spare_share` more GPUs are kept warm by placeholders."""

    uses_forecast = False
    holds = False

    def __init__(self, target: float, spare_share: float = 0.0) -> None:
        self._scaler = HorizontalScaler(target)
        self._spare_share = spare_share

    def propose(self, view: View) -> Proposal:
        """The law's replicas; where the demand is not known, no opinion."""
        floor = view.observation.inventory.floor
        with np.errstate(divide="ignore", invalid="ignore"):
            use = with_headroom(view.demand, view.level) / floor
        replicas = self._scaler.replicas(view.now_s, floor, use)
        wanted = np.where(np.isnan(view.demand), np.nan, replicas)
        spare = np.ceil(wanted * self._spare_share)
        return Proposal.of(wanted, wanted + spare)
