"""The fleet: the policies of one run compiled to arrays, in a fixed order of workloads and pools."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.domain.budget import Budget
from autoscaler.domain.gang import Gang
from autoscaler.domain.pool import Pool

NO_MAXIMUM = np.iinfo(np.int64).max // 4
NO_BUDGET = -1


@dataclass(frozen=True, slots=True)
class Fleet:
    """W workloads and P pools.

    names: workload names, in the order of every array.
    pools: the pools, in the order of every array.
    primary, burst: bool [W, P], which pools a workload may use as which tier.
    gpus_per_replica: int [W], of all its pods. min_replicas, max_replicas: int [W], `NO_MAXIMUM` where there is none.
    late_target: float [W], allowed share of late requests. late_after_s: float [W], wait from which one is late; NaN
    where a queue does not tell waits.
    arrivals_per_replica (requests a second), concurrency_per_replica, utilization_per_replica: float [W], NaN where
    the policy does not say.
    stale_after_s, hold_s: float [W]; hold_s NaN means the break-even time of a restart.
    node_lead_s, replica_lead_s: float [W], priors of the two parts of the lead time.
    budgets: what several or one of them may ask for at once. budget_of: int [W], the budget of each, `NO_BUDGET` where
    it has none.
    priority: int [W], who goes first when pools or budgets are short: the higher.
    acts: bool [W], False where a policy only observes: it is planned for, and nothing of it is moved.
    pods_per_replica: int [W], more than 1 where a replica is a gang. worker_gpus: int [W], GPUs of each of its pods but
    the first, which has the rest.
    moves: bool [W], False where floors are only published: somebody else reads them and moves the replicas.
    lead_s, longest_lead_s: their sum, float [W], and the largest of the fleet.
    replica_hold_s, whole_hold_s: float [W], the hold where a restart costs the replica lead, and the whole lead.
    """

    names: tuple[str, ...]
    pools: tuple[Pool, ...]
    primary: Bools
    burst: Bools
    gpus_per_replica: Ints
    min_replicas: Ints
    max_replicas: Ints
    late_target: Floats
    late_after_s: Floats
    arrivals_per_replica: Floats
    concurrency_per_replica: Floats
    utilization_per_replica: Floats
    stale_after_s: Floats
    hold_s: Floats
    node_lead_s: Floats
    replica_lead_s: Floats
    budgets: tuple[Budget, ...] = ()
    budget_of: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    priority: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    acts: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))
    moves: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))
    pods_per_replica: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    worker_gpus: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    lead_s: Floats = field(init=False)
    longest_lead_s: float = field(init=False)
    replica_hold_s: Floats = field(init=False)
    whole_hold_s: Floats = field(init=False)

    def __post_init__(self) -> None:
        if not self.budget_of.size:
            object.__setattr__(self, "budget_of", np.full(self.size, NO_BUDGET, dtype=np.int64))
        if not self.priority.size:
            object.__setattr__(self, "priority", np.zeros(self.size, dtype=np.int64))
        if not self.acts.size:
            object.__setattr__(self, "acts", np.ones(self.size, dtype=bool))
        if not self.moves.size:
            object.__setattr__(self, "moves", np.ones(self.size, dtype=bool))
        if not self.pods_per_replica.size:
            object.__setattr__(self, "pods_per_replica", np.ones(self.size, dtype=np.int64))
        if not self.worker_gpus.size:
            object.__setattr__(self, "worker_gpus", np.zeros(self.size, dtype=np.int64))
        lead_s, breaks_even = self.node_lead_s + self.replica_lead_s, np.isnan(self.hold_s)
        object.__setattr__(self, "lead_s", lead_s)
        object.__setattr__(self, "longest_lead_s", float(lead_s.max(initial=0.0)))
        object.__setattr__(self, "replica_hold_s", np.where(breaks_even, self.replica_lead_s, self.hold_s))
        object.__setattr__(self, "whole_hold_s", np.where(breaks_even, lead_s, self.hold_s))

    def only(self, rows: Ints) -> Fleet:
        """The workloads of these rows alone, in this order; pools and budgets as they are."""
        whole = {f.name: getattr(self, f.name) for f in fields(self) if f.init}
        parts: dict[str, Any] = {name: value[rows] for name, value in whole.items() if isinstance(value, np.ndarray)}
        return replace(self, names=tuple(self.names[row] for row in rows.tolist()), **parts)

    def gang(self, workload: int) -> Gang:
        """The pods of one replica of a workload."""
        size, worker = int(self.pods_per_replica[workload]), int(self.worker_gpus[workload])
        return Gang(int(self.gpus_per_replica[workload]) - (size - 1) * worker, worker, size)

    @property
    def size(self) -> int:
        """Number of workloads, W."""
        return len(self.names)
