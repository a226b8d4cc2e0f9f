"""The controller's ways to the cluster, one by one, and workloads of every kind that it moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.live import LiveCluster
from autoscaler.adapters.kubernetes.cluster.scales import Scales
from autoscaler.adapters.kubernetes.election import Election, ElectionSettings
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.owners.floors import Floors
from autoscaler.adapters.kubernetes.plans.capacity_plans import CapacityPlans
from autoscaler.adapters.kubernetes.store import ConfigMapStore
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.policy.model import CapacityPolicy
from autoscaler.ports.events import ObjectReference
from tests.cluster.cluster import Cluster
from tests.cluster.external_metrics import HPAS, hpa
from tests.cluster.keda import SCALED_OBJECTS, scaled_object
from tests.cluster.kserve import LLM_SERVICES, SERVICES, inference_service, llm_inference_service
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment
from tests.cluster.rights import ChartRoles
from tests.cluster.volumes import claim

LEASES, STATEFUL_SETS, RELEASE = "coordination.k8s.io/v1/leases", "apps/v1/statefulsets", "gpu-autoscaler"
CLAIMS = {"bound": {"volumeName": "disk"}, "unbound": {"storageClassName": "quick"}}


@dataclass(frozen=True, slots=True)
class Desk:
    """The controller's ways to the cluster, as who has the chart's roles. port: watches since the chart was whole."""

    fleet: LiveFleet
    roles: ChartRoles

    @property
    def objects(self) -> Objects:
        return Objects(self.fleet.transport, RELEASE)

    @property
    def store(self) -> ConfigMapStore:
        return ConfigMapStore(self.fleet.transport, self.objects, self.fleet.house, form=1)

    @property
    def scales(self) -> Scales:
        return Scales(self.fleet.transport, self.objects)

    @property
    def floors(self) -> Floors:
        return Floors(self.objects, self.scales)

    @property
    def election(self) -> Election:
        return Election(self.objects, SystemClock(), ElectionSettings(self.fleet.house, RELEASE, "one"))

    def workload(self, api_version: str, kind: str, name: str) -> ObjectReference:
        return ObjectReference(api_version, kind, self.fleet.cluster.namespace, name, "")

    def policy(self, api_version: str, kind: str, name: str) -> CapacityPolicy:
        """One that acts for a workload."""
        about = self.workload(api_version, kind, name)
        target = {"apiVersion": api_version, "kind": kind, "namespace": about.namespace, "name": name}
        demand = {"arrivals": {"query": "x"}, "perReplica": {"arrivals": 1}}
        return CapacityPolicy.model_validate({"workload": target, "demand": demand, "pools": {"primary": ["p"]}})

    def place(self, workload: int, slot: int) -> None:
        """Has a placeholder made."""
        self.fleet.inventory()
        self.fleet.port.create_placeholder(workload, 0, slot)

    @contextmanager
    def plans(self, watched: bool = False) -> Iterator[CapacityPlans]:
        found = CapacityPlans(self.fleet.transport, self.objects, self.fleet.house)
        with ExitStack() as ends:
            if watched:
                found.start()
                ends.callback(found.stop)
            yield found

    @contextmanager
    def watching(self) -> Iterator[LiveCluster]:
        """The cluster as a process sees it that begins now, and soon takes silence for blindness."""
        port = self.fleet.build()
        port.start()
        try:
            yield port
        finally:
            port.stop()


def furnish(cluster: Cluster) -> None:
    """Workloads without replicas."""
    space = cluster.namespace
    anywhere = {"labelSelector": {"matchLabels": {"app": "other"}}, "namespaceSelector": {"matchLabels": {"team": "a"}}}
    rule = {"topologyKey": "kubernetes.io/hostname", **anywhere}
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}}
    cluster.create(DEPLOYMENTS, deployment("chat", space, 0))
    cluster.create(DEPLOYMENTS, deployment("near", space, 0, affinity=apart))
    for name, wanted in CLAIMS.items():
        cluster.create(DEPLOYMENTS, deployment(name, space, 0, volumes=[claim(cluster, name, **wanted)]))
    for name in ("by-hpa", "by-keda"):
        cluster.create(DEPLOYMENTS, deployment(name, space, 0))
    cluster.create(HPAS, hpa("by-hpa", space, 2, 9))
    cluster.create(SCALED_OBJECTS, scaled_object("by-keda", space, 2, 9, "http://127.0.0.1:1", "n"))
    cluster.create(SERVICES, inference_service("by-kserve", space, minReplicas=2))
    cluster.create(LLM_SERVICES, llm_inference_service("by-kserve", space, replicas=2))
    body = deployment("chat", space, 0)
    cluster.create(STATEFUL_SETS, body | {"spec": body["spec"] | {"serviceName": "chat"}})
