"""Which nodes a NodePool of Karpenter could make."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.doctor.node_pool import makes

NODE_POOL = {
    "metadata": {"name": "gpu"},
    "spec": {
        "template": {
            "metadata": {"labels": {"team": "search"}},
            "spec": {
                "requirements": [
                    {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]},
                    {"key": "karpenter.k8s.aws/instance-gpu-count", "operator": "Gt", "values": ["3"]},
                ]
            },
        }
    },
}


def rule(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("requirement", "can"),
    [
        pytest.param(rule("karpenter.sh/capacity-type", "In", "spot"), True, id="one of its values"),
        pytest.param(rule("karpenter.sh/capacity-type", "In", "reserved"), False, id="none of its values"),
        pytest.param(rule("karpenter.sh/capacity-type", "NotIn", "spot"), True, id="the other value"),
        pytest.param(rule("team", "In", "search"), True, id="label of its template"),
        pytest.param(rule("team", "In", "voice"), False, id="another value of it"),
        pytest.param(rule("team", "DoesNotExist"), False, id="not without it"),
        pytest.param(rule("gpu", "In", "h100"), False, id="a label that it does not give"),
        pytest.param(rule("gpu", "Exists"), False, id="whatever its value"),
        pytest.param(rule("gpu", "DoesNotExist"), True, id="nor must give"),
        pytest.param(rule("gpu", "NotIn", "a10"), True, id="nor excludes"),
        pytest.param(rule("topology.kubernetes.io/zone", "In", "a"), True, id="comes with the machine"),
        pytest.param(rule("karpenter.k8s.aws/instance-gpu-name", "In", "h100"), True, id="label of the provider"),
        pytest.param(rule("karpenter.k8s.aws/instance-gpu-count", "In", "2"), False, id="outside its range"),
        pytest.param(rule("karpenter.sh/nodepool", "In", "gpu"), True, id="its name"),
        pytest.param(rule("karpenter.sh/nodepool", "In", "cpu"), False, id="the name of another"),
    ],
)
def test_a_node_pool_makes(requirement: dict[str, Any], can: bool) -> None:
    assert makes(NODE_POOL, [requirement]) is can
