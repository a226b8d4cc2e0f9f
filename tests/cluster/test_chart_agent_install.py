"""The node agent on the real API server: where it lands, which levels of Pod Security take it, and that nodes go."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.cluster.api import Json, Refused
from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import ADMIN
from tests.cluster.helm import CHART, DEFAULT, Helm, HelmError
from tests.cluster.karpenter import Karpenter
from tests.cluster.objects import is_true
from tests.cluster.pools import POOL_LABEL, PRIMARY, Pool

DAEMONS, AGENT = "apps/v1/daemonsets", "gpu-autoscaler-agent"
ENFORCED = "pod-security.kubernetes.io/enforce"
CPU_ONLY = Pool("cpu", gpus=0, has_gpu_label=False)
HOST_PIDS = "host namespaces (hostPID=true)"
SOCKET = 'restricted volume types (volume "pod-resources" uses restricted volume type "hostPath")'
ROOT = (
    'runAsNonRoot != true (pod or container "agent" must set securityContext.runAsNonRoot=true), '
    "runAsUser=0 (pod must not set runAsUser=0)"
)
Install = Callable[..., str]
Measured = Callable[[str, float, str], None]


@pytest.fixture
def on_rig(helm: Helm, cluster: Cluster) -> Helm:
    """Helm on the cluster of the test, as an administrator."""
    return replace(helm, kubeconfig=cluster.control_plane.kubeconfig(ADMIN))


@pytest.fixture
def agents(cluster: Cluster) -> str:
    """The name of a namespace that is not there yet, for agents."""
    name = f"{cluster.namespace}-agents"
    cluster.namespaces.append(name)
    return name


@pytest.fixture
def install(on_rig: Helm, cluster: Cluster, agents: str) -> Iterator[Install]:
    """Installs the chart with agents in a namespace of their own, which the chart makes; gives the notes."""
    installed = []

    def act(*more: str) -> str:
        values = f"agent.enabled=true,agent.namespace.name={agents},agent.namespace.create=true"
        notes = on_rig.install(DEFAULT, cluster.namespace, "--set", values, *more)
        installed.append(notes)
        return notes

    yield act
    if installed:
        on_rig.uninstall(cluster.namespace)


def enforce(cluster: Cluster, namespace: str, level: str) -> None:
    cluster.api.patch("namespaces", namespace, {"metadata": {"labels": {ENFORCED: level}}})


def places(cluster: Cluster, namespace: str) -> set[str]:
    """Nodes that have an agent: a DaemonSet's pods are pinned to theirs before they are bound."""
    return {pod["spec"].get("nodeName", "") for pod in cluster.api.list("pods", namespace)}


def test_agents_are_on_nodes_with_gpus_alone_and_go_with_the_release(
    install: Install, on_rig: Helm, cluster: Cluster, agents: str
) -> None:
    with_gpus = set(cluster.add_nodes(PRIMARY, "zone-a", 2))
    cluster.add_nodes(CPU_ONLY, "zone-a")
    notes = install()
    assert f"kubectl -n {agents} get daemonset {AGENT}" in notes
    assert "--set monitoring.podMonitor.enabled=true" in notes
    wait_until(lambda: places(cluster, agents) == with_gpus, "an agent on each node with GPUs", 60.0)

    def ready() -> bool:
        return bool(cluster.api.get(DAEMONS, AGENT, agents)["status"].get("numberReady") == len(with_gpus))

    wait_until(ready, "the agents to be ready", 60.0)
    for pod in cluster.api.list("pods", agents):
        assert not [volume for volume in pod["spec"]["volumes"] if "projected" in volume], "a token"
    without = ("--reuse-values", "--set", "agent.enabled=false")
    on_rig.run("upgrade", "gpu-autoscaler", CHART, "-n", cluster.namespace, *without)
    wait_until(lambda: places(cluster, agents) == set(), "the agents to go", 60.0)
    assert cluster.api.find(DAEMONS, AGENT, agents) is None
    made = cluster.api.get("namespaces", agents)
    assert (made["status"]["phase"], made["metadata"]["labels"][ENFORCED]) == ("Active", "privileged")


@pytest.mark.parametrize("level", ["restricted", "baseline"])
def test_a_namespace_that_would_refuse_the_agent_is_told_before_anything_is_made(
    on_rig: Helm, cluster: Cluster, level: str
) -> None:
    enforce(cluster, cluster.namespace, level)
    with pytest.raises(HelmError) as caught:
        on_rig.install(DEFAULT, cluster.namespace, "--set", "agent.enabled=true")
    assert f"namespace {cluster.namespace} enforces Pod Security {level}, which refuses hostPID" in str(caught.value)
    assert cluster.api.list("apps/v1/deployments", cluster.namespace) == []


@pytest.mark.parametrize(
    ("level", "refused_for"),
    [
        ("baseline", f'{HOST_PIDS}, hostPath volumes (volume "pod-resources")'),
        ("restricted", f"{HOST_PIDS}, {SOCKET}, {ROOT}"),
    ],
)
def test_pod_security_refuses_it_for_its_access_to_the_host_and_for_nothing_else(
    on_rig: Helm, cluster: Cluster, level: str, refused_for: str
) -> None:
    pod = agent_pod(on_rig, cluster)
    cluster.create("serviceaccounts", {"metadata": {"name": AGENT, "namespace": cluster.namespace}})
    enforce(cluster, cluster.namespace, level)
    with pytest.raises(Refused) as caught:
        cluster.create("pods", pod)
    assert caught.value.message.endswith(f'violates PodSecurity "{level}:latest": {refused_for}')


def agent_pod(on_rig: Helm, cluster: Cluster) -> Json:
    """A pod as the DaemonSet would make it."""
    objects = on_rig.template(DEFAULT, cluster.namespace, "--set", "agent.enabled=true")
    [template] = [one["spec"]["template"] for one in objects if one["kind"] == "DaemonSet"]
    found: Json = json.loads(json.dumps(template))
    found["metadata"] |= {"name": "agent", "namespace": cluster.namespace}
    return found


def test_a_node_that_has_an_agent_alone_is_empty(
    install: Install, cluster: Cluster, agents: str, start_karpenter: Callable[..., Karpenter], measured: Measured
) -> None:
    install("--set-json", json.dumps({"agent": {"affinity": None, "nodeSelector": {POOL_LABEL: PRIMARY.name}}}))
    start_karpenter((PRIMARY,))
    cluster.create_pod("real", gpus=8)
    node = cluster.wait_bound("real", 60.0)
    wait_until(lambda: node in places(cluster, agents), "an agent on the node that was bought", 30.0)
    wait_until(lambda: is_ready(cluster, agents), "the agent to run", 60.0)
    cluster.api.delete("pods", "real", cluster.namespace)
    begin = now_s()
    cluster.wait_no_nodes(120.0)
    measured("agent: node gone after its last pod but the agent", now_s() - begin, "43.8; without an agent 30.6-33.8")


def is_ready(cluster: Cluster, namespace: str) -> bool:
    pods: list[Any] = cluster.api.list("pods", namespace)
    return bool(pods) and all(is_true(pod, "Ready") for pod in pods)
