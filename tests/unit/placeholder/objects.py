"""Pods, nodes and a pool as small as a test can have them; a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from autoscaler.placeholder.manifest import House, Seat
from autoscaler.placeholder.neighbour import Peer
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import Json

GPU = "nvidia.com/gpu"
HOST = "kubernetes.io/hostname"
ZONE = "topology.kubernetes.io/zone"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
IN_POOL = {"key": "pool", "operator": "In", "values": ["h100"]}
POOL = Pin(
    pool="h100",
    requirements=(IN_POOL,),
    tolerations=({"key": GPU, "operator": "Exists", "effect": "NoSchedule"},),
    zones=("a", "b", "c"),
    gpu_resource=GPU,
    gpus_per_node=8,
)
UNTAINTED = Pin("h100", (IN_POOL,), (), ("a", "b", "c"), GPU, 8)
OWNER = {"apiVersion": "gpu-autoscaler.io/v1alpha1", "kind": "CapacityPlan", "name": "chat", "uid": "u-1"}
HOUSE = House("gpu-autoscaler", "registry.k8s.io/pause:3.10@sha256:" + "0" * 64, "gpu-autoscaler-placeholder", {}, {})
SEAT = Seat("chat", "h100", 0, OWNER, datetime(2026, 11, 25, 9, 30, tzinfo=UTC))


def container(name: str = "main", **asked: str) -> dict[str, Any]:
    """Asks as the keywords say, in limits and requests; for one GPU where they say nothing. `gpu` is the pool's."""
    amounts = {GPU if k == "gpu" else k: v for k, v in (asked or {"gpu": "1"}).items()}
    return {"name": name, "resources": {"requests": amounts, "limits": amounts}}


def pod(labels: dict[str, str] | None = None, name: str = "chat-0", **spec: Any) -> dict[str, Any]:
    """A pod of one container with one GPU that tolerates GPU nodes, in namespace `inference`."""
    whole = {
        "containers": [container()],
        "tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}],
        **spec,
    }
    meta = {"name": name, "uid": f"uid-{name}", "namespace": "inference", "labels": labels or {"app": "chat"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": whole}


def node(name: str, labels: dict[str, str] | None = None, taints: Sequence[Json] = ()) -> dict[str, Any]:
    """A ready node with its own name as host label."""
    ready = [{"type": "Ready", "status": "True"}]
    meta = {"name": name, "labels": {HOST: name, **(labels or {})}}
    return {"metadata": meta, "spec": {"taints": list(taints)}, "status": {"conditions": ready}}


def peer(labels: dict[str, str], on: Json, namespace: str = "inference", owner: str = "ReplicaSet") -> Peer:
    """A pod with these labels that stands on the node `on`."""
    meta = {"name": "peer", "namespace": namespace, "labels": labels, "ownerReferences": [{"kind": owner}]}
    return Peer({"metadata": meta}, on, {"kubernetes.io/metadata.name": namespace})


def node_affinity(*terms: Json) -> dict[str, Any]:
    """Required node affinity with these terms."""
    return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": list(terms)}}}


def expressions(*parts: tuple[str, str, list[str]]) -> dict[str, Any]:
    """A term of (key, operator, values)."""
    return {"matchExpressions": [{"key": k, "operator": o, **({"values": v} if v else {})} for k, o, v in parts]}


def apart(key: str, selector: Json | None = None, **more: Any) -> dict[str, Any]:
    """Required anti-affinity by a node label, against pods `app: chat` unless said otherwise."""
    chosen = {"matchLabels": {"app": "chat"}} if selector is None else selector
    return {"podAntiAffinity": {REQUIRED: [{"labelSelector": chosen, "topologyKey": key, **more}]}}


def beside(key: str, **match: str) -> dict[str, Any]:
    """Required affinity by a node label to pods with these labels."""
    return {"podAffinity": {REQUIRED: [{"labelSelector": {"matchLabels": match}, "topologyKey": key}]}}
