"""What is kept of pods and nodes while they are watched: few fields of the many, and the whole of our own pods."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.hindrance import hindrance, lacks_image
from autoscaler.adapters.kubernetes.cluster.main_container import digest, main_container, model_format
from autoscaler.adapters.kubernetes.cluster.times import NodeTimes, PodTimes, node_times, pod_times
from autoscaler.placeholder.manifest import PLACEHOLDER, ROLE
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import (
    ZONE,
    Json,
    condition,
    is_leaving,
    labels,
    metadata,
    name,
    node_name,
    spec,
    status,
)
from autoscaler.placeholder.quantity import ONE, billionths
from autoscaler.placeholder.queued import QUEUED
from autoscaler.placeholder.request import Amounts, effective_amounts
from autoscaler.placeholder.selector import matches


@dataclass(frozen=True, slots=True)
class SeenPod:
    """A pod. devices: its requests of extended resources, billionths. bound_at: RFC 3339, empty while it has no node.

    whole: the object, of placeholders for forecast replicas alone; queued: of those for queued work. waiting: of
    another pod, while it has no node. image: see `image_key`. main: the container that serves; digest, model_format: of
    it. why: see `hindrance`. unpulled: an image that it needs could not be pulled.
    """

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    owner_kinds: tuple[str, ...]
    created_at: str
    bound_at: str
    node: str
    ready: bool
    ended: bool
    leaving: bool
    devices: Amounts
    times: PodTimes
    whole: Json | None
    waiting: Json | None
    image: str
    main: str
    digest: str
    model_format: str
    why: str
    unpulled: bool
    queued: Json | None = None


@dataclass(frozen=True, slots=True)
class SeenNode:
    """A node. pool: its index, None where it is of no pool. gpus: allocatable ones of that pool's resource.

    zone: by its label, empty without. thing: what the rules of placeholders read of it: name, labels, taints,
    conditions.
    """

    pool: int | None
    gpus: int
    ready: bool
    silent: bool
    times: NodeTimes
    zone: str
    thing: Json


def seen_pod(pod: Json, house: str) -> SeenPod:
    """What is kept of a pod; `house`: the namespace of placeholders."""
    meta, whole = metadata(pod), None
    role = labels(pod).get(ROLE) if meta.get("namespace") == house else None
    if role in (PLACEHOLDER, QUEUED):
        whole = {**pod, "metadata": {key: value for key, value in meta.items() if key != "managedFields"}}
    scheduled, main = condition(pod, "PodScheduled"), main_container(pod)
    return SeenPod(
        namespace=str(meta.get("namespace", "")),
        name=name(pod),
        uid=str(meta.get("uid", "")),
        labels=labels(pod),
        owner_kinds=tuple(str(owner.get("kind")) for owner in meta.get("ownerReferences") or ()),
        created_at=str(meta.get("creationTimestamp") or ""),
        bound_at=str(scheduled.get("lastTransitionTime") or "") if scheduled.get("status") == "True" else "",
        node=node_name(pod),
        ready=condition(pod, "Ready").get("status") == "True",
        ended=status(pod).get("phase") in ("Failed", "Succeeded"),
        leaving=is_leaving(pod),
        devices={resource: amount for resource, amount in effective_amounts(pod).items() if "/" in resource},
        times=pod_times(pod),
        whole=whole if role == PLACEHOLDER else None,
        waiting=None if whole or node_name(pod) else pod,
        image=image_key(pod),
        main=main,
        digest=digest(pod, main),
        model_format=model_format(pod, main),
        why=hindrance(pod),
        unpulled=lacks_image(pod),
        queued=whole if role == QUEUED else None,
    )


def image_key(pod: Json) -> str:
    """The same for pods and templates of the same images, by name and digest as they are asked for; 8 characters."""
    containers = [*(spec(pod).get("initContainers") or ()), *(spec(pod).get("containers") or ())]
    names = sorted({str(one.get("image")) for one in containers})
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:8]


def seen_node(node: Json, pins: Sequence[Pin]) -> SeenNode:
    """What is kept of a node; `pins` of the pools, in the order of the fleet. The first that fits is its pool."""
    own = labels(node)
    pool = next((p for p, pin in enumerate(pins) if all(matches(r, own) for r in pin.requirements)), None)
    allocatable = status(node).get("allocatable") or {}
    gpus = 0 if pool is None else billionths(allocatable.get(pins[pool].gpu_resource, 0)) // ONE
    ready = condition(node, "Ready")
    meta = {key: metadata(node)[key] for key in ("name", "deletionTimestamp") if key in metadata(node)}
    thing = {
        "metadata": {**meta, "labels": own},
        "spec": {"taints": spec(node).get("taints") or []},
        "status": {"conditions": [ready] if ready else []},
    }
    return SeenNode(
        pool=pool,
        gpus=gpus,
        ready=ready.get("status") == "True" and gpus > 0,
        silent=ready.get("status") == "Unknown",
        times=node_times(node),
        zone=own.get(ZONE, ""),
        thing=thing,
    )
