"""Which replicas go first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, seen_pod
from autoscaler.adapters.kubernetes.owners.deletion_order import deletion_costs

HOUSE = "house"


def pod(name: str, node: str, namespace: str = "inference", gpus: int = 1, phase: str = "Running") -> SeenPod:
    container = {"name": "x", "resources": {"requests": {"nvidia.com/gpu": str(gpus)}}} if gpus else {"name": "x"}
    role = {"gpu-autoscaler.io/role": "placeholder"} if namespace == HOUSE else {}
    thing: dict[str, Any] = {
        "metadata": {"name": name, "namespace": namespace, "uid": name, "labels": role},
        "spec": {"nodeName": node, "containers": [container]},
        "status": {"phase": phase},
    }
    return seen_pod(thing, HOUSE)


FULL = [pod("a", "one"), pod("b", "one"), pod("c", "one"), pod("d", "two")]


@pytest.mark.parametrize(
    ("others", "first"),
    [
        pytest.param([], "d", id="the node with the fewest of its own"),
        pytest.param([pod("s", "two", "batch")], "a", id="not where a stranger keeps the node"),
        pytest.param([pod("s", "two", "batch", gpus=0)], "d", id="a pod without devices keeps none"),
        pytest.param([pod("s", "two", "batch", phase="Succeeded")], "d", id="nor one that has ended"),
        pytest.param([pod("p", "two", HOUSE)], "d", id="nor a placeholder, which goes as well"),
    ],
)
def test_those_go_first_whose_node_is_soonest_empty(others: Sequence[SeenPod], first: str) -> None:
    costs = deletion_costs(FULL, others)
    assert costs[first] == 0
    assert costs == deletion_costs(FULL[::-1], others[::-1])
    assert costs["a"] == costs["b"] == costs["c"] != costs["d"]


def test_a_replica_without_a_node_needs_no_order() -> None:
    assert deletion_costs([pod("a", ""), pod("b", "one")], []) == {"b": 0}
