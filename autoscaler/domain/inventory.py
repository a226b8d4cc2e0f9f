"""Inventory: what stands in the cluster at one moment, in the terms the planner thinks in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Ints
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.rollout import Rollout


@dataclass(frozen=True, slots=True)
class Placeholder:
    """What holds the room of one replica, a pod of ours or, for a gang, several that come and go together: `slot` is
    the deterministic number in their names, unique per workload and pool.
    """

    workload: int
    pool: int
    slot: int
    bound: bool
    """On a node (a warm GPU), all of it; False while Pending (its node is being bought)."""
    node: str = ""
    """The node that it is bound to, of several their names with commas between; empty where it has none, and in a
    cluster whose nodes are not told apart.
    """
    alone: bool = False
    """Nothing but placeholders holds GPUs on its node: without them it is empty."""
    outdated: bool = False
    """Its workload has another shape by now."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Counts by workload (W, in the order of the fleet) and pool (P).

    ready, starting: int [W, P], replicas that serve / that have a node and are not serving yet.
    pending: int [W], replicas without a node yet: demand for nodes, and supply on order.
    floor: int [W], the number of replicas that we asked for last, as the owner's field says it now.
    free_gpus: int [P], GPUs of ready nodes that no pod holds.
    nodes, nodes_starting: int [P], ready nodes / nodes ordered and not ready.
    obtainable: bool [P], False while the pool is known to be out of stock or backed off.
    ended: placeholders that ended lately, oldest first, as far as that bears on asking for them again.
    owner_least, owner_most: int [W], the user's own minimum in the owner's field, 0 where there is none, and the most
    that the owner allows; None where no workload has such an owner.
    unmoved: bool [W], where the floor cannot be moved at present, whatever is planned; None where it can everywhere.
    rollouts: by workload, the rollout in progress, None where there is none; empty where there is none at all.
    """

    ready: Ints
    starting: Ints
    pending: Ints
    floor: Ints
    placeholders: tuple[Placeholder, ...]
    free_gpus: Ints
    nodes: Ints
    nodes_starting: Ints
    obtainable: Bools
    ended: tuple[PlaceholderEnd, ...] = ()
    owner_least: Ints | None = None
    owner_most: Ints | None = None
    unmoved: Bools | None = None
    rollouts: tuple[Rollout | None, ...] = ()

    def movable(self, moves: Bools) -> Bools:
        """Where a floor that is planned is also asked for, bool [W]. moves: bool [W], as of the fleet."""
        return moves if self.unmoved is None else moves & ~self.unmoved

    def placeholder_counts(self) -> tuple[Ints, Ints]:
        """(bound, pending) placeholders, int [W, P] each."""
        counts = np.zeros((2, *self.ready.shape), dtype=np.int64)
        for p in self.placeholders:
            counts[0 if p.bound else 1, p.workload, p.pool] += 1
        return counts[0], counts[1]
