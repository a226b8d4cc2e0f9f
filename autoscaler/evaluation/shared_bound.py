"""What no plan for several workloads on shared nodes can undercut.

Let B be the GPU-ticks for which GPUs are up and N the node starts, counted in GPUs, so that the bill is B + Kn N.

1. By workload: B holds each workload's own serving and starting ticks, which its own optimum with start cost K_m
   undercuts: B >= sum over m of g_m C_m(K_m).
2. Pooled: a GPU that was started serves nothing before some replica has started on it, so it is up for at least the
   least K_m before it first serves (one that never serves only costs). Count it from then on, and a GPU that stood at
   the first tick from there: these GPUs cover the total demand, have N starts at most, and E <= B - min(K) N ticks,
   while E + K N >= C_total(K) for any K. The late budgets of the workloads, in GPUs, add up to the pooled one.

Node starts on total demand plus replica starts by workload, simply added, would not be a bound: they charge one idle
gap twice, where a replica kept through it avoids both. Only the bill may be split. For any w in 0..1

   bill >= w B + Kn N + (1 - w) B >= w C_total(min(K) + Kn / w) + (1 - w) sum over m of g_m C_m(K_m).

Each w gives a bound, so the largest over a few is one; w = 1 is exact for one workload of one GPU a replica.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.evaluation.clairvoyant import Frontier, frontier, whole_replicas

WEIGHTS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class SharedBound:
    """Swept once, asked for several sets of late shares. Placement is free and nodes are bought one GPU at a time: real
    fleets pay more, so the bound holds. What stands at the first tick is free of start cost.

    gpus: int [W], GPUs a replica. alone: by workload. pooled: by weight, on the total load, and on whole replicas where
    nothing may be late. loads: GPU-ticks of demand by workload, float [W].
    """

    tick_s: float
    gpus: Ints
    loads: Floats
    alone: tuple[Frontier, ...]
    pooled: tuple[Frontier, ...]
    pooled_whole: tuple[Frontier, ...]

    def gpu_hours(self, late_shares: Sequence[float]) -> float:
        """GPU-hours that no plan undercuts which leaves at most these shares of each workload's demand unmet."""
        shares = np.asarray(late_shares, dtype=np.float64)
        alone = sum(float(g) * f.lower_bound(float(s)) for g, f, s in zip(self.gpus, self.alone, shares, strict=True))
        # Without misses each workload needs whole replicas; with a late budget only the load itself is sure to be met.
        pooled = self.pooled if shares.any() else self.pooled_whole
        share = float((shares * self.loads).sum() / max(float(self.loads.sum()), 1e-12))
        mixed = [w * f.lower_bound(share) + (1.0 - w) * alone for w, f in zip(WEIGHTS, pooled, strict=True)]
        return max(alone, *mixed) * self.tick_s / 3600.0


def shared_bound(
    demands: Sequence[Floats],
    gpus_per_replica: Sequence[int],
    tick_s: float,
    node_lead_s: float,
    replica_lead_s: Sequence[float],
) -> SharedBound:
    """The bound for `demands`, arrays [T] in replicas; a tick in which any of them is NaN is left out of all.

    A GPU is billed from the ask: its node's lead, then while it is up; a replica that starts on a GPU holds it for its
    own lead without serving. Raises ValueError where the sequences do not match.
    """
    if not len(demands) == len(gpus_per_replica) == len(replica_lead_s) or not demands:
        raise ValueError("give one demand, one number of GPUs and one replica lead time for each workload")
    stacked = np.stack([np.asarray(d, dtype=np.float64) for d in demands])
    stacked = stacked[:, np.isfinite(stacked).all(axis=0)]
    gpus = np.asarray(gpus_per_replica, dtype=np.int64)
    leads = np.asarray(replica_lead_s, dtype=np.float64) / tick_s
    whole = np.stack([whole_replicas(d).astype(np.float64) for d in stacked])
    starts = [float(leads.min()) + node_lead_s / tick_s / weight for weight in WEIGHTS]
    weights = gpus.astype(np.float64)
    return SharedBound(
        tick_s=tick_s,
        gpus=gpus,
        loads=weights * stacked.sum(axis=1),
        alone=tuple(frontier(d, float(k)) for d, k in zip(stacked, leads, strict=True)),
        pooled=tuple(frontier(weights @ stacked, k) for k in starts),
        pooled_whole=tuple(frontier(weights @ whole, k) for k in starts),
    )
