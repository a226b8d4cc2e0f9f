"""The pods that placeholders are modelled on: a live pod of the workload, else its template, and what is around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.revisions import Print, model
from autoscaler.adapters.kubernetes.cluster.scales import Scale, Scales
from autoscaler.adapters.kubernetes.cluster.sight import SeenNode, SeenPod
from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import PODS, Resource
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.group import LEADER, WORKER_INDEX, has_groups, member_template, next_group
from autoscaler.placeholder.neighbour import Peer, exclusive_topology, required_terms
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.pod import Json, labels, metadata, name, namespace, spec
from autoscaler.placeholder.refusal import Refusal
from autoscaler.placeholder.request import effective_amounts
from autoscaler.placeholder.selector import Labels, matches
from autoscaler.placeholder.shape import Shape, shape
from autoscaler.placeholder.volume import shared_claims
from autoscaler.policy.model import Workload
from autoscaler.ports.errors import Invalid

CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume")
CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")


@dataclass(frozen=True, slots=True)
class Standing:
    """What the watches show."""

    pods: Mapping[Key, SeenPod]
    nodes: Mapping[Key, SeenNode]


@dataclass(frozen=True, slots=True)
class ReplicaShape:
    """The placeholders of one replica. is_gang: it is a group of pods, of which those without GPUs of the pool have no
    placeholder. exclusive: the label of nodes of which a group takes one value for itself, None where it does not.
    """

    members: tuple[Shape, ...]
    is_gang: bool
    exclusive: str | None


class Models:
    """Reads whole pods where placeholders are to be like them. All raise `PortError`."""

    def __init__(
        self, transport: Transport, objects: Objects, scales: Scales,
        wanted: Callable[[Workload], Print | None] = lambda _: None,
    ) -> None:  # fmt: skip
        """wanted: what tells the pods of the revision that is rolled out; None where nothing is."""
        self._wanted = wanted
        self._transport = transport
        self._objects = objects
        self._scales = scales

    def pod(self, workload: Workload, standing: Standing) -> Json:
        """The youngest ready pod of the workload, with all that was injected into it; in a rollout the youngest of the
        new revision, ready or not; else its template as a pod. Of a group the one with the most devices, of equals the
        leader.
        """
        return max(self.members(workload, standing), key=_devices)

    def members(self, workload: Workload, standing: Standing) -> tuple[Json, ...]:
        """The pods of one replica, each as `pod`: more than one where replicas are groups, whose leader comes first."""
        scale = self._scales.read(workload)
        leader = self._member(workload, scale, standing, leader=True)
        if scale.size == 1:
            return (leader,)
        return (leader, *[self._member(workload, scale, standing, leader=False)] * (scale.size - 1))

    def _member(self, workload: Workload, scale: Scale, standing: Standing, leader: bool) -> Json:
        selector, grouped = scale.selector, has_groups(workload.api_version, workload.kind)
        there = [
            pod
            for pod in standing.pods.values()
            if pod.namespace == workload.namespace and not (pod.ended or pod.leaving)
            and all(matches(r, pod.labels) for r in selector)
            and (not grouped or (pod.labels.get(WORKER_INDEX) == LEADER) is leader)
        ]  # fmt: skip
        pod = model(there, self._wanted(workload))
        live = None if pod is None else self._objects.get(Name(PODS, pod.namespace, pod.name))
        if live is not None:
            return next_group(live) if grouped else live
        return self._template(workload, leader)

    def shape(self, workload: Workload, pin: Pin, standing: Standing) -> Shape:
        """The shape of the workload's placeholders in a pool, of a group that of the first. Raises `Invalid` where it
        could not land there itself.
        """
        return self.replica(workload, pin, standing).members[0]

    def replica(self, workload: Workload, pin: Pin, standing: Standing) -> ReplicaShape:
        """The shapes of the placeholders of one replica. Raises `Invalid` as `shape`."""
        leader, *workers = self.members(workload, standing)
        holding = workers if workers and _asks_for(workers[0], pin.gpu_resource) else []
        found = [self._shape(workload, holding[0], pin, standing)] * len(holding) if holding else []
        if not found or _asks_for(leader, pin.gpu_resource):
            found = [self._shape(workload, leader, pin, standing), *found]
        return ReplicaShape(tuple(found), bool(workers), exclusive_topology(leader) if workers else None)

    def _shape(self, workload: Workload, pod: Json, pin: Pin, standing: Standing) -> Shape:
        said = f"shape placeholders of {workload.kind} {workload.namespace}/{workload.name} in pool {pin.pool}"
        try:
            found = shape(pod, pin, self.surroundings(pod, standing))
        except ValueError as error:
            raise Invalid(f"{said}: {error}; correct the workload's requests") from error
        if isinstance(found, Refusal):
            raise Invalid(f"{said}: {found.cause}: {found.reason}; correct the workload, or take the pool out")
        return found

    def _template(self, workload: Workload, leader: bool) -> Json:
        thing = self._scales.whole(workload) or {}
        grouped = has_groups(workload.api_version, workload.kind)
        template = member_template(thing, leader) if grouped else spec(thing).get("template") or {}
        if not spec(template).get("containers"):
            raise Invalid(
                f"read the pods of {workload.kind} {workload.namespace}/{workload.name}: none is ready, and it has no "
                "spec.template; start one replica"
            )
        return {"metadata": {**metadata(template), "namespace": workload.namespace}, "spec": spec(template)}

    def surroundings(self, pod: Json, standing: Standing) -> Surroundings:
        """What is around a pod, and its object does not say."""
        volumes = tuple(v for claim in shared_claims(pod) for v in self._volume(namespace(pod), claim))
        terms = [*required_terms(pod, "podAffinity"), *required_terms(pod, "podAntiAffinity")]
        if not terms:
            return Surroundings(volumes)
        asked = any("namespaceSelector" in term for term in terms)
        spaces = self._namespace_labels() if asked else {}
        return Surroundings(volumes, tuple(_peers(standing, spaces)))

    def _volume(self, space: str, claim: str) -> Iterator[Json]:
        """The PersistentVolume of a claim, or the StorageClass that will make one."""
        asked = spec(self._objects.get(Name(CLAIMS, space, claim)) or {})
        names = ((VOLUMES, asked.get("volumeName")), (CLASSES, asked.get("storageClassName")))
        resource, named = next(((r, n) for r, n in names if n), (CLASSES, None))
        found = self._objects.get(Name(resource, None, str(named))) if named else None
        if found is not None:
            yield {**found, "kind": resource.kind}

    def _namespace_labels(self) -> dict[str, Labels]:
        found = pages(self._transport, Selection(NAMESPACES))
        return {name(item): labels(item) for page in found for item in page.items}


def _devices(pod: Json) -> int:
    """Billionths of all that it asks for beside cpu, memory and the like; 0 where that cannot be read."""
    try:
        return sum(amount for resource, amount in effective_amounts(pod).items() if "/" in resource)
    except ValueError:
        return 0


def _asks_for(pod: Json, resource: str) -> bool:
    """Also where its quantities cannot be read, which is said when its shape is made."""
    try:
        return effective_amounts(pod).get(resource, 0) > 0
    except ValueError:
        return True


def _peers(standing: Standing, spaces: Mapping[str, Labels]) -> Iterator[Peer]:
    """Every pod that stands on a node that we know."""
    for pod in standing.pods.values():
        node = standing.nodes.get(Key("", pod.node))
        if node is None or pod.ended or pod.whole is not None:
            continue
        owners = [{"kind": kind} for kind in pod.owner_kinds]
        thing = {"metadata": {"namespace": pod.namespace, "labels": pod.labels, "ownerReferences": owners}}
        yield Peer(thing, node.thing, spaces.get(pod.namespace, {}))
