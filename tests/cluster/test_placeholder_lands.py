"""The real scheduler puts a placeholder only where it would put the workload, and finds a place where there is one.

Many random workloads at once: first their placeholders; then, in their stead, each workload itself, held to the node
that its placeholder found, or, where there was none, to the pool. The scheduler must bind the former, not the latter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.manifest import House, Seat, placeholder
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.refusal import Refusal
from autoscaler.placeholder.shape import shape
from tests.cluster.api import Json
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.objects import condition, pod
from tests.cluster.pools import GPU, POOL_LABEL, TAINT, ZONE_LABEL, Pool, node

WORKLOADS = 240
WIDE = Pool("gpu-wide", gpus=64)
OTHER = Pool("gpu-other", gpus=64)
PIN = Pin(
    WIDE.name,
    ({"key": POOL_LABEL, "operator": "In", "values": [WIDE.name]},),
    ({"key": GPU, "operator": "Exists", "effect": "NoSchedule"},),
    WIDE.zones,
    GPU,
    WIDE.gpus,
)
TEAM: Json = {"key": "team", "value": "search", "effect": "NoSchedule"}
LEAVING: Json = {"key": "karpenter.sh/disrupted", "effect": "NoSchedule"}
PLACES: tuple[tuple[Pool, dict[str, str], tuple[Json, ...]], ...] = (
    (WIDE, {}, (TAINT,)),
    (WIDE, {"gen": "1", "disk": "ssd"}, (TAINT,)),
    (WIDE, {"gen": "2"}, (TAINT,)),
    (WIDE, {"gen": "3", "disk": "hdd"}, (TAINT, TEAM)),
    (WIDE, {"gen": "3", "disk": "ssd"}, (TAINT, LEAVING)),
    (WIDE, {"gen": "x", "disk": "hdd"}, (TAINT,)),
    (OTHER, {"gen": "2", "disk": "ssd"}, (TAINT,)),
    (OTHER, {}, ()),
)
VALUES = {
    "gen": ("1", "2", "3", "x"),
    "disk": ("ssd", "hdd"),
    ZONE_LABEL: WIDE.zones,
    POOL_LABEL: (WIDE.name, OTHER.name),
}
DECIDED_S = 120.0
Draw = np.random.Generator


def requirement(draw: Draw) -> Json:
    key = str(draw.choice(list(VALUES)))
    operator = str(draw.choice(["In", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]))
    if operator in ("Gt", "Lt"):
        return {"key": "gen", "operator": operator, "values": [str(draw.integers(0, 4))]}
    some = draw.choice(VALUES[key], size=draw.integers(1, len(VALUES[key])), replace=False).tolist()
    return {"key": key, "operator": operator, **({"values": some} if operator in ("In", "NotIn") else {})}


def term(draw: Draw) -> Json:
    rules = {"matchExpressions": [requirement(draw) for _ in range(draw.integers(0, 3))]}
    if draw.random() < 0.1:
        name = f"place-{draw.integers(len(PLACES))}"
        rules["matchFields"] = [
            {"key": "metadata.name", "operator": str(draw.choice(["In", "NotIn"])), "values": [name]}
        ]
    return rules


def workload(draw: Draw) -> dict[str, Any]:
    """What limits the nodes of a random workload, as part of a pod's spec."""
    tolerations: list[Json] = [
        {"key": GPU, "operator": "Exists", "effect": "NoSchedule"},
        {"key": "team", "operator": "Equal", "value": "search"},
        {"operator": "Exists"},
        {"operator": "Exists", "effect": "NoSchedule"},
        {"key": LEAVING["key"], "operator": "Exists"},
    ]
    chances = (0.9, 0.4, 0.1, 0.1, 0.2)
    spec: dict[str, Any] = {"tolerations": [t for t, p in zip(tolerations, chances, strict=True) if draw.random() < p]}
    if draw.random() < 0.3:
        key = str(draw.choice(list(VALUES)))
        spec["nodeSelector"] = {key: str(draw.choice(VALUES[key]))}
    if draw.random() < 0.7:
        terms = {"nodeSelectorTerms": [term(draw) for _ in range(draw.integers(1, 4))]}
        spec["affinity"] = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
    return spec


def held_to(spec: dict[str, Any], **labels: str) -> dict[str, Any]:
    """The same workload, on nodes with these labels alone; `host` is the name of one."""
    keys = {"host": "kubernetes.io/hostname", "pool": POOL_LABEL}
    return {**spec, "nodeSelector": {**spec.get("nodeSelector", {}), **{keys[k]: v for k, v in labels.items()}}}


def tolerates_more_than_a_placeholder(spec: dict[str, Any]) -> bool:
    """Whether it may stand where a placeholder must not: on leaving nodes, or with taints that the pool never told."""
    return any(not t.get("key") or t["key"] == LEAVING["key"] for t in spec["tolerations"])


@pytest.fixture
def priority_class(cluster: Cluster) -> str:
    """That of the placeholders. The API server needs a moment to know it: it is made before the nodes."""
    return cluster.create_priority_class("low", -10)


@pytest.fixture
def places(cluster: Cluster, priority_class: str) -> None:
    """Nodes of two pools with labels and taints of many kinds."""
    for number, (pool, labels, taints) in enumerate(PLACES):
        made = node(pool, pool.zones[number % len(pool.zones)], f"place-{number}")
        made["metadata"]["labels"] |= labels
        made["spec"]["taints"] = list(taints)
        cluster.create("nodes", made)
    for number, (pool, *_) in enumerate(PLACES):
        cluster.wait_gpus(f"place-{number}", pool.gpus, within_s=60)
    wait_until(lambda: all(_is_set_up(one) for one in cluster.nodes()), "the taints of booting nodes to go", DECIDED_S)


def _is_set_up(one: Json) -> bool:
    taints = [t["key"] for t in one["spec"].get("taints") or ()]
    return not any(key.startswith("node.kubernetes.io/") for key in taints)


def decided(cluster: Cluster, names: Iterable[str]) -> dict[str, str | None]:
    """The node of each pod, None for those that the scheduler has found none for, once it has tried them all."""
    wanted = set(names)

    def look() -> dict[str, str | None] | None:
        pods = {one["metadata"]["name"]: one for one in cluster.pods() if one["metadata"]["name"] in wanted}
        tried = all("nodeName" in p["spec"] or condition(p, "PodScheduled") for p in pods.values())
        return (
            {name: p["spec"].get("nodeName") for name, p in pods.items()}
            if tried and len(pods) == len(wanted)
            else None
        )

    return wait_until(look, "the scheduler to have tried all pods", DECIDED_S)


@pytest.mark.usefixtures("places")
def test_placeholders_land_where_their_workloads_would(
    cluster: Cluster, priority_class: str, record_property: Callable[[str, object], None]
) -> None:
    draw = np.random.default_rng(5)
    owner = cluster.create_owner("plan")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", **{k: owner["metadata"][k] for k in ("name", "uid")}}
    house = House(cluster.namespace, "registry.test/pause:1", priority_class, {}, {})
    specs = [workload(draw) for _ in range(WORKLOADS)]
    names: dict[int, str] = {}
    for number, spec in enumerate(specs):
        found = shape(pod("real", cluster.namespace, gpus=1, **spec), PIN, Surroundings())
        if not isinstance(found, Refusal):
            seat = Seat("plan", WIDE.name, number, reference, datetime(2100, 1, 1, tzinfo=UTC))
            names[number] = cluster.create("pods", placeholder(found, seat, house))["metadata"]["name"]
    landed = decided(cluster, names.values())
    on = {number: landed[name] for number, name in names.items()}
    cluster.api.delete_all("pods", cluster.namespace)
    wait_until(lambda: not cluster.pods(), "placeholders to go", DECIDED_S)
    wrong = check(cluster, specs, on)
    bound = sum(place is not None for place in on.values())
    record_property("placeholders of random workloads", f"{bound} bound, {len(on) - bound} not, of {WORKLOADS}")
    assert bound > WORKLOADS / 4
    assert wrong == []


def check(cluster: Cluster, specs: list[dict[str, Any]], on: dict[int, str | None]) -> list[str]:
    """What the scheduler says of the workloads themselves, where it differs from their placeholders."""
    expected = {}
    for number, spec in enumerate(specs):
        place = on.get(number)
        if place is None and tolerates_more_than_a_placeholder(spec):
            continue
        held = held_to(spec, pool=WIDE.name) if place is None else held_to(spec, host=place)
        if spec.get("nodeSelector", {}).get(POOL_LABEL, WIDE.name) != WIDE.name:
            assert place is None
            continue  # its own selector says another pool
        cluster.create_pod(f"real-{number}", gpus=1, **held)
        expected[f"real-{number}"] = place
    found = decided(cluster, expected)
    return [
        f"{name}: placeholder on {expected[name]}, workload on {found[name]}"
        for name in expected
        if found[name] != expected[name]
    ]
