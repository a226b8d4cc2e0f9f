"""The HorizontalPodAutoscaler as a strategy: utilization target, tolerance, scale-down stabilization."""

from __future__ import annotations

from collections import deque

import numpy as np

from autoscaler.domain.arrays import Ints
from autoscaler.domain.hpa import SCALE_DOWN_WINDOW_S, HpaLaw
from autoscaler.plan.planner import Proposal, View, with_headroom


class Hpa:
    """Scales so that demand / replicas nears `target`; `spare_share` more GPUs are kept warm by placeholders."""

    uses_forecast = False
    holds = False

    def __init__(self, target: float, spare_share: float = 0.0) -> None:
        self._law = HpaLaw(target)
        self._spare_share = spare_share
        self._recent: deque[tuple[float, Ints]] = deque()

    def propose(self, view: View) -> Proposal:
        """The largest recommendation of the stabilization window."""
        floor = view.observation.inventory.floor
        with np.errstate(divide="ignore", invalid="ignore"):
            use = with_headroom(view.demand, view.level) / np.where(floor > 0, floor, np.nan)
        wanted = self._law.desired(floor, use)
        wanted = np.where((floor == 0) & (view.demand > 0), 1, wanted)
        self._recent.append((view.now_s, wanted))
        while self._recent[0][0] < view.now_s - SCALE_DOWN_WINDOW_S:
            self._recent.popleft()
        stable = np.max([w for _, w in self._recent], axis=0)
        replicas = np.where(np.isnan(view.demand), np.nan, np.where(wanted > floor, wanted, np.minimum(stable, floor)))
        spare = np.ceil(replicas * self._spare_share)
        return Proposal.of(replicas, replicas + spare)
