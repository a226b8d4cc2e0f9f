"""The product's cluster port on the rig: policies for Deployments of the test, and what the tests ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from autoscaler.adapters.kubernetes.cluster.live import LiveCluster
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.placeholder.manifest import House
from autoscaler.policy.check import PolicyDocument, PoolDocument
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from tests.cluster import objects
from tests.cluster.api import Json
from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.pools import GPU, POOL_LABEL, Pool
from tests.cluster.stages import Stages

PAUSE = "registry.test/pause:1"
LISTED_S = 20.0
DEPLOYMENTS = "apps/v1/deployments"
GROUP_SET = "apiVersion: leaderworkerset.x-k8s.io/v1, kind: LeaderWorkerSet, "
POOL_TEXT = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {{name: {name}}}
spec:
  capacityType: {capacity_type}
  nodeAffinity: [{{key: {label}, operator: In, values: [{name}]}}]
  tolerations: [{{key: {gpu}, operator: Exists, effect: NoSchedule}}]
  gpusPerNode: {gpus}
  pricePerGpuHour: 3
  zones: [{zones}]
---
"""
POLICY_TEXT = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {{name: {name}}}
spec:
  mode: act
  workload: {{{kind}namespace: {namespace}, name: {name}}}
  demand: {{arrivals: {{query: 'sum(rate(requests_total[1m]))'}}, perReplica: {{arrivals: 4}}}}
  pools: {{primary: [{primary}], burst: [{burst}]}}
  replicas: {{min: 0}}
---
"""


def deployment(
    name: str, namespace: str, replicas: int, gpus: int = 1, stages: Stages | None = None, **spec: Any
) -> Json:
    """A Deployment of GPU pods; `spec` adds to that of its pods."""
    pod = objects.pod(name, namespace, gpus, stages, labels={"app": name}, **spec)
    template = {"metadata": {key: pod["metadata"][key] for key in ("labels", "annotations")}, "spec": pod["spec"]}
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


@dataclass
class LiveFleet:
    """Policies of the same names as the Deployments in the test's namespace; pools as the rig's.

    `house`: the namespace of placeholders, restricted. `ended`: what became of placeholders, by all sweeps so far.
    `group_sets`: which of the workloads are LeaderWorkerSets and no Deployments.
    """

    cluster: Cluster
    transport: Transport
    pools: Sequence[Pool]
    workloads: Sequence[str]
    settings: LiveSettings = field(default_factory=LiveSettings)
    priority_class: str = ""
    group_sets: Sequence[str] = ()
    ended: list[PlaceholderEnd] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.house = self.cluster.add_namespace("house")
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        self.cluster.api.patch("namespaces", self.house, {"metadata": {"labels": labels}})
        self.priority_class = self.priority_class or self.cluster.create_priority_class("placeholder", -10)
        self.owner = self.cluster.create_plan("plan", self.house)
        self.port = self.build()

    def documents(self) -> tuple[list[PolicyDocument], list[PoolDocument]]:
        """The policies and the pools."""
        found = parse_documents(self._text().encode(), "test.yaml", KINDS, lambda _: b"")
        return of_kind(found, CapacityPolicy), of_kind(found, GpuPool)

    def build(self) -> LiveCluster:
        """A port that has seen nothing yet."""
        policies, pools = self.documents()
        owner = {key: self.owner[key] for key in ("apiVersion", "kind")}
        owner |= {key: self.owner["metadata"][key] for key in ("name", "uid")}
        house = House(self.house, PAUSE, self.priority_class, {}, {})
        owners = {policy.name: owner for policy in policies}
        return LiveCluster(self.transport, policies, pools, house, owners, self.settings)

    def start(self) -> None:
        self.port.start()
        assert self.port.wait_listed(LISTED_S)

    def restart(self) -> None:
        """Ends the port as a crash does, and starts another."""
        self.port.stop()
        self.port = self.build()
        self.start()

    def inventory(self) -> Inventory:
        return self.port.inventory(epoch_s())

    def held(self) -> list[Placeholder]:
        """Placeholders in the order of their names."""
        return sorted(self.inventory().placeholders, key=lambda p: (p.workload, p.pool, p.slot))

    def sweep(self) -> list[PlaceholderEnd]:
        """What ended since the last sweep; nothing may have failed."""
        swept = self.port.sweep(epoch_s())
        assert swept.failed == ()
        self.ended += swept.ended
        return list(swept.ended)

    def wait(self, look: Callable[[Inventory], object], what: str, within_s: float) -> Inventory:
        """The first inventory for which `look` is true."""

        def seen() -> Inventory | None:
            now = self.inventory()
            return now if look(now) else None

        return wait_until(seen, what, within_s, 0.05)

    def wait_all_bound(self, count: int, within_s: float) -> Inventory:
        return self.wait(
            lambda now: sum(p.bound for p in now.placeholders) == count, f"{count} placeholders to be bound", within_s
        )

    def pods(self) -> list[Json]:
        """The placeholders themselves."""
        return self.cluster.api.list("pods", self.house)

    def _text(self) -> str:
        pools = "".join(
            POOL_TEXT.format(
                name=pool.name,
                capacity_type=pool.capacity_type,
                label=POOL_LABEL,
                gpu=GPU,
                gpus=pool.gpus,
                zones=", ".join(pool.zones),
            )
            for pool in self.pools
        )
        tiers = {
            kind: ", ".join(p.name for p in self.pools if p.capacity_type == kind) for kind in ("on-demand", "spot")
        }
        return pools + "".join(
            POLICY_TEXT.format(
                name=name,
                kind=GROUP_SET if name in self.group_sets else "",
                namespace=self.cluster.namespace,
                primary=tiers["on-demand"],
                burst=tiers["spot"],
            )
            for name in self.workloads
        )


@contextmanager
def live_fleet(fleet: LiveFleet) -> Iterator[LiveFleet]:
    """Runs it for the length of the block."""
    fleet.start()
    try:
        yield fleet
    finally:
        fleet.port.stop()
