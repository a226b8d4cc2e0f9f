"""Shadows: what each candidate would have cost and been late on live demand, without acting.

A candidate's orders serve a lead time later and are kept for the break-even hold, so with X the largest of its wishes
of the last hold, capacity now is the least X of the last lead time, and cost is X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.domain.fleet import Fleet
from autoscaler.plan.hold import Hold
from autoscaler.plan.loop import OuterLoop
from autoscaler.plan.portfolio import ShadowMemory

SCORE_HALF_LIFE_S = 3 * 86_400.0
EXCESS_PENALTY = 0.35


@dataclass(slots=True)
class Shadows:
    """C candidates on W workloads. ordered: float [N, C, W] ring of X. cost, late: discounted sums, float [C, W];
    demand: the same, float [W].
    """

    loop: OuterLoop
    hold: Hold
    ordered: Floats
    newest: int
    cost: Floats
    late: Floats
    demand: Floats

    @staticmethod
    def fresh(workloads: int, limits: list[tuple[float, float]], lead_s: float, tick_s: float) -> Shadows:
        """Shadows that have seen nothing, one for each pair of knob limits."""
        shape = (len(limits), workloads)
        return Shadows(
            loop=OuterLoop.fresh(shape, np.array(limits)[:, :, None]),
            hold=Hold.fresh(shape, lead_s, tick_s),
            ordered=np.zeros((int(np.ceil(lead_s / tick_s - 1e-9)) + 1, *shape)),
            newest=0,
            cost=np.zeros(shape),
            late=np.zeros(shape),
            demand=np.zeros(workloads),
        )

    def step(
        self, now_s: float, tick_s: float, fleet: Fleet, wanted: Floats, burst: Floats, demand: Floats, severity: Floats
    ) -> None:
        """One tick: lateness of what was ordered before, then the new orders.

        wanted, burst: float [C, W], as in `Proposal`. demand: float [W]; NaN scores nothing. severity: float [W].
        """
        known: Bools = np.isfinite(demand)
        need, billed = demand, self.ordered[self.newest]
        if np.count_nonzero(known) < known.size:
            need, billed = np.where(known, demand, 0.0), billed * known
        late = np.minimum(np.maximum(need - np.minimum.reduce(self.ordered, axis=0), 0.0) * severity, need)
        decay = 0.5 ** (tick_s / SCORE_HALF_LIFE_S)
        self.late = decay * self.late + late
        self.demand = decay * self.demand + need
        self.cost = decay * self.cost + billed
        self.loop.update(now_s, tick_s, fleet.longest_lead_s, late, demand, fleet.late_target, ~known, severity)
        wish = np.ceil(np.fmax(wanted, 0.0) - 1e-6)
        short = late > 0.0
        if np.count_nonzero(short):
            wish = np.maximum(wish, np.ceil(need) * short)
        self.newest = (self.newest + 1) % self.ordered.shape[0]
        kept = self.hold.keep(now_s, wish, fleet.lead_s - tick_s)
        self.ordered[self.newest] = np.maximum(kept, np.ceil(burst - 1e-6)) if np.count_nonzero(burst) else kept

    def recall(self, candidate: int, workload: int, knob: float, memory: ShadowMemory) -> None:
        """Goes on from what one candidate had come to for one workload, at this knob."""
        at = (candidate, workload)
        for array, value in (
            (self.loop.knob, knob), (self.loop.owed, memory.owed), (self.cost, memory.cost), (self.late, memory.late),
        ):  # fmt: skip
            array[at] = value

    def go_on_from(self, workload: int, demand: float, mean_demand: float, ordered: float) -> None:
        """Of all candidates: the demand that they were judged on, and what each had ordered until now, in replicas."""
        self.demand[workload] = demand
        self.loop.mean_demand[workload] = mean_demand
        self.ordered[:, :, workload] = ordered

    def scores(self, alpha: Floats) -> Floats:
        """Cost with a penalty for lateness beyond the objective, float [C, W]; less is better."""
        share = self.late / np.maximum(self.demand, 1e-9)
        out: Floats = self.cost * (1.0 + EXCESS_PENALTY * np.maximum(share / alpha - 1.0, 0.0))
        return out
