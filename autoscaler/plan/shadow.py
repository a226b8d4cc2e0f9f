"""Shadows: what each candidate would have cost and been late on live demand, without acting.

A candidate's orders serve a lead time later and are kept for the break-even hold, so with X the largest of its wishes
of the last hold, capacity now is the least X of the last lead time, and cost is X.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.plan.hold import Hold
from autoscaler.plan.loop import OuterLoop

SCORE_HALF_LIFE_S = 3 * 86_400.0
EXCESS_PENALTY = 0.35


@dataclass(slots=True)
class Shadow:
    """One candidate on W workloads. ordered: float [N, W] ring of X. cost, late, demand: discounted sums, float [W]."""

    loop: OuterLoop
    hold: Hold
    ordered: Floats
    newest: int
    cost: Floats
    late: Floats
    demand: Floats

    @staticmethod
    def fresh(workloads: int, limits: tuple[float, float], lead_s: float, tick_s: float) -> Shadow:
        """A shadow that has seen nothing."""
        lead_ticks = int(np.ceil(lead_s / tick_s - 1e-9))
        return Shadow(
            loop=OuterLoop.fresh(workloads, limits),
            hold=Hold.fresh(workloads, lead_s, tick_s),
            ordered=np.zeros((lead_ticks + 1, workloads)),
            newest=0,
            cost=np.zeros(workloads),
            late=np.zeros(workloads),
            demand=np.zeros(workloads),
        )

    def ready(self) -> Floats:
        """Capacity that would serve now, float [W]."""
        out: Floats = self.ordered.min(axis=0)
        return out

    def step(
        self, now_s: float, tick_s: float, lead_s: Floats, wanted: Floats, burst: Floats, demand: Floats, alpha: Floats
    ) -> None:
        """One tick: lateness of what was ordered before, then the new order. NaN demand scores nothing."""
        known: Bools = np.isfinite(demand)
        need = np.where(known, demand, 0.0)
        late = np.maximum(need - self.ready(), 0.0)
        decay = 0.5 ** (tick_s / SCORE_HALF_LIFE_S)
        self.late = decay * self.late + late * known
        self.demand = decay * self.demand + need
        self.cost = decay * self.cost + self.ordered[self.newest] * known
        self.loop.update(now_s, tick_s, float(lead_s.max()), late, demand, alpha, ~known)
        wish = np.maximum(np.ceil(np.nan_to_num(wanted) - 1e-6), np.where(late > 0.0, np.ceil(need), 0.0))
        self.newest = (self.newest + 1) % self.ordered.shape[0]
        kept = self.hold.keep(now_s, wish, lead_s - tick_s)
        self.ordered[self.newest] = np.maximum(kept, np.ceil(burst - 1e-6))

    def score(self, alpha: Floats) -> Floats:
        """Cost with a penalty for lateness beyond the objective, float [W]; less is better."""
        share = self.late / np.maximum(self.demand, 1e-9)
        out: Floats = self.cost * (1.0 + EXCESS_PENALTY * np.maximum(share / alpha - 1.0, 0.0))
        return out
