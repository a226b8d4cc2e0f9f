"""Kinds without programs: where the fields are that a floor or a share of traffic is written to."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Refused
from tests.cluster.cluster import Cluster
from tests.cluster.gateway import ROUTES, http_route
from tests.cluster.keda import SCALED_OBJECTS, scaled_object
from tests.cluster.kserve import LLM_SERVICES, SERVICES, inference_service, llm_inference_service


def refused_scale(cluster: Cluster, resource: str) -> None:
    with pytest.raises(Refused, match="404"):
        cluster.api.get(resource, "chat", cluster.namespace, "scale")


@pytest.mark.usefixtures("kserve_kinds")
def test_an_inference_service_has_its_floor_in_the_predictor(cluster: Cluster) -> None:
    cluster.create(SERVICES, inference_service("chat", cluster.namespace, minReplicas=1, maxReplicas=8))
    change = {"spec": {"predictor": {"minReplicas": 5}}}
    seen = cluster.api.patch(SERVICES, "chat", change, cluster.namespace)["spec"]["predictor"]
    assert (seen["minReplicas"], seen["maxReplicas"]) == (5, 8)
    refused_scale(cluster, SERVICES)


@pytest.mark.usefixtures("llm_kinds")
def test_an_llm_inference_service_has_replicas_or_a_range(cluster: Cluster) -> None:
    scaling: dict[str, Any] = {"minReplicas": 1, "maxReplicas": 8, "wva": {"hpa": {}}}
    cluster.create(LLM_SERVICES, llm_inference_service("fixed", cluster.namespace, replicas=2))
    cluster.create(LLM_SERVICES, llm_inference_service("chat", cluster.namespace, scaling=scaling))
    change = {"spec": {"scaling": {"minReplicas": 5}}}
    assert cluster.api.patch(LLM_SERVICES, "chat", change, cluster.namespace)["spec"]["scaling"]["minReplicas"] == 5
    with pytest.raises(Refused, match="422"):
        cluster.api.patch(LLM_SERVICES, "fixed", {"spec": {"scaling": scaling}}, cluster.namespace)
    refused_scale(cluster, LLM_SERVICES)


@pytest.mark.usefixtures("keda_kinds")
def test_a_scaled_object_has_its_floor_and_no_scale(cluster: Cluster) -> None:
    cluster.create(SCALED_OBJECTS, scaled_object("chat", cluster.namespace, 1, 8, "http://localhost/", "replicas"))
    seen = cluster.api.patch(SCALED_OBJECTS, "chat", {"spec": {"minReplicaCount": 5}}, cluster.namespace)["spec"]
    assert (seen["minReplicaCount"], seen["maxReplicaCount"]) == (5, 8)
    refused_scale(cluster, SCALED_OBJECTS)


@pytest.mark.usefixtures("gateway_kinds")
def test_traffic_is_split_by_weights(cluster: Cluster) -> None:
    cluster.create(ROUTES, http_route("chat", cluster.namespace, old=90, new=10))
    rules = http_route("chat", cluster.namespace, old=100, new=0)["spec"]["rules"]
    seen = cluster.api.patch(ROUTES, "chat", {"spec": {"rules": rules}}, cluster.namespace)
    assert [one["weight"] for one in seen["spec"]["rules"][0]["backendRefs"]] == [100, 0]


def test_definitions_and_programs_of_keda_are_of_one_version() -> None:
    files = [Path(__file__).parent / name / "keda" / "go.mod" for name in ("rig-owners", "rig-keda")]
    definitions, programs = (
        re.findall(r"^require (github.com/kedacore/keda/v2 v\S+)$", file.read_text(), re.M) for file in files
    )
    assert definitions == programs != []
