"""GPUs that no pod holds, node by node: work that is placed whole must know on how many nodes they are. No I/O."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.quantity import ONE
from autoscaler.placeholder.taint import leaving_sign


def free_by_node(pins: Sequence[Pin], standing: Standing) -> tuple[tuple[int, ...], ...]:
    """Of each ready node that stays, by pool in the order of `pins`."""
    free = {
        key.name: node.gpus
        for key, node in standing.nodes.items()
        if node.pool is not None and node.ready and leaving_sign(node.thing) is None
    }
    for pod in standing.pods.values():
        if pod.node in free and not pod.ended:
            pool = standing.nodes[Key("", pod.node)].pool
            resource = "" if pool is None else pins[pool].gpu_resource
            free[pod.node] -= pod.devices.get(resource, 0) // ONE
    found: list[list[int]] = [[] for _ in pins]
    for name, gpus in free.items():
        pool = standing.nodes[Key("", name)].pool
        if pool is not None:
            found[pool].append(max(gpus, 0))
    return tuple(tuple(some) for some in found)
