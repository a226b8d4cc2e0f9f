"""A cluster and a metric store in which nothing is wrong, for tests that plant one mistake and have it found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autoscaler.compose.doctor import examined
from autoscaler.doctor.finding import OK, Check, Finding
from autoscaler.policy.folder import read_paths
from autoscaler.ports.clock import ClockPort
from autoscaler.settings import Settings, read_settings
from tests.cluster import objects
from tests.cluster.api import Json
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import ADMIN
from tests.cluster.exporter import Exporter
from tests.cluster.live import DEPLOYMENTS, PAUSE, deployment
from tests.cluster.pools import BURST, PRIMARY, node_class, node_pool
from tests.cluster.prometheus import Prometheus

SOON_S = 60.0
NODE_POOLS, NODE_CLASSES = "karpenter.sh/v1/nodepools", "karpenter.kwok.sh/v1alpha1/kwoknodeclasses"
HARD: dict[str, Any] = {"nodeSelector": {"gpu": "h100"}}
POLICIES = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: steady}
spec:
  capacityType: on-demand
  nodeAffinity:
    - {key: gpu, operator: In, values: [h100]}
    - {key: rig.test/capacity-type, operator: In, values: [on-demand]}
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  gpusPerNode: 8
  pricePerGpuHour: 3
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: cheap}
spec:
  capacityType: spot
  nodeAffinity:
    - {key: gpu, operator: In, values: [h100]}
    - {key: rig.test/capacity-type, operator: In, values: [spot]}
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  gpusPerNode: 8
  pricePerGpuHour: 1
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: chat}
spec:
  mode: act
  workload: {namespace: NAMESPACE, name: chat}
  demand:
    arrivals: {query: 'sum(rate(requests_total{model="chat"}[10s]))'}
    gpuUtilization: {query: 'avg(gpu_busy{model="chat"})'}
    perReplica: {arrivals: 4, gpuUtilization: 75%}
  pools: {primary: [steady], burst: [cheap]}
  replicas: {min: 0, max: 20, via: auto}
"""


class Office:
    """One node of the first pool, a NodePool for the second, one replica, and traffic. `look` examines all of it."""

    def __init__(self, cluster: Cluster, prometheus: Prometheus, exporter: Exporter, folder: Path) -> None:
        self.cluster, self.prometheus, self.exporter, self._folder = cluster, prometheus, exporter, folder
        self.house = cluster.add_namespace("house")
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        cluster.api.patch("namespaces", self.house, {"metadata": {"labels": labels}})
        self.priority_class = cluster.create_priority_class("placeholder", -10)
        [node] = cluster.add_nodes(PRIMARY, "zone-a")
        for resource, body in ((NODE_CLASSES, node_class(BURST)), (NODE_POOLS, node_pool(BURST))):
            cluster.create(resource, body)
        exporter.rate("requests_total", 10.0, model="chat")
        exporter.set("gpu_busy", 0.5, model="chat")
        cluster.wait_gpus(node, PRIMARY.gpus, SOON_S)
        self.deploy("chat", 1, **HARD)
        wait_until(self._serves, "a replica to be ready", SOON_S)
        prometheus.wait_for('sum(rate(requests_total{model="chat"}[10s])) > 0', SOON_S)

    def deploy(self, name: str, replicas: int = 0, gpus: int = 1, **spec: Any) -> None:
        """A Deployment in the namespace of workloads."""
        self.cluster.create(DEPLOYMENTS, deployment(name, self.cluster.namespace, replicas, gpus, **spec))

    def settings(self, **other: str) -> Settings:
        said: dict[str, object] = {
            "policies": str(self._folder), "prometheus": self.prometheus.url, "namespace": self.house,
            "kubeconfig": str(self.cluster.control_plane.kubeconfig(ADMIN)), "placeholder_image": PAUSE,
            "placeholder_priority_class": self.priority_class,
        }  # fmt: skip
        return read_settings(**(said | other))

    def write(self, *changes: tuple[str, str]) -> None:
        """The policies, with texts put in place of others that are there."""
        text = POLICIES
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        (self._folder / "policies.yaml").write_text(text.replace("NAMESPACE", self.cluster.namespace))

    def look(
        self, *changes: tuple[str, str], clock: ClockPort | None = None, **settings: str
    ) -> tuple[Check, ...]:  # fmt: skip
        """The examination with changed policies and settings."""
        self.write(*changes)
        return examined(self.settings(**settings), read_paths([self._folder]), lambda what: None, clock)

    def wait_found(self, kind: str, **settings: str) -> list[Finding]:
        """Looks until it is found: some mistakes take the server a moment to heed."""
        return wait_until(lambda: found(self.look(clock=None, **settings), kind), f"{kind} to be found", SOON_S, 0.2)

    @contextmanager
    def planted(self, resource: str, body: Json) -> Iterator[None]:
        """An object that is there for the length of the block."""
        self.cluster.api.create(resource, body)
        try:
            yield
        finally:
            self.cluster.api.delete(resource, body["metadata"]["name"], body["metadata"].get("namespace"))

    def in_house(self, name: str, **rest: Any) -> Json:
        return {"metadata": {"name": name, "namespace": self.house}, **rest}

    def in_namespace(self, name: str, **rest: Any) -> Json:
        return {"metadata": {"name": name, "namespace": self.cluster.namespace}, **rest}

    def _serves(self) -> bool:
        pods = self.cluster.pods(labelSelector="app=chat")
        return len(pods) == 1 and objects.is_true(pods[0], "Ready")


def found(checks: Sequence[Check], kind: str) -> list[Finding]:
    """All findings of a kind."""
    return [finding for one in checks for finding in one.findings if finding.kind.name == kind]


def said(checks: Sequence[Check]) -> list[str]:
    """All that was found, in words, but for notes of checks that are fine."""
    return [
        f"{one.topic} {one.about}: {f.kind.name}: {f.what}" for one in checks if one.state != OK for f in one.findings
    ]
