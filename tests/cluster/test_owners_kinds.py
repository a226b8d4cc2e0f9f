"""Floors of owners whose kinds come with a definition of their own: KEDA, KServe, sandbox pools, groups of pods."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.api import Json
from tests.cluster.clock import now_s
from tests.cluster.cluster import Cluster
from tests.cluster.external_metrics import HPAS, hpa
from tests.cluster.keda import SCALED_OBJECTS, scaled_object
from tests.cluster.kserve import LLM_SERVICES, SERVICES, inference_service, llm_inference_service
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.lws import GROUP_SETS, group_set
from tests.cluster.owned import Owned, owned, settles
from tests.cluster.sandbox import POOLS, TEMPLATES, template, warm_pool

Measured = Callable[[str, float, str], None]
ADDRESS = "http://127.0.0.1:1"


def spec(cluster: Cluster, resource: str, name: str = "chat") -> Json:
    found: Json = cluster.api.get(resource, name, cluster.namespace)["spec"]
    return found


def least(chat: Owned) -> list[int]:
    found = chat.inventory().owner_least
    assert found is not None
    return list(found.tolist())


@pytest.mark.usefixtures("keda_kinds")
def test_the_hpa_that_keda_made_is_never_touched(cluster: Cluster) -> None:
    """KEDA itself is not here, so nobody rewrites the HPA: what stands in it is what was there before."""
    space = cluster.namespace
    cluster.create(DEPLOYMENTS, deployment("chat", space, 1))
    body = scaled_object("chat", space, 2, 9, ADDRESS, "n")
    del body["spec"]["minReplicaCount"]
    scaled = cluster.create(SCALED_OBJECTS, body)
    owner = {"apiVersion": scaled["apiVersion"], "kind": "ScaledObject", "name": "chat", "controller": True}
    made = hpa("chat", space, 1, 9)
    made["metadata"] |= {"name": "keda-hpa-chat", "ownerReferences": [owner | {"uid": scaled["metadata"]["uid"]}]}
    cluster.create(HPAS, made)
    with owned(cluster) as chat:
        chat.set_floor(4)
        assert spec(cluster, SCALED_OBJECTS)["minReplicaCount"] == 4
        seen = chat.inventory()
        assert seen.owner_most is not None
        assert (seen.floor.tolist(), least(chat), seen.owner_most.tolist()) == ([4], [0], [9])
        paused = {"metadata": {"annotations": {"autoscaling.keda.sh/paused-replicas": "2"}}}
        cluster.api.patch(SCALED_OBJECTS, "chat", paused, space)
        assert chat.owner().reason == "OwnerPaused"
        chat.remove_policy()
    assert "minReplicaCount" not in spec(cluster, SCALED_OBJECTS)
    assert spec(cluster, HPAS, "keda-hpa-chat")["minReplicas"] == 1


@pytest.mark.usefixtures("kserve_kinds")
def test_the_floor_of_an_inference_service_and_back(cluster: Cluster) -> None:
    """By the Deployment that KServe made, and with an HPA that KServe made too: neither is touched."""
    space = cluster.namespace
    service = cluster.create(SERVICES, inference_service("chat", space, minReplicas=1, maxReplicas=8))
    owner = {"apiVersion": service["apiVersion"], "kind": "InferenceService", "name": "chat", "controller": True}
    made = deployment("chat", space, 1)
    made["metadata"]["ownerReferences"] = [owner | {"uid": service["metadata"]["uid"]}]
    cluster.create(DEPLOYMENTS, made)
    cluster.create(HPAS, hpa("chat", space, 1, 8))
    with owned(cluster) as chat:
        chat.set_floor(5)
        assert spec(cluster, SERVICES)["predictor"]["minReplicas"] == 5
        assert (chat.inventory().floor.tolist(), least(chat)) == ([5], [1])
        assert chat.owner().owner == f"InferenceService {space}/chat spec.predictor.minReplicas"
        chat.remove_policy()
    assert spec(cluster, SERVICES)["predictor"] == {**service["spec"]["predictor"], "minReplicas": 1}
    assert spec(cluster, HPAS)["minReplicas"] == 1


@pytest.mark.usefixtures("kserve_kinds")
def test_an_inference_service_that_the_policy_names_is_told_by_its_pods(cluster: Cluster) -> None:
    space = cluster.namespace
    cluster.create(SERVICES, inference_service("chat", space))
    labels = {"serving.kserve.io/inferenceservice": "chat", "component": "predictor"}
    cluster.create_pod("one", labels=labels)
    cluster.create_pod("other", labels=labels | {"component": "transformer"})
    with owned(cluster, kind="apiVersion: serving.kserve.io/v1beta1, kind: InferenceService") as chat:
        assert chat.inventory().pending.tolist() == [1]
        chat.set_floor(3)
        assert spec(cluster, SERVICES)["predictor"]["minReplicas"] == 3
        assert chat.inventory().pending.tolist() == [3]
        chat.remove_policy()
    assert "minReplicas" not in spec(cluster, SERVICES)["predictor"]


LLM = "apiVersion: serving.kserve.io/v1alpha2, kind: LLMInferenceService"


@pytest.mark.usefixtures("llm_kinds")
@pytest.mark.parametrize(
    ("given", "floor"),
    [
        pytest.param({"replicas": 2}, lambda found: found["replicas"], id="replicas"),
        pytest.param(
            {"scaling": {"minReplicas": 2, "maxReplicas": 8, "wva": {"hpa": {}}}},
            lambda found: found["scaling"]["minReplicas"], id="scaling",
        ),
    ],
)  # fmt: skip
def test_the_floor_of_an_llm_inference_service_is_in_the_field_that_is_there(
    cluster: Cluster, given: Json, floor: Callable[[Json], int]
) -> None:
    cluster.create(LLM_SERVICES, llm_inference_service("chat", cluster.namespace, **given))
    before = spec(cluster, LLM_SERVICES)
    with owned(cluster, kind=LLM) as chat:
        chat.set_floor(5)
        assert floor(spec(cluster, LLM_SERVICES)) == 5
        assert chat.inventory().floor.tolist() == [5]
        chat.remove_policy()
    assert spec(cluster, LLM_SERVICES) == before


@pytest.mark.usefixtures("sandbox")
def test_the_floor_of_a_sandbox_pool_and_back(cluster: Cluster, measured: Measured) -> None:
    space = cluster.namespace
    cluster.create(TEMPLATES, template("chat", space))
    cluster.create(POOLS, warm_pool("chat", space, 2))
    with owned(cluster, kind="apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxWarmPool") as chat:
        settles(lambda: chat.inventory().pending.tolist(), [2], "replicas that wait")
        begin = now_s()
        chat.set_floor(5)
        settles(lambda: len(cluster.pods()), 5, "pods of the pool")
        measured("sandbox pool: floor 2 to 5", now_s() - begin, "0.3")
        chat.remove_policy()
        assert spec(cluster, POOLS)["replicas"] == 2


@pytest.mark.usefixtures("lws")
def test_the_floor_of_a_set_of_groups_and_back(cluster: Cluster, measured: Measured) -> None:
    cluster.create(GROUP_SETS, group_set("chat", cluster.namespace, groups=1, size=2, gpus=8))
    with owned(cluster, kind="apiVersion: leaderworkerset.x-k8s.io/v1, kind: LeaderWorkerSet") as chat:
        begin = now_s()
        chat.set_floor(3)
        settles(lambda: len(cluster.pods()), 6, "pods of three groups")
        measured("LeaderWorkerSet: floor 1 to 3", now_s() - begin, "0.45")
        assert chat.owner().owner.endswith("scale.spec.replicas")
        chat.remove_policy()
        assert spec(cluster, GROUP_SETS)["replicas"] == 1
