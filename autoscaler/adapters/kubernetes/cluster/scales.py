"""How many replicas a workload is asked to have, which pods they are, and who else moves that number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.label_selector import requirements
from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import Resource
from autoscaler.adapters.kubernetes.transport import Call, Transport
from autoscaler.placeholder.pod import Json, metadata, name, spec, status
from autoscaler.policy.model import CapacityPolicy, Workload
from autoscaler.ports.errors import Invalid, NotFound, OwnedByOthers
from autoscaler.ports.events import ObjectReference

HPAS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SCALED_OBJECTS = Resource("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")
OURS = ("auto", "scale")
"""Values of `replicas.via` under which the scale subresource is ours to move."""


@dataclass(frozen=True, slots=True)
class Scale:
    """replicas: as asked for in the object itself. selector: requirements on the labels of its pods."""

    replicas: int
    selector: tuple[Json, ...]


class Scales:
    """Reads and moves the replicas of workloads through their scale subresource. All raise `PortError`."""

    def __init__(self, transport: Transport, objects: Objects) -> None:
        self._transport = transport
        self._objects = objects
        self._resources: dict[tuple[str, str], Resource] = {}

    def read(self, workload: Workload) -> Scale:
        """Raises `NotFound` where the workload is not there, `Invalid` where its pods cannot be told."""
        scale = self._objects.get(self._name(workload, "scale"))
        if scale is None:
            raise NotFound(f"{_said(workload)} is not there; create it, or correct `workload` in the policy")
        try:
            selector = requirements(str(status(scale).get("selector") or ""))
        except ValueError as error:
            raise Invalid(f"scale of {_said(workload)}: {error}; its pods cannot be told from others") from error
        return Scale(int(spec(scale).get("replicas") or 0), selector)

    def move(self, policy: CapacityPolicy, replicas: int) -> None:
        """Asks for so many replicas. Raises `OwnedByOthers` where the number is another's to move."""
        if policy.replicas.via not in OURS:
            via = f"whoever the policy means by `via: {policy.replicas.via}`"
            raise _theirs(policy.workload, replicas, [(via, "spec.replicas")])
        self._set(policy.workload, replicas)

    def replicas(self, workload: ObjectReference) -> int:
        """As `ReplicasPort`."""
        return self.read(_workload(workload)).replicas

    def give_back(self, workload: ObjectReference, replicas: int) -> None:
        """As `ReplicasPort`."""
        self._set(_workload(workload), replicas)

    def whole(self, workload: Workload) -> Json | None:
        """The object itself, None where it is not there."""
        return self._objects.get(self._name(workload))

    def hpas(self, workload: Workload) -> tuple[Json, ...]:
        """HorizontalPodAutoscalers that move it."""
        return self._targeting(HPAS, workload)

    def scaled_objects(self, workload: Workload) -> tuple[Json, ...]:
        """KEDA's ScaledObjects that move it."""
        return self._targeting(SCALED_OBJECTS, workload)

    def _set(self, workload: Workload, replicas: int) -> None:
        owners = list(self._others(workload))
        if owners:
            raise _theirs(workload, replicas, owners)
        self._objects.merge_patch(self._name(workload, "scale"), {"spec": {"replicas": replicas}})

    def _others(self, workload: Workload) -> Iterator[tuple[str, str]]:
        """(who, field) of everybody else that moves the number."""
        for hpa in self.hpas(workload):
            yield f"HorizontalPodAutoscaler {workload.namespace}/{name(hpa)}", "spec.minReplicas"
        for scaled in self.scaled_objects(workload):
            yield f"ScaledObject {workload.namespace}/{name(scaled)}", "spec.minReplicaCount"
        for owner in metadata(self.whole(workload) or {}).get("ownerReferences") or ():
            if owner.get("controller"):
                yield f"{owner.get('kind')} {workload.namespace}/{owner.get('name')}", "spec.replicas"

    def _targeting(self, resource: Resource, workload: Workload) -> tuple[Json, ...]:
        """Objects of a kind whose target is the workload; none where the kind is not installed."""
        try:
            found = [
                item for page in pages(self._transport, Selection(resource, workload.namespace)) for item in page.items
            ]
        except NotFound:
            return ()
        return tuple(item for item in found if _targets(spec(item).get("scaleTargetRef") or {}, workload))

    def _name(self, workload: Workload, subresource: str = "") -> Name:
        key = (workload.api_version, workload.kind)
        if key not in self._resources:
            self._resources[key] = self._found(workload)
        return Name(self._resources[key], workload.namespace, workload.name, subresource)

    def _found(self, workload: Workload) -> Resource:
        """The kind as the server serves it."""
        group, _, version = workload.api_version.rpartition("/")
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        served = self._transport.send(Call(f"discover {workload.api_version}", "GET", path, repeatable=True))
        kinds = {str(one["name"]): str(one["kind"]) for one in served.get("resources") or ()}
        for plural, kind in kinds.items():
            if kind == workload.kind and f"{plural}/scale" in kinds:
                return Resource(group, version, plural, kind)
        raise NotFound(
            f"discover {workload.api_version}: it has no {workload.kind} with a scale subresource; correct `workload` "
            "in the policy, or install the kind"
        )


def _targets(reference: Json, workload: Workload) -> bool:
    """Whether a scaleTargetRef names this workload; its version may be another, and KEDA takes Deployment for none."""
    group = str(reference.get("apiVersion") or workload.api_version).rpartition("/")[0]
    same_group = group == workload.api_version.rpartition("/")[0]
    kind = reference.get("kind") or "Deployment"
    return same_group and kind == workload.kind and reference.get("name") == workload.name


def _theirs(workload: Workload, replicas: int, owners: Sequence[tuple[str, str]]) -> OwnedByOthers:
    who = ", ".join(manager for manager, _ in owners)
    said = f"set {_said(workload)} to {replicas} replicas: {who} moves them"
    return OwnedByOthers(f"{said}; remove it, or keep this policy in mode observe", tuple(owners))


def _workload(about: ObjectReference) -> Workload:
    named = {"apiVersion": about.api_version, "kind": about.kind, "namespace": about.namespace, "name": about.name}
    return Workload.model_validate(named)


def _said(workload: Workload) -> str:
    return f"{workload.kind} {workload.namespace}/{workload.name}"
