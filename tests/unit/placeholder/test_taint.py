"""A placeholder tolerates what its workload does, less what would tie it to a node that is no room."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.placeholder.pod import Json
from autoscaler.placeholder.refusal import Cause
from autoscaler.placeholder.taint import leaving_sign, tolerations, untolerated
from tests.unit.placeholder.objects import GPU, node, pod

EXISTS = {"operator": "Exists"}
ON_GPUS = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
BRIEF = tuple(
    {"key": f"node.kubernetes.io/{k}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 10}
    for k in ("not-ready", "unreachable")
)


def kept(*own: Json, of_pool: tuple[Json, ...] = (ON_GPUS,)) -> tuple[Json, ...]:
    found = tolerations(pod(tolerations=list(own)), of_pool)
    assert found[-2:] == BRIEF
    return found[:-2]


def test_the_workloads_own_are_kept_once() -> None:
    own = {"key": "team", "value": "search", "effect": "NoSchedule"}
    assert kept(own, ON_GPUS, own) == (own, ON_GPUS)


def test_the_pools_are_not_added_where_the_workload_lacks_them() -> None:
    assert kept({"key": "team", "operator": "Exists"}) == ({"key": "team", "operator": "Exists"},)


@pytest.mark.parametrize(
    ("blanket", "wanted"),
    [
        pytest.param(EXISTS, (ON_GPUS,), id="every taint"),
        pytest.param({**EXISTS, "effect": "NoSchedule"}, (ON_GPUS,), id="every one of this effect"),
        pytest.param({**EXISTS, "effect": "NoExecute"}, (), id="of another effect"),
        pytest.param({**EXISTS, "key": ""}, (ON_GPUS,), id="empty key"),
    ],
)
def test_one_for_everything_becomes_the_pools(blanket: Json, wanted: tuple[Json, ...]) -> None:
    assert kept(blanket) == wanted


def test_a_blanket_effect_narrows_a_pool_toleration_of_any_effect() -> None:
    of_pool = ({"key": GPU, "operator": "Exists"},)
    assert kept({**EXISTS, "effect": "NoSchedule"}, of_pool=of_pool) == (ON_GPUS,)


@pytest.mark.parametrize(
    "key",
    [
        "node.kubernetes.io/unschedulable",
        "node.kubernetes.io/out-of-service",
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
        "ToBeDeletedByClusterAutoscaler",
        "DeletionCandidateOfClusterAutoscaler",
        "karpenter.sh/disrupted",
        "aws-node-termination-handler/spot-itn",
        "cloud.google.com/impending-node-termination",
        "remediator.aks.microsoft.com/unschedulable",
        "karpenter.sh/unregistered",
        "readiness.k8s.io/gpu-driver",
        "startup-taint.cluster-autoscaler.kubernetes.io/driver",
    ],
)
def test_nodes_that_leave_or_only_start_are_not_tolerated(key: str) -> None:
    assert kept({"key": key, "operator": "Exists"}, ON_GPUS) == (ON_GPUS,)
    assert kept(EXISTS, of_pool=({"key": key, "operator": "Exists"},)) == ()


@pytest.mark.parametrize(
    ("own", "lands"),
    [
        pytest.param([], False, id="none"),
        pytest.param([ON_GPUS], True, id="the same"),
        pytest.param([EXISTS], True, id="every taint"),
        pytest.param(
            [{"key": GPU, "value": "present", "effect": "NoSchedule"}], True, id="a value the pool leaves open"
        ),
        pytest.param([{"key": GPU, "operator": "Exists", "effect": "NoExecute"}], False, id="another effect"),
        pytest.param([{"key": "amd.com/gpu", "operator": "Exists"}], False, id="another key"),
    ],
)
def test_a_taint_that_the_workload_cannot_tolerate_refuses(own: list[Json], lands: bool) -> None:
    refused = untolerated(pod(tolerations=own), [ON_GPUS])
    assert (refused is None) is lands
    if refused is not None:
        assert refused.cause is Cause.TAINTS
        assert "do not tolerate nvidia.com/gpu" in refused.reason


def test_values_that_differ_refuse_and_are_named() -> None:
    taint = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}
    refused = untolerated(pod(tolerations=[{"key": "sku", "value": "cpu", "effect": "NoSchedule"}]), [taint])
    assert refused is not None
    assert "sku=gpu" in refused.reason


@pytest.mark.parametrize("taint", [{**ON_GPUS, "effect": "PreferNoSchedule"}, EXISTS], ids=["preference", "no key"])
def test_what_keeps_nobody_out_does_not_refuse(taint: Json) -> None:
    assert untolerated(pod(tolerations=[]), [taint]) is None


@pytest.mark.parametrize(
    ("change", "sign"),
    [
        pytest.param({}, None, id="stays"),
        pytest.param({"taints": [{"key": GPU}]}, None, id="an ordinary taint"),
        pytest.param({"taints": [{"key": "DeletionCandidateOfClusterAutoscaler"}]}, None, id="may stay after all"),
        pytest.param({"taints": [{"key": "node.kubernetes.io/not-ready"}]}, None, id="may recover"),
        pytest.param(
            {"taints": [{"key": GPU}, {"key": "karpenter.sh/disrupted"}]}, "karpenter.sh/disrupted", id="taint"
        ),
        pytest.param(
            {"taints": [{"key": "aws-node-termination-handler/spot-itn"}]},
            "aws-node-termination-handler/spot-itn",
            id="spot notice",
        ),
    ],
)
def test_signs_of_leaving(change: dict[str, Any], sign: str | None) -> None:
    assert leaving_sign(node("n", **change)) == sign


def test_a_node_that_is_being_deleted_leaves() -> None:
    assert leaving_sign({"metadata": {"deletionTimestamp": "2026-11-25T09:00:00Z"}}) == "deletionTimestamp"
