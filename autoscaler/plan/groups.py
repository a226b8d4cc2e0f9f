"""Groups: workloads that may stand on the same pools. Room for them is shared, so it is forecast and sized as one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.domain.fleet import Fleet


@dataclass(frozen=True, slots=True)
class Groups:
    """member: bool [G, W], workloads with the same primary and burst pools; only groups of two or more."""

    member: Bools

    @staticmethod
    def of(fleet: Fleet) -> Groups:
        """The groups of a fleet."""
        tiers = np.concatenate([fleet.primary, fleet.burst], axis=1)
        _, label = np.unique(tiers, axis=0, return_inverse=True)
        rows = [label.ravel() == k for k in range(int(label.max(initial=-1)) + 1)]
        kept = [row for row in rows if row.sum() > 1]
        return Groups(np.array(kept, dtype=bool).reshape(len(kept), fleet.size))

    def series(self, demand: Floats, fleet: Fleet) -> Floats:
        """Demand of the W workloads in replicas, then of the G groups in GPUs; NaN where any member is unknown."""
        if not self.member.size:
            return demand
        gpus = demand * fleet.gpus_per_replica
        pooled = [gpus[row].sum() for row in self.member]
        return np.concatenate([demand, np.array(pooled)])
