"""What the controller must be allowed to do: the one table of it. The chart's roles say the same; a test compares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

LEASE, WORKLOAD, OWNER = "<lease>", "<workload>", "<owner>"
"""In the table: the name of the Lease, the kind of a workload, and that of who owns its replicas."""


class Scope(StrEnum):
    """Where something is to be allowed."""

    HOUSE = "the namespace of placeholders"
    EVENTS = "the namespace of events on objects that have none"
    CLUSTER = "everywhere"
    WORKLOADS = "the namespaces of workloads"
    ORDERED = "the namespaces of workloads whose policy has scaleIn.podDeletionCost"


@dataclass(frozen=True, slots=True)
class Need:
    """Verbs on a resource (`capacityplans/status` for a subresource). use: what for. name: the one object, if one."""

    scope: Scope
    group: str
    resource: str
    verbs: tuple[str, ...]
    use: str
    name: str = ""
    optional: bool = False


H, E, C, W = Scope.HOUSE, Scope.EVENTS, Scope.CLUSTER, Scope.WORKLOADS
READ, WATCH = ("get", "list", "watch"), ("list", "watch")
EVENTS_GROUP, PLANS_GROUP = "events.k8s.io", "gpu-autoscaler.io"
NEEDS = (
    Need(H, "", "pods", ("create", "delete"), "placeholders"),
    Need(H, "", "configmaps", ("get", "list", "create", "patch", "delete"), "records that survive a restart"),
    Need(H, "coordination.k8s.io", "leases", ("create",), "telling who leads"),
    Need(H, "coordination.k8s.io", "leases", ("get", "update"), "telling who leads", LEASE),
    Need(H, PLANS_GROUP, "capacityplans", (*READ, "create", "delete"), "owners of placeholders, and wishes of people"),
    Need(H, PLANS_GROUP, "capacityplans/status", ("patch",), "showing decisions in `kubectl get cplan`"),
    Need(H, EVENTS_GROUP, "events", WATCH, "knowing pools that are out of stock"),
    Need(C, "", "pods", READ, "seeing replicas and placeholders"),
    Need(C, "", "nodes", READ, "seeing the room that there is"),
    Need(C, "", "namespaces", ("list",), "rules about pods of other namespaces"),
    Need(C, "", "persistentvolumes", ("get",), "zones of volumes"),
    Need(C, "storage.k8s.io", "storageclasses", ("get",), "zones of volumes"),
    Need(C, "karpenter.sh", "nodeclaims", WATCH, "knowing nodes on order", optional=True),
    Need(E, EVENTS_GROUP, "events", WATCH, "knowing pools that are out of stock", optional=True),
    Need(W, WORKLOAD, WORKLOAD, ("get",), "the shape of a workload that has no ready pod"),
    Need(W, WORKLOAD, f"{WORKLOAD}/scale", ("get", "patch"), "floors"),
    Need(W, "autoscaling", "horizontalpodautoscalers", ("list",), "knowing who else moves replicas"),
    Need(W, "keda.sh", "scaledobjects", ("list",), "knowing who else moves replicas"),
    Need(W, OWNER, OWNER, ("get", "patch"), "floors, in the field of who owns the replicas"),
    Need(W, "", "persistentvolumeclaims", ("get",), "zones of volumes"),
    Need(W, EVENTS_GROUP, "events", ("create", "patch"), "events on workloads"),
    Need(W, EVENTS_GROUP, "events", WATCH, "knowing starts that found their image on the node"),
    Need(Scope.ORDERED, "", "pods", ("patch",), "which replicas go first"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class WorkloadKind:
    """A kind of workload in a namespace: `inference`, `apps`, `deployments`; whether it has the scale subresource.

    owner: group and plural of the kind that owns the replicas, where that is not the workload itself. ordered: whether
    its policy has `scaleIn.podDeletionCost`.
    """

    namespace: str
    group: str
    plural: str
    scales: bool = True
    owner: tuple[str, str] | None = None
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """One verb on one resource. namespace: None for everywhere. name: empty for all objects."""

    namespace: str | None
    group: str
    resource: str
    verb: str
    name: str
    use: str
    optional: bool

    @property
    def named(self) -> str:
        """As `kubectl auth can-i` takes it: `capacityplans.gpu-autoscaler.io/status`, and the one object after it."""
        plural, slash, subresource = self.resource.partition("/")
        return f"{plural}.{self.group}".rstrip(".") + f"{slash}{subresource} {self.name}".rstrip()

    @property
    def where(self) -> str:
        return "everywhere" if self.namespace is None else f"namespace {self.namespace}"


def permissions(house: str, lease: str, workloads: Iterable[WorkloadKind]) -> tuple[Permission, ...]:
    """Each once, for placeholders in `house` and a Lease of this name there."""
    found: dict[Permission, None] = {}
    kinds = sorted(set(workloads), key=str)
    for need in NEEDS:
        for permission in _spelt_out(need, house, lease, kinds):
            found[permission] = None
    return tuple(found)


def _spelt_out(need: Need, house: str, lease: str, kinds: list[WorkloadKind]) -> Iterator[Permission]:
    name = lease if need.name == LEASE else need.name
    if need.scope is Scope.ORDERED:
        places: list[tuple[str | None, str, str]] = [
            (k.namespace, need.group, need.resource) for k in kinds if k.ordered
        ]
    elif need.scope is not Scope.WORKLOADS:
        namespace = {Scope.HOUSE: house, Scope.EVENTS: "default"}.get(need.scope)
        places = [(namespace, need.group, need.resource)]
    elif need.group == WORKLOAD:
        named = [kind for kind in kinds if kind.scales or need.resource == WORKLOAD]
        places = [(kind.namespace, kind.group, need.resource.replace(WORKLOAD, kind.plural)) for kind in named]
    elif need.group == OWNER:
        places = [(kind.namespace, *kind.owner) for kind in kinds if kind.owner is not None]
    else:
        places = [(kind.namespace, need.group, need.resource) for kind in kinds]
    for namespace, group, resource in places:
        for verb in need.verbs:
            yield Permission(namespace, group, resource, verb, name, need.use, need.optional)
