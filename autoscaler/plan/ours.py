"""Ours: candidate planners in shadow on live demand; the cheapest that meets the objective leads, workload by workload.

The leader runs under the loop of the real plan, which takes over the knob of the leader's shadow at a switch, so that
the objective holds for what is really done.
"""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.plan.planner import Proposal, View, with_level
from autoscaler.plan.quantile import Quantile
from autoscaler.plan.recurring import Recurring
from autoscaler.plan.shadow import Shadow

SELECT_EVERY_S = 3 * 3600.0
FIRST_SELECT_S = 86_400.0
ADVANTAGE = 0.97
"""A challenger leads only where its score is below this times the leader's."""


class Ours:
    """The portfolio. `knob_limits` are the widest of its candidates; each candidate clips to its own."""

    knob_limits = (-3.0, 6.0)
    uses_forecast = True
    holds = True

    def __init__(self, shared_nodes: bool) -> None:
        self._candidates: tuple[Quantile | Recurring, ...] = (Quantile(shared_nodes), Recurring())
        self._shadows: list[Shadow] = []
        self._leader: Ints = np.zeros(0, dtype=np.int64)
        self._selected_at_s = 0.0

    def propose(self, view: View) -> Proposal:
        """The leader's proposal at the knob of the real loop."""
        self._begin(view)
        self._run_shadows(view)
        self._select(view)
        proposals = [c.propose(with_level(view, np.clip(view.level, *c.knob_limits))) for c in self._candidates]
        if not self._leader.any():
            return proposals[0]
        floor, room, burst = (
            np.choose(self._leader, [getattr(p, name) for p in proposals]) for name in ("floor", "room", "burst")
        )
        return Proposal(floor, room, burst)

    def _begin(self, view: View) -> None:
        if self._shadows:
            return
        lead_s = float((view.fleet.node_lead_s + view.fleet.replica_lead_s).max())
        self._leader = np.zeros(view.fleet.size, dtype=np.int64)
        self._selected_at_s = view.now_s + FIRST_SELECT_S - SELECT_EVERY_S
        self._shadows = [
            Shadow.fresh(view.fleet.size, c.knob_limits, lead_s, view.tick_s) for c in self._candidates
        ]  # fmt: skip

    def _run_shadows(self, view: View) -> None:
        fleet = view.fleet
        lead_s = fleet.node_lead_s + fleet.replica_lead_s
        for candidate, shadow in zip(self._candidates, self._shadows, strict=True):
            wish = candidate.propose(with_level(view, shadow.loop.knob))
            shadow.step(
                view.now_s, view.tick_s, lead_s, wish.room, wish.burst, view.observation.demand, fleet.late_target
            )

    def _select(self, view: View) -> None:
        if view.now_s < self._selected_at_s + SELECT_EVERY_S:
            return
        self._selected_at_s = view.now_s
        scores = np.array([s.score(view.fleet.late_target) for s in self._shadows])
        best = scores.argmin(axis=0)
        rows = np.arange(best.size)
        switch = scores[best, rows] < ADVANTAGE * scores[self._leader, rows]
        self._leader = np.where(switch, best, self._leader)
        knobs: Floats = np.array([s.loop.knob for s in self._shadows])
        view.level[switch] = knobs[self._leader, rows][switch]
