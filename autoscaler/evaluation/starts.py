"""Starts of replicas in a run, stage by stage, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.simulator.journal import Journal, ReplicaStart

WAIT, NODE, DRIVER, IMAGE, WEIGHTS, CUDA, TRANSFER = (
    "wait", "node", "driver", "image", "weights", "CUDA", "transfer",
)  # fmt: skip
REPLICA = "replica"
"""Of a cluster whose replicas start in one stage."""
_NODE_STAGES, _REPLICA_STAGES = (NODE, DRIVER), (WEIGHTS, CUDA, TRANSFER)


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """N starts that came to serve, in the order in which they did.

    stages: names of the S stages, in the order in which they pass; what crashes cost counts as waiting. seconds: float
    [N, S]. asked_s: float [N], when each replica was created. cold: bool [N], its node was not up by then. workload,
    pool: names, N each. one_in: of all starts every so-manieth is here.
    """

    stages: tuple[str, ...]
    seconds: Floats
    asked_s: Floats
    cold: Bools
    workload: tuple[str, ...]
    pool: tuple[str, ...]
    one_in: int = 1

    @property
    def whole_s(self) -> Floats:
        """From creation to serving, float [N]."""
        whole: Floats = self.seconds.sum(axis=1)
        return whole

    def between(self, from_s: float, until_s: float) -> Starts:
        """Those asked for in [from_s, until_s)."""
        there = (self.asked_s >= from_s) & (self.asked_s < until_s)
        return self.chosen(np.flatnonzero(there).tolist())

    def chosen(self, places: Sequence[int]) -> Starts:
        """Those at these places, in this order."""
        at = np.array(places, dtype=np.int64)
        workload, pool = tuple(self.workload[i] for i in places), tuple(self.pool[i] for i in places)
        return Starts(self.stages, self.seconds[at], self.asked_s[at], self.cold[at], workload, pool, self.one_in)


def starts_of(journal: Journal, workloads: Sequence[str], pools: Sequence[str]) -> Starts | None:
    """The starts of a journal, None where it has none. Nodes or replicas whose stages are not the usual ones have one
    stage, their sum."""
    kept = journal.starts
    if not kept:
        return None
    node = _names({len(start.node_s) for start in kept} - {0}, _NODE_STAGES, NODE)
    replica = _names({len(start.replica_s) for start in kept}, _REPLICA_STAGES, REPLICA)
    return Starts(
        stages=(WAIT, *node, IMAGE, *replica),
        seconds=np.array([_seconds(start, len(node), len(replica)) for start in kept]),
        asked_s=np.array([start.created_s for start in kept]),
        cold=np.array([not start.was_up for start in kept]),
        workload=tuple(workloads[start.workload] for start in kept),
        pool=tuple(pools[start.pool] for start in kept),
        one_in=journal.one_in,
    )


def _names(counts: set[int], usual: tuple[str, ...], one: str) -> tuple[str, ...]:
    return usual if counts <= {len(usual)} else (one,)


def _seconds(start: ReplicaStart, node: int, replica: int) -> list[float]:
    waited_s = start.waited_s + start.lost_s
    return [waited_s, *_parts(start.node_s, node), start.image_s, *_parts(start.replica_s, replica)]


def _parts(seconds: tuple[float, ...], count: int) -> list[float]:
    """As they are where they are so many, else their sum, in the first of `count`."""
    return list(seconds) if len(seconds) == count else [sum(seconds), *[0.0] * (count - 1)]
