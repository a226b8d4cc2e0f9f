"""What both fidelities have in common: the record of one tick, and of what stands at its begin."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.domain.arrays import Floats, Ints


@dataclass(frozen=True, slots=True)
class TickRecord:
    """One tick of W workloads on P pools, arrays [W] unless said.

    arrivals, served, late: requests in the tick (arrivals NaN where the trace is missing). offered_replicas: arrivals
    over what a replica serves in a tick. ready_replicas, starting_replicas, floor: replicas. queue: requests waiting.
    billed_gpus: GPUs, float [W, P]. warm_gpus: GPUs. placeholders_*: pods. starts: replica starts begun in the tick.
    """

    arrivals: Floats
    offered_replicas: Floats
    ready_replicas: Floats
    starting_replicas: Ints
    queue: Floats
    served: Floats
    late: Floats
    billed_gpus: Floats
    placeholders_bound: Ints
    placeholders_pending: Ints
    warm_gpus: Ints
    floor: Ints
    starts: Ints


@dataclass(frozen=True, slots=True)
class Stock:
    """What stands at one moment, of W workloads on P pools.

    nodes: int [3, P], up, on order, and of those up the ones that placeholders alone hold. by_zone: int [Z], nodes up,
    the zones of one pool after those of another. held_gpus: int [P], GPUs billed for placeholders. made, used: int [W],
    placeholders created since the start, and of them the ones that a replica took the room of.
    """

    nodes: Ints
    by_zone: Ints
    held_gpus: Ints
    made: Ints
    used: Ints
