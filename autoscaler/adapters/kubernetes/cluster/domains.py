"""Exclusive topology: the domain, one value of a label of nodes, that placeholders of a whole group take for it.

LeaderWorkerSet keeps the groups of a namespace apart from one another by a rule of each group's pods, which speaks of
labels that placeholders do not have. So they are pinned: to a domain where no group stands and no other placeholders
of groups do, best to one that has the room already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.placeholder.constraints import values_of
from autoscaler.placeholder.manifest import WITHIN
from autoscaler.placeholder.neighbour import GROUP_KEYS
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import Json, labels, metadata, name
from autoscaler.placeholder.quantity import ONE, billionths
from autoscaler.placeholder.shape import Shape


def free_domain(
    key: str, shapes: Sequence[Shape], pin: Pin, pool: int, standing: Standing, placeholders: Mapping[str, Json]
) -> tuple[str, str] | None:
    """The label and the value of it under which one more group may stand, None where there is none that is known.

    shapes: of its members. pool: index of the pin's pool. placeholders: all of ours that stand.
    """
    values = {node_name.name: labels(node.thing).get(key) for node_name, node in standing.nodes.items()}
    known = sorted({labels(node.thing)[key] for node in standing.nodes.values()
                    if node.pool == pool and key in labels(node.thing)})  # fmt: skip
    taken = {values.get(pod.node) for pod in standing.pods.values() if any(k in pod.labels for k in GROUP_KEYS)}
    for one in placeholders.values():
        label, _, value = str((metadata(one).get("annotations") or {}).get(WITHIN, "")).partition("=")
        taken |= {value} if label == key else set()
    possible = [value for value in values_of(key, shapes[0].constraints, known) if value not in taken]
    asked = sorted((_gpus(shape, pin) for shape in shapes), reverse=True)
    fits = [value for value in possible if _fits(asked, key, value, pin, pool, standing)]
    return next(((key, value) for value in [*fits, *possible]), None)


def _fits(asked: Sequence[int], key: str, value: str, pin: Pin, pool: int, standing: Standing) -> bool:
    """Whether pods of so many GPUs each, the largest first, have room on ready nodes of the domain."""
    free = {name(node.thing): node.gpus for node in standing.nodes.values()
            if node.pool == pool and node.ready and labels(node.thing).get(key) == value}  # fmt: skip
    for pod in standing.pods.values():
        if pod.node in free and not pod.ended:
            free[pod.node] -= pod.devices.get(pin.gpu_resource, 0) // ONE
    for gpus in asked:
        node = next((one for one, left in sorted(free.items()) if left >= gpus), None)
        if node is None:
            return False
        free[node] -= gpus
    return True


def _gpus(shape: Shape, pin: Pin) -> int:
    return billionths(shape.resources["requests"].get(pin.gpu_resource, 0)) // ONE
