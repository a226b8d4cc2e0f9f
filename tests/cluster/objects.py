"""Objects that tests make: pods, placeholders, priority classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cluster.api import Json
from tests.cluster.pools import CAPACITY_LABEL, GPU, POOL_LABEL, ZONE_LABEL
from tests.cluster.stages import Stages

IMAGE = "registry.test/model:1"


def required(**labels: str) -> Json:
    """A required node affinity; keywords `pool`, `capacity_type`, `zone` name the rig's labels."""
    keys = {"pool": POOL_LABEL, "capacity_type": CAPACITY_LABEL, "zone": ZONE_LABEL}
    terms = [{"key": keys[word], "operator": "In", "values": [value]} for word, value in labels.items()]
    selector = {"nodeSelectorTerms": [{"matchExpressions": terms}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}


def pod(
    name: str,
    namespace: str,
    gpus: int = 1,
    stages: Stages | None = None,
    affinity: Json | None = None,
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
    **spec: Any,
) -> Json:
    """A pod that asks for GPUs and tolerates the GPU taint; `spec` adds to its spec or replaces parts of it."""
    amounts = {"cpu": "1", "memory": "1Gi", **({GPU: str(gpus)} if gpus else {})}
    notes = dict(annotations or {}) | (stages or Stages()).annotations()
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": notes, "labels": dict(labels or {})},
        "spec": {
            "containers": [{"name": "serve", "image": IMAGE, "resources": {"requests": amounts, "limits": amounts}}],
            "tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}],
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            **({"affinity": affinity} if affinity else {}),
            **spec,
        },
    }


def placeholder(name: str, namespace: str, owner: Json, priority_class: str, gpus: int = 8, **more: Any) -> Json:
    """A placeholder as the product makes them: bare, owned by `owner` (an object of the API), safe to evict."""
    body = pod(name, namespace, gpus, priorityClassName=priority_class, **more)
    body["metadata"]["annotations"].setdefault("cluster-autoscaler.kubernetes.io/safe-to-evict", "true")
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    reference |= {key: owner["metadata"][key] for key in ("name", "uid")}
    body["metadata"]["ownerReferences"] = [reference]
    return body


def priority_class(name: str, value: int, preemption: str = "Never") -> Json:
    """A PriorityClass; its value cannot be changed later."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        "preemptionPolicy": preemption,
        "description": "of the tests",
    }


def condition(thing: Json, kind: str) -> Json:
    """A condition in an object's status; an empty one where it has none of the kind."""
    found = (thing.get("status") or {}).get("conditions") or []
    return next((one for one in found if one["type"] == kind), {})


def is_true(thing: Json, kind: str) -> bool:
    """Whether a condition of an object is True."""
    return condition(thing, kind).get("status") == "True"


def outside_service(name: str, namespace: str) -> Json:
    """A Service behind which the API server finds programs of this machine, at the port by which it is asked for."""
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }
