"""Ours: candidate planners in shadow on live demand; the cheapest that meets the objective leads, workload by workload.

The leader runs under the loop of the real plan, which takes over the knob of the leader's shadow at a switch, so that
the objective holds for what is really done.
"""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.domain.signal import ZERO
from autoscaler.plan.parts import PlanPart
from autoscaler.plan.planner import Proposal, View, with_level
from autoscaler.plan.portfolio import PortfolioMemory, ShadowMemory
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

    knob_limits = (-4.0, 8.0)
    holds = True

    def __init__(self, shared_nodes: bool, without: frozenset[PlanPart] = frozenset()) -> None:
        """without: `FORECAST` and `RECURRING` leave out their candidates."""
        self.uses_forecast = PlanPart.FORECAST not in without
        named: dict[str, Quantile | Recurring | Reactive] = {
            **({"quantile": Quantile(shared_nodes)} if self.uses_forecast else {}),
            **({} if PlanPart.RECURRING in without else {"recurring": Recurring()}),
            "reactive": Reactive(),
        }
        self._names, self._candidates = tuple(named), tuple(named.values())
        low_high = np.array([c.knob_limits for c in self._candidates])
        self._lowest, self._highest = low_high[:, :1], low_high[:, 1:]
        self._shadows: Shadows | None = None
        self._leader: Ints = np.zeros(0, dtype=np.int64)
        self._judged_from_s: Floats = np.zeros(0)
        self._selected_at_s = 0.0
        self._recalled: dict[int, PortfolioMemory] = {}

    def remembered(self, workload: int) -> PortfolioMemory | None:
        """What the shadows of a workload have come to; None before they have seen demand."""
        if self._shadows is None or np.isnan(self._shadows.loop.mean_demand[workload]):
            return None
        arrays = (self._shadows.loop.knob, self._shadows.loop.owed, self._shadows.cost, self._shadows.late)
        each = {
            name: ShadowMemory(*(float(array[c, workload]) for array in arrays)) for c, name in enumerate(self._names)
        }
        return PortfolioMemory(
            leader=self._names[self._leader[workload]],
            judged_from_s=float(self._judged_from_s[workload]),
            demand=float(self._shadows.demand[workload]),
            mean_demand=float(self._shadows.loop.mean_demand[workload]),
            shadows=each,
        )

    def recall(self, workload: int, memory: PortfolioMemory) -> None:
        """Goes on from what was remembered, from the next tick on; candidates of other names are left out."""
        self._recalled[workload] = memory

    def propose(self, view: View) -> Proposal:
        """The leader's proposal at the knob of the real loop."""
        if self._shadows is None:
            self._shadows = self._begin(view)
        shadows = self._shadows
        if self._recalled:
            self._go_on(view, shadows)
        real = np.minimum(np.maximum(view.level, self._lowest), self._highest)
        levels = np.array([shadows.loop.knob, real])
        both = [c.propose(with_level(view, levels[:, k])) for k, c in enumerate(self._candidates)]
        self._run_shadows(view, shadows, [p.room[0] for p in both], [p.burst[0] for p in both])
        switched = self._select(view, shadows) if view.now_s >= self._selected_at_s + SELECT_EVERY_S else None
        if switched is None or not np.count_nonzero(switched):
            return self._led([_at(p, 1) for p in both], None)
        # a new leader begins at the knob of its shadow: at that of the old one it would ask for something else
        knob = np.where(switched, shadows.loop.knob[self._leader, np.arange(switched.size)], view.level)
        return self._led([_where(switched, _at(p, 0), _at(p, 1)) for p in both], knob)

    def _led(self, each: list[Proposal], knob: Floats | None) -> Proposal:
        """Each workload's row of its leader, of what each candidate proposes.

        Room beyond the floor is the forecast's, whoever leads: what the quantile candidate wants more at the whole lead
        than at the replica's.
        """
        first = each[0]
        if not np.count_nonzero(self._leader):
            return Proposal(first.floor, first.room, first.burst, knob)
        floor = np.choose(self._leader, [p.floor for p in each])
        burst = np.choose(self._leader, [p.burst for p in each])
        room = floor if first.floor is first.room else floor + (first.room - first.floor)
        return Proposal(floor, room, burst, knob)

    def _begin(self, view: View) -> Shadows:
        self._leader = np.zeros(view.fleet.size, dtype=np.int64)
        self._judged_from_s = np.full(view.fleet.size, view.now_s + FIRST_SELECT_S)
        self._selected_at_s = view.now_s + FIRST_SELECT_S - SELECT_EVERY_S
        limits = [c.knob_limits for c in self._candidates]
        return Shadows.fresh(view.fleet.size, limits, view.fleet.longest_lead_s, view.tick_s)

    def _go_on(self, view: View, shadows: Shadows) -> None:
        """Takes in what was recalled. Shadows have ordered what stands, lest all counts as late."""
        standing = view.observation.inventory.floor
        for w, memory in self._recalled.items():
            for c, name in enumerate(self._names):
                known = memory.shadows.get(name)
                if known is not None:
                    low, high = float(self._lowest[c, 0]), float(self._highest[c, 0])
                    shadows.recall(c, w, min(max(known.knob, low), high), known)
            shadows.go_on_from(w, memory.demand, memory.mean_demand, float(standing[w]))
            if memory.leader in self._names:
                self._leader[w] = self._names.index(memory.leader)
            self._judged_from_s[w] = min(memory.judged_from_s, view.now_s + FIRST_SELECT_S)
        self._selected_at_s = min(self._selected_at_s, view.now_s)
        self._recalled.clear()

    def _run_shadows(self, view: View, shadows: Shadows, rooms: list[Floats], bursts: list[Floats]) -> None:
        demand, unhealthy, fleet = view.observation.demand, view.observation.demand_state > ZERO, view.fleet
        if np.count_nonzero(unhealthy):
            demand = np.where(
                unhealthy, np.nan, demand
            )  # what comes after a gap may be an artefact: nobody is judged on it
        shadows.step(view.now_s, view.tick_s, fleet, np.array(rooms), np.array(bursts), demand, view.severity)

    def _select(self, view: View, shadows: Shadows) -> Bools:
        """Decides who leads from now on; where that is another one, bool [W]."""
        self._selected_at_s = view.now_s
        scores = shadows.scores(view.fleet.late_target)
        best = scores.argmin(axis=0)
        rows = np.arange(best.size)
        better = scores[best, rows] < ADVANTAGE * scores[self._leader, rows]
        switch: Bools = better & (view.now_s >= self._judged_from_s)
        self._leader = np.where(switch, best, self._leader)
        return switch


def _at(proposal: Proposal, row: int) -> Proposal:
    """One row of what was proposed at several knobs; floor and room stay one where they are."""
    room = proposal.room[row]
    return Proposal(room if proposal.floor is proposal.room else proposal.floor[row], room, proposal.burst[row])


def _where(which: Bools, one: Proposal, other: Proposal) -> Proposal:
    room = np.where(which, one.room, other.room)
    floor = room if one.floor is one.room else np.where(which, one.floor, other.floor)
    return Proposal(floor, room, np.where(which, one.burst, other.burst))
