"""What one test sees of the control plane: a namespace of its own, and an empty cluster before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.cluster import objects
from tests.cluster.api import Api, Json, Refused
from tests.cluster.clock import wait_until
from tests.cluster.control_plane import ControlPlane
from tests.cluster.credentials import ADMIN, PRODUCT
from tests.cluster.pools import GPU, Pool, node

CLUSTER_WIDE = ("karpenter.sh/v1/nodepools", "karpenter.kwok.sh/v1alpha1/kwoknodeclasses", "karpenter.sh/v1/nodeclaims")
PLANS = "gpu-autoscaler.io/v1alpha1/capacityplans"
OWNERS = (
    "autoscaling/v2/horizontalpodautoscalers", "apps/v1/deployments", "apps/v1/statefulsets", "apps/v1/replicasets",
    "batch/v1/jobs",
)  # fmt: skip
LEFT = {"metadata": {"finalizers": None}}
CLEAR_S = 60.0


class Cluster:
    """An empty cluster with one namespace. `api` is the admin's, `product` that of a user without any rights.

    What is made through `create` goes at the end of the test, and so does every pod, node and Karpenter object."""

    def __init__(self, control_plane: ControlPlane, namespace: str) -> None:
        self.control_plane = control_plane
        self.api: Api = control_plane.api(ADMIN)
        self.product: Api = control_plane.api(PRODUCT)
        self.namespace = namespace
        self.namespaces = [namespace]
        self._made: list[tuple[str, str, str | None]] = []
        control_plane.add_namespace(namespace)

    def add_namespace(self, suffix: str) -> str:
        """Another namespace, in which pods can be made when this returns; its name."""
        name = f"{self.namespace}-{suffix}"
        self.namespaces.append(name)
        self.control_plane.add_namespace(name)
        return name

    def create(self, resource: str, body: Mapping[str, Any]) -> Json:
        """Makes an object as admin, and deletes it at the end of the test."""
        made = self.api.create(resource, body)
        self._made.append((resource, made["metadata"]["name"], made["metadata"].get("namespace")))
        return made

    def create_pod(self, name: str, **more: Any) -> Json:
        """Makes a pod in the test's namespace; arguments as in `objects.pod`."""
        return self.create("pods", objects.pod(name, self.namespace, **more))

    def create_priority_class(self, name: str, value: int, preemption: str = "Never") -> str:
        """Makes a PriorityClass of this test alone; its name, which pods may use when this returns."""
        full = f"{self.namespace}-{name}"
        self.create("scheduling.k8s.io/v1/priorityclasses", objects.priority_class(full, value, preemption))
        wait_until(lambda: self._admits(full), f"the priority class {full} to be known to admission", 10.0)
        return full

    def _admits(self, priority_class: str) -> bool:
        """Whether a pod of this class would be admitted: admission reads classes from a cache of its own."""
        try:
            asked = objects.pod("asks", self.namespace, priorityClassName=priority_class)
            self.api.create("pods", asked, dry_run=True)
        except Refused as error:
            if error.code != 403:
                raise
            return False
        return True

    def create_owner(self, name: str) -> Json:
        """A ConfigMap that can own placeholders, with its kind filled in."""
        made = self.create("configmaps", {"metadata": {"name": name, "namespace": self.namespace}})
        return made | {"apiVersion": "v1", "kind": "ConfigMap"}

    def create_plan(self, name: str, namespace: str) -> Json:
        """A CapacityPlan, which owns placeholders in its namespace."""
        body = {"apiVersion": PLANS.rpartition("/")[0], "kind": "CapacityPlan"}
        return self.create(PLANS, body | {"metadata": {"name": name, "namespace": namespace}})

    def add_nodes(self, pool: Pool, zone: str, count: int = 1) -> list[str]:
        """Makes booting nodes without any autoscaler; their names."""
        prefix = f"{pool.group(zone)}-{len(self.api.list('nodes'))}"
        names = [f"{prefix}-{i}" for i in range(count)]
        for name in names:
            self.create("nodes", node(pool, zone, name))
        return names

    def pods(self, **query: str) -> list[Json]:
        """Pods of the test's namespace."""
        return self.api.list("pods", self.namespace, **query)

    def node_of(self, name: str) -> str | None:
        """The node that a pod is bound to; None while it is not, or where there is no such pod."""
        found = self.api.find("pods", name, self.namespace)
        return found["spec"].get("nodeName") if found else None

    def nodes(self, pool: Pool | None = None) -> list[Json]:
        """All nodes, or those of one pool."""
        found = self.api.list("nodes")
        return [one for one in found if pool is None or one["metadata"]["labels"].get("rig.test/pool") == pool.name]

    def wait_bound(self, name: str, within_s: float) -> str:
        """Waits until a pod is bound; the name of its node."""
        return wait_until(lambda: self.node_of(name), f"pod {name} to be bound", within_s)

    def wait_ready_pod(self, name: str, within_s: float) -> Json:
        """Waits until a pod is Ready; the pod."""

        def look() -> Json | None:
            found = self.api.find("pods", name, self.namespace)
            return found if found and objects.is_true(found, "Ready") else None

        return wait_until(look, f"pod {name} to be Ready", within_s)

    def wait_gpus(self, node: str, count: int, within_s: float) -> None:
        """Waits until a node is Ready and offers so many GPUs."""

        def look() -> bool:
            found = self.api.find("nodes", node)
            if found is None or not objects.is_true(found, "Ready"):
                return False
            return bool(found["status"]["allocatable"].get(GPU) == str(count))

        wait_until(look, f"node {node} to offer {count} GPUs", within_s)

    def wait_no_nodes(self, within_s: float, pool: Pool | None = None) -> None:
        """Waits until there are no nodes, or none of one pool."""
        wait_until(lambda: not self.nodes(pool), "all nodes to go", within_s)

    def events(self, about: str, reason: str | None = None) -> list[Json]:
        """Events on an object of this name, in all namespaces, with this reason."""
        found = self.api.list("events", fieldSelector=f"involvedObject.name={about}")
        return [one for one in found if reason in (None, one.get("reason"))]

    def wait_event(self, about: str, reason: str, within_s: float) -> str:
        """Waits until an object of this name has an event with this reason; the message of the first."""
        found = wait_until(lambda: self.events(about, reason), f"event {reason} on {about}", within_s)
        return str(found[0]["message"])

    def clear(self) -> None:
        """Empties the cluster: owners before pods, pods before nodes; node autoscalers must have been stopped."""
        for resource, name, namespace in reversed(self._made):
            if resource not in ("pods", "nodes"):
                self.api.delete(resource, name, namespace)
        self._made.clear()
        for namespace in self.namespaces:
            for kind in self.control_plane.kinds:
                if kind.namespaced:
                    self._sweep(kind.resource, namespace)
            for resource in (*OWNERS, "pods"):
                self.api.delete_all(resource, namespace)
        brought = [kind.resource for kind in self.control_plane.kinds if not kind.namespaced]
        for resource in (*brought, *CLUSTER_WIDE, "nodes"):
            self._sweep(resource)
        wait_until(lambda: not self._left(), "pods and nodes of the test to go", CLEAR_S)
        for namespace in self.namespaces:
            self.api.delete("namespaces", namespace)  # goes by itself

    def _sweep(self, resource: str, namespace: str | None = None) -> None:
        """Deletes all objects of a kind, also those that wait for somebody who has been stopped."""
        self.api.delete_all(resource, namespace)
        for left in self.api.list(resource, namespace):
            if left["metadata"].get("finalizers"):
                try:
                    self.api.patch(resource, left["metadata"]["name"], LEFT, namespace)
                except Refused as error:
                    if error.code != 404:
                        raise

    def _left(self) -> list[str]:
        """What is still there: pods that came back from an owner's last act, and nodes, are deleted once more."""
        pods = [(one["metadata"]["name"], space) for space in self.namespaces for one in self.api.list("pods", space)]
        for name, space in pods:
            self.api.delete("pods", name, space)
        if nodes := self.api.list("nodes"):
            self._sweep("nodes")
        return [name for name, _ in pods] + [one["metadata"]["name"] for one in nodes]
