"""The account: from what the watches show to the inventory. No I/O.

A pod counts on the pool of its node; on a node of none of our pools it counts on the first primary pool of its
workload, so that no serving replica is overlooked. Pods that end, leave, or stand on a node that is gone or silent
serve nobody: replicas that were asked for and stand nowhere are pending, whether their pods exist already or not. Of
a replica that is a group of pods all must stand: until then it is pending, and what it holds is not free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.groups import Stage, by_group, pool_of
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenNode, SeenPod
from autoscaler.adapters.kubernetes.owners.floors import FloorSeen
from autoscaler.domain.arrays import Ints
from autoscaler.domain.fleet import NO_MAXIMUM
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.placeholder.quantity import ONE
from autoscaler.placeholder.selector import matches
from autoscaler.placeholder.taint import leaving_sign


@dataclass(frozen=True, slots=True)
class Supply:
    """ordered: the pool of each node on order. unobtainable: pools that cannot be had."""

    ordered: Sequence[int]
    unobtainable: Iterable[int]


def account(
    seats: Seats,
    scales: Sequence[Scale | None],
    floors: Sequence[FloorSeen | None],
    standing: Standing,
    placeholders: tuple[Placeholder, ...],
    supply: Supply,
) -> Inventory:
    """scales, floors: by workload, None where it cannot be read."""
    pools = len(seats.pins)
    ready, starting, waiting = _replicas(seats, scales, standing)
    missing = _by_workload(floors, 0, lambda seen: seen.coming) - ready.sum(axis=1) - starting.sum(axis=1)
    nodes, nodes_starting = np.zeros((2, pools), dtype=np.int64)
    for node in standing.nodes.values():
        if node.pool is not None and not node.silent:
            (nodes if node.ready else nodes_starting)[node.pool] += 1
    for pool in supply.ordered:
        nodes_starting[pool] += 1
    obtainable = np.ones(pools, dtype=bool)
    obtainable[list(supply.unobtainable)] = False
    return Inventory(
        ready=ready,
        starting=starting,
        pending=np.maximum(waiting, np.maximum(missing, 0)),
        floor=_by_workload(floors, 0, lambda seen: seen.floor),
        unmoved=np.array([seen is not None and seen.is_unmoved for seen in floors], dtype=bool),
        owner_least=_by_workload(floors, 0, lambda seen: seen.least),
        owner_most=_by_workload(floors, NO_MAXIMUM, lambda seen: NO_MAXIMUM if seen.most is None else seen.most),
        placeholders=placeholders,
        free_gpus=_free_gpus(seats, standing, pools),
        nodes=nodes,
        nodes_starting=nodes_starting,
        obtainable=obtainable,
    )


def _by_workload(floors: Sequence[FloorSeen | None], unread: int, number: Callable[[FloorSeen], int]) -> Ints:
    return np.array([unread if seen is None else number(seen) for seen in floors], dtype=np.int64).reshape(len(floors))


def _replicas(seats: Seats, scales: Sequence[Scale | None], standing: Standing) -> tuple[Ints, Ints, Ints]:
    """(ready [W, P], starting [W, P], without a node [W])"""
    shape = (len(seats.policies), len(seats.pins))
    ready, starting = np.zeros((2, *shape), dtype=np.int64)
    waiting = np.zeros(shape[0], dtype=np.int64)
    groups, singles = by_group(scales, theirs(seats, scales, standing.pods))
    for group in groups:
        stage = group.stage(standing)
        if stage is Stage.WAITING:
            waiting[group.workload] += 1
        elif stage is not Stage.LOST:
            counts = ready if stage is Stage.READY else starting
            counts[group.workload, pool_of(group, standing, seats)] += 1
    for w, pod in singles:
        if not pod.node:
            waiting[w] += 1
            continue
        node = standing.nodes.get(Key("", pod.node))
        if node is None or node.silent:
            continue
        pool = seats.home(w) if node.pool is None else node.pool
        (ready if pod.ready else starting)[w, pool] += 1
    return ready, starting, waiting


def theirs(seats: Seats, scales: Sequence[Scale | None], pods: Mapping[Key, SeenPod]) -> Iterable[tuple[int, SeenPod]]:
    """Pods of workloads that have not ended and are not leaving, each with the first workload that it is of."""
    spaces: dict[str, list[tuple[int, Scale]]] = {}
    for w, (policy, scale) in enumerate(zip(seats.policies, scales, strict=True)):
        if scale is not None:
            spaces.setdefault(policy.model.workload.namespace, []).append((w, scale))
    for pod in pods.values():
        if pod.ended or pod.leaving or pod.whole is not None:
            continue
        for w, scale in spaces.get(pod.namespace, ()):
            if all(matches(r, pod.labels) for r in scale.selector):
                yield w, pod
                break


def _free_gpus(seats: Seats, standing: Standing, pools: int) -> Ints:
    """GPUs of ready nodes that stay, less those of all pods there, ours and strangers', leaving ones included."""
    free = {key.name: node.gpus for key, node in standing.nodes.items() if _gives_room(node)}
    for pod in standing.pods.values():
        if pod.node in free and not pod.ended:
            pool = standing.nodes[Key("", pod.node)].pool
            resource = seats.pins[pool].gpu_resource if pool is not None else ""
            free[pod.node] -= pod.devices.get(resource, 0) // ONE
    found = np.zeros(pools, dtype=np.int64)
    for name, gpus in free.items():
        pool = standing.nodes[Key("", name)].pool
        if pool is not None:
            found[pool] += max(gpus, 0)
    return found


def _gives_room(node: SeenNode) -> bool:
    return node.pool is not None and node.ready and leaving_sign(node.thing) is None
