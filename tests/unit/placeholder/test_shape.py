"""One shape for a workload and pool, and a key that changes when placeholders must, and only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.pin import Pin, pin
from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.refusal import Cause, Refusal
from autoscaler.placeholder.shape import Shape, shape, shape_key
from autoscaler.policy.pool import GpuPool
from tests.unit.placeholder.objects import (
    GPU,
    IN_POOL,
    POOL,
    ZONE,
    apart,
    container,
    expressions,
    node,
    node_affinity,
    peer,
    pod,
)


def shaped(of: Json, around: Surroundings | None = None, pool: Pin = POOL) -> Shape:
    found = shape(of, pool, around or Surroundings())
    assert isinstance(found, Shape), found
    return found


def test_room_scheduler_and_constraints_are_the_workloads() -> None:
    found = shaped(pod(schedulerName="volcano", containers=[container(cpu="2", gpu="4")]))
    assert found.resources["requests"] == {"cpu": "2", GPU: "4"}
    assert found.scheduler == "volcano"
    assert not found.by_claims


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"gpu": "9"}, "it asks for 9 nvidia.com/gpu; a node of pool h100 has 8"),
        ({"cpu": "1"}, "it asks for no nvidia.com/gpu, the gpuResource of pool h100"),
        ({"amd.com/gpu": "1"}, "it asks for no nvidia.com/gpu, the gpuResource of pool h100"),
    ],
)
def test_gpus_that_the_pool_does_not_have_are_refused(asked: dict[str, str], said: str) -> None:
    found = shape(pod(containers=[container(**asked)]), POOL, Surroundings())
    assert found == Refusal(Cause.GPUS, said)


def test_a_pod_with_claims_asks_for_no_gpu_and_its_placeholder_for_no_claim() -> None:
    found = shaped(pod(containers=[container(cpu="2")], resourceClaims=[{"name": "gpu"}]))
    assert found.by_claims
    assert found.resources["requests"] == {"cpu": "2"}


def test_constraints_that_refuse_refuse_the_shape() -> None:
    assert isinstance(shape(pod(tolerations=[]), POOL, Surroundings()), Refusal)


BASE = pod(affinity=node_affinity(expressions(("x", "In", ["1", "2"]), ("y", "Exists", []))))
CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "request": lambda s: s.update(containers=[container(gpu="2")]),
    "selector": lambda s: s.update(nodeSelector={"a": "b"}),
    "affinity": lambda s: s.update(affinity=node_affinity(expressions(("x", "In", ["1"])))),
    "toleration": lambda s: s["tolerations"].append({"key": "t", "operator": "Exists"}),
    "apart": lambda s: s["affinity"].update(apart("kubernetes.io/hostname")),
    "scheduler": lambda s: s.update(schedulerName="volcano"),
    "claims": lambda s: s.update(resourceClaims=[{"name": "gpu"}]),
    "spread": lambda s: s.update(
        topologySpreadConstraints=[{"topologyKey": ZONE, "labelSelector": {"matchLabels": {"app": "chat"}}}]
    ),
}


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    fresh = pod(affinity=node_affinity(expressions(("x", "In", ["1", "2"]), ("y", "Exists", []))))
    change(fresh["spec"])
    return fresh


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_key_changes_with_what_placeholders_are(change: Callable[[dict[str, Any]], None]) -> None:
    assert shape_key(shaped(changed(change))) != shape_key(shaped(BASE))


def test_the_keys_of_all_changes_differ() -> None:
    keys = {shape_key(shaped(changed(change))) for change in CHANGES.values()}
    assert len(keys) == len(CHANGES)


def test_the_key_is_known_and_a_label_value() -> None:
    assert shape_key(shaped(BASE)) == "b9dae585f7539dc2"


def test_the_key_ignores_order_spelling_and_what_is_no_matter() -> None:
    same = pod(
        labels={"app": "chat", "pod-template-hash": "new"},
        name="chat-7",
        affinity=node_affinity(expressions(("y", "Exists", []), ("x", "In", ["2", "1"]))),
        containers=[container(gpu="1", cpu="0"), {"name": "idle", "image": "new"}],
        nodeName="n1",
        priority=1000,
        schedulingGates=[{"name": "g"}],
        schedulerName="default-scheduler",
    )
    assert shape_key(shaped(same)) == shape_key(shaped(BASE))


def test_the_key_ignores_where_neighbours_stand_now() -> None:
    of = pod(affinity=apart(ZONE))
    taken = Surroundings(peers=(peer({"app": "chat"}, node("n", {ZONE: "a"})),))
    assert shape_key(shaped(of, taken)) == shape_key(shaped(of))


def test_a_pool_becomes_a_pin() -> None:
    spec = GpuPool.model_validate(
        {
            "capacityType": "spot",
            "nodeAffinity": [{"key": "spot", "operator": "Exists"}, IN_POOL],
            "tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}, {"key": "team", "value": "x"}],
            "gpusPerNode": 8,
            "pricePerGpuHour": 1.5,
            "zones": ["a", "b"],
        }
    )
    assert pin("h100", spec) == Pin(
        pool="h100",
        requirements=({"key": "spot", "operator": "Exists"}, IN_POOL),
        tolerations=(
            {"key": GPU, "operator": "Exists", "effect": "NoSchedule"},
            {"key": "team", "operator": "Equal", "value": "x"},
        ),
        zones=("a", "b"),
        gpu_resource=GPU,
        gpus_per_node=8,
    )
