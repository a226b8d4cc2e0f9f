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
from autoscaler.plan.shadow import Shadows

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
        self._shadows: Shadows | None = None
        self._leader: Ints = np.zeros(0, dtype=np.int64)
        self._selected_at_s = 0.0

    def propose(self, view: View) -> Proposal:
        """The leader's proposal at the knob of the real loop."""
        if self._shadows is None:
            self._shadows = self._begin(view)
        shadows = self._shadows
        both = [
            c.propose(with_level(view, np.array([knob, _within(view.level, c.knob_limits)])))
            for c, knob in zip(self._candidates, shadows.loop.knob, strict=True)
        ]
        self._run_shadows(view, shadows, [p.room[0] for p in both], [p.burst[0] for p in both])
        if view.now_s >= self._selected_at_s + SELECT_EVERY_S:
            self._select(view, shadows)
        return self._led(both)

    def _led(self, both: list[Proposal]) -> Proposal:
        """Each workload's row of its leader, at the knob of the real loop."""
        if not self._leader.any():
            first = both[0]
            room = first.room[1]
            return Proposal(room if first.floor is first.room else first.floor[1], room, first.burst[1])
        room = np.where(self._leader == 0, both[0].room[1], both[1].room[1])
        burst = np.where(self._leader == 0, both[0].burst[1], both[1].burst[1])
        if both[0].floor is both[0].room:
            return Proposal(room, room, burst)
        return Proposal(np.where(self._leader == 0, both[0].floor[1], both[1].floor[1]), room, burst)

    def _begin(self, view: View) -> Shadows:
        lead_s = float((view.fleet.node_lead_s + view.fleet.replica_lead_s).max())
        self._leader = np.zeros(view.fleet.size, dtype=np.int64)
        self._selected_at_s = view.now_s + FIRST_SELECT_S - SELECT_EVERY_S
        return Shadows.fresh(view.fleet.size, [c.knob_limits for c in self._candidates], lead_s, view.tick_s)

    def _run_shadows(self, view: View, shadows: Shadows, rooms: list[Floats], bursts: list[Floats]) -> None:
        fleet = view.fleet
        lead_s = fleet.node_lead_s + fleet.replica_lead_s
        wanted, burst, demand = np.array(rooms), np.array(bursts), view.observation.demand
        shadows.step(view.now_s, view.tick_s, lead_s, wanted, burst, demand, fleet.late_target)

    def _select(self, view: View, shadows: Shadows) -> None:
        self._selected_at_s = view.now_s
        scores = shadows.scores(view.fleet.late_target)
        best = scores.argmin(axis=0)
        rows = np.arange(best.size)
        switch = scores[best, rows] < ADVANTAGE * scores[self._leader, rows]
        self._leader = np.where(switch, best, self._leader)
        view.level[switch] = shadows.loop.knob[self._leader, rows][switch]


def _within(level: Floats, limits: tuple[float, float]) -> Floats:
    out: Floats = np.minimum(np.maximum(level, limits[0]), limits[1])
    return out
