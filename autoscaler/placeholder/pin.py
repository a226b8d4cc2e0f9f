"""The pin: what keeps placeholders on the nodes of one pool."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.placeholder.pod import Json
from autoscaler.policy.pool import GpuPool


@dataclass(frozen=True, slots=True)
class Pin:
    """A pool as its placeholders see it.

    requirements: on node labels, all of them hold on every node of the pool (`key`, `operator`, `values`).
    tolerations: the taints that its nodes carry. zones: values of `topology.kubernetes.io/zone`; empty where unknown.
    """

    pool: str
    requirements: tuple[Json, ...]
    tolerations: tuple[Json, ...]
    zones: tuple[str, ...]
    gpu_resource: str
    gpus_per_node: int


def pin(name: str, pool: GpuPool) -> Pin:
    """The pin of the GpuPool of this name."""
    return Pin(
        name,
        tuple(_written(term.model_dump(mode="json")) for term in pool.node_affinity),
        tuple(_written(toleration.model_dump(mode="json")) for toleration in pool.tolerations),
        pool.zones,
        pool.gpu_resource,
        pool.gpus_per_node,
    )


def _written(part: Json) -> Json:
    """Without the fields that say nothing, as the API server stores it."""
    return {key: value for key, value in part.items() if value not in (None, [])}
