"""What the real API server refuses, and the error and the words that a person gets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.refusal import refusal_in_watch
from autoscaler.adapters.kubernetes.resource import CONFIG_MAPS, NODES, PODS, Resource
from autoscaler.adapters.kubernetes.transport import Call, Transport
from autoscaler.ports.errors import Forbidden, Gone, Invalid, NotFound, PortError, QuotaExceeded, Throttled
from tests.cluster import objects
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import PRODUCT
from tests.cluster.pools import GPU
from tests.cluster.product_link import product_link

NODE_POOLS = Resource("karpenter.sh", "v1", "nodepools", "NodePool")


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


def create_pod(transport: Transport, cluster: Cluster, **more: Any) -> None:
    body = objects.pod("slot-1", cluster.namespace, **more)
    Objects(transport, "gpu-autoscaler").create(Name(PODS, cluster.namespace, "slot-1"), body)


def test_missing_rights(cluster: Cluster) -> None:
    with product_link(cluster, PRODUCT) as link, pytest.raises(Forbidden, match="administrator") as raised:
        list(pages(link, Selection(NODES)))
    assert str(raised.value).startswith('list nodes: 403 Forbidden: nodes is forbidden: User "product" cannot list')


def test_a_quota(cluster: Cluster, transport: Transport) -> None:
    quota = {"metadata": {"name": "q", "namespace": cluster.namespace}, "spec": {"hard": {f"requests.{GPU}": "4"}}}
    cluster.create("resourcequotas", quota)
    wait_until(
        lambda: cluster.api.get("resourcequotas", "q", cluster.namespace).get("status", {}).get("hard"), "q to hold", 30
    )
    with pytest.raises(QuotaExceeded, match=r"exceeded quota: q.*raise the quota, or ask for less"):
        create_pod(transport, cluster, gpus=8)


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        pytest.param({"priorityClassName": "nope"}, Forbidden, "no PriorityClass with name nope", id="no class"),
        pytest.param({"priority": 5}, Forbidden, "integer value of priority", id="priority"),
        pytest.param({"restartPolicy": "Sometimes"}, Invalid, "Unsupported value", id="value"),
        pytest.param({"nodeSelectr": {}}, Invalid, "unknown field", id="field"),
    ],
)
def test_a_pod_that_cannot_be(
    cluster: Cluster, transport: Transport, spec: Mapping[str, Any], error: type[PortError], words: str
) -> None:
    with pytest.raises(error, match=words) as raised:
        create_pod(transport, cluster, **spec)
    assert str(raised.value).startswith(f"create pods {cluster.namespace}/slot-1: 4")


def test_pod_security(cluster: Cluster, transport: Transport) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.patch("namespaces", cluster.namespace, {"metadata": {"labels": labels}})

    def refused() -> PortError | None:
        try:
            create_pod(transport, cluster)
        except PortError as error:
            return error
        Objects(transport, "test").delete(Name(PODS, cluster.namespace, "slot-1"), grace_s=0)
        return None

    error = wait_until(refused, "the label to be seen", 10)
    assert type(error) is Forbidden
    assert 'violates PodSecurity "restricted:latest"' in str(error)


def test_a_namespace_that_is_going(cluster: Cluster, transport: Transport) -> None:
    going = cluster.add_namespace("going")
    ours = Objects(transport, "test")
    holder = {"metadata": {"finalizers": ["rig.test/hold"]}}
    ours.create(Name(CONFIG_MAPS, going, "holder"), holder)
    cluster.api.delete("namespaces", going, options={})
    try:
        with pytest.raises(Forbidden, match="because it is being terminated"):
            ours.create(Name(CONFIG_MAPS, going, "late"), {})
    finally:
        ours.merge_patch(Name(CONFIG_MAPS, going, "holder"), {"metadata": {"finalizers": None}})
        cluster.namespaces.remove(going)


def test_a_kind_that_is_not_installed(transport: Transport) -> None:
    with pytest.raises(NotFound, match="its kind is not installed"):
        list(pages(transport, Selection(Resource("kueue.x-k8s.io", "v1beta1", "workloads", "Workload"))))


def test_an_eviction_that_a_budget_forbids(cluster: Cluster, transport: Transport) -> None:
    labels = {"app": "chat"}
    budget = {"selector": {"matchLabels": labels}, "minAvailable": 1}
    cluster.create(
        "policy/v1/poddisruptionbudgets",
        {"metadata": {"name": "chat", "namespace": cluster.namespace}, "spec": budget},
    )
    cluster.create_pod("chat-1", gpus=0, labels=labels, nodeName="nowhere")
    cluster.api.patch(
        "pods",
        "chat-1",
        {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}},
        cluster.namespace,
        subresource="status",
    )
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "chat-1"}}
    call = Call("evict pods chat-1", "POST", PODS.path(cluster.namespace, "chat-1", "eviction"), body=eviction)
    with pytest.raises(Throttled, match="disruption budget"):
        transport.send(call)


def test_pages_are_of_one_moment(cluster: Cluster, transport: Transport) -> None:
    ours = Objects(transport, "test")
    for number in range(7):
        ours.create(Name(CONFIG_MAPS, cluster.namespace, f"c-{number}"), {})
    several = pages(transport, Selection(CONFIG_MAPS, cluster.namespace), size=3)
    first = next(several)
    ours.create(Name(CONFIG_MAPS, cluster.namespace, "c-9"), {})
    ours.delete(Name(CONFIG_MAPS, cluster.namespace, "c-5"))
    rest = list(several)
    names = [item["metadata"]["name"] for page in (first, *rest) for item in page.items]
    assert [name for name in names if name.startswith("c-")] == [f"c-{number}" for number in range(7)]
    assert {page.version for page in rest} == {first.version}


def test_a_watch_from_a_forgotten_moment(transport: Transport) -> None:
    path = NODE_POOLS.path(None)
    stream = transport.stream(Call("watch nodepools", "GET", path, {"watch": "1", "resourceVersion": "1"}), 10.0)
    event = json.loads(next(stream.lines()))
    stream.cut()
    assert event["type"] == "ERROR"
    assert type(refusal_in_watch("watch nodepools", event["object"])) is Gone
