"""Ours: candidate planners in shadow on live demand; the cheapest that meets the objective leads, workload by workload.

The leader runs under the loop of the real plan, which takes over the knob of the leader's shadow at a switch, so that
the objective holds for what is really done.
"""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.signal import ZERO
from autoscaler.plan.planner import Proposal, View, with_level
from autoscaler.plan.quantile import Quantile
from autoscaler.plan.reactive import Reactive
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
        self._candidates: tuple[Quantile | Recurring | Reactive, ...] = (
            Quantile(shared_nodes), Recurring(), Reactive()
        )  # fmt: skip
        low_high = np.array([c.knob_limits for c in self._candidates])
        self._lowest, self._highest = low_high[:, :1], low_high[:, 1:]
        self._shadows: Shadows | None = None
        self._leader: Ints = np.zeros(0, dtype=np.int64)
        self._selected_at_s = 0.0

    def propose(self, view: View) -> Proposal:
        """The leader's proposal at the knob of the real loop."""
        if self._shadows is None:
            self._shadows = self._begin(view)
        shadows = self._shadows
        real = np.minimum(np.maximum(view.level, self._lowest), self._highest)
        levels = np.array([shadows.loop.knob, real])
        both = [c.propose(with_level(view, levels[:, k])) for k, c in enumerate(self._candidates)]
        self._run_shadows(view, shadows, [p.room[0] for p in both], [p.burst[0] for p in both])
        knob = self._select(view, shadows) if view.now_s >= self._selected_at_s + SELECT_EVERY_S else None
        return self._led(both, knob)

    def _led(self, both: list[Proposal], knob: Floats | None) -> Proposal:
        """Each workload's row of its leader, at the knob of the real loop.

        Room beyond the floor is the forecast's, whoever leads: what the quantile candidate wants more at the whole lead
        than at the replica's.
        """
        first = both[0]
        if not np.count_nonzero(self._leader):
            room = first.room[1]
            return Proposal(room if first.floor is first.room else first.floor[1], room, first.burst[1], knob)
        floor = np.choose(self._leader, [p.floor[1] for p in both])
        burst = np.choose(self._leader, [p.burst[1] for p in both])
        if first.floor is first.room:
            return Proposal(floor, floor, burst, knob)
        return Proposal(floor, floor + (first.room[1] - first.floor[1]), burst, knob)

    def _begin(self, view: View) -> Shadows:
        self._leader = np.zeros(view.fleet.size, dtype=np.int64)
        self._selected_at_s = view.now_s + FIRST_SELECT_S - SELECT_EVERY_S
        limits = [c.knob_limits for c in self._candidates]
        return Shadows.fresh(view.fleet.size, limits, view.fleet.longest_lead_s, view.tick_s)

    def _run_shadows(self, view: View, shadows: Shadows, rooms: list[Floats], bursts: list[Floats]) -> None:
        demand, unhealthy, fleet = view.observation.demand, view.observation.demand_state > ZERO, view.fleet
        if np.count_nonzero(unhealthy):
            demand = np.where(
                unhealthy, np.nan, demand
            )  # what comes after a gap may be an artefact: nobody is judged on it
        shadows.step(view.now_s, view.tick_s, fleet, np.array(rooms), np.array(bursts), demand, view.severity)

    def _select(self, view: View, shadows: Shadows) -> Floats | None:
        """Who leads from now on; the knobs that the real loop goes on from, None where no leader changed."""
        self._selected_at_s = view.now_s
        scores = shadows.scores(view.fleet.late_target)
        best = scores.argmin(axis=0)
        rows = np.arange(best.size)
        switch = scores[best, rows] < ADVANTAGE * scores[self._leader, rows]
        self._leader = np.where(switch, best, self._leader)
        if not np.count_nonzero(switch):
            return None
        return np.where(switch, shadows.loop.knob[self._leader, rows], view.level)
