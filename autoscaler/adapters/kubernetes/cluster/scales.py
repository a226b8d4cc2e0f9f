"""How many replicas a workload is asked to have, which pods they are, and who else moves that number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.label_selector import requirements
from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.owners.kinds import (
    HPA,
    POD_LABELS,
    SCALED_OBJECT,
    floor_of,
    is_kserve,
    kserve_kind,
)
from autoscaler.adapters.kubernetes.resource import Resource
from autoscaler.adapters.kubernetes.transport import Call, Transport
from autoscaler.placeholder.group import SET, group_size, has_groups, is_staged
from autoscaler.placeholder.pod import Json, spec, status
from autoscaler.policy.model import Workload
from autoscaler.ports.errors import Invalid, NotFound, OwnedByOthers


@dataclass(frozen=True, slots=True)
class Scale:
    """replicas: as asked for in the object itself. selector: requirements on the labels of its pods. size: pods of one
    replica. staged: the others of them come only when the first is ready.
    """

    replicas: int
    selector: tuple[Json, ...]
    size: int = 1
    staged: bool = False


class Scales:
    """Reads and moves the replicas of workloads through their scale subresource. All raise `PortError`."""

    def __init__(self, transport: Transport, objects: Objects) -> None:
        self._transport = transport
        self._objects = objects
        self._resources: dict[tuple[str, str], Resource] = {}

    def read(self, workload: Workload) -> Scale:
        """Raises `NotFound` where the workload is not there, `Invalid` where its pods cannot be told."""
        if is_kserve(workload.api_version, workload.kind):
            return self._without_scale(workload)
        scale = self._objects.get(self.name(workload, "scale"))
        if scale is None:
            raise NotFound(f"{said(workload)} is not there; create it, or correct `workload` in the policy")
        replicas = int(spec(scale).get("replicas") or 0)
        if has_groups(workload.api_version, workload.kind):  # whose scale selects the leaders alone
            selected: tuple[Json, ...] = ({"key": SET, "operator": "In", "values": [workload.name]},)
            whole = self.whole(workload) or {}
            return Scale(replicas, selected, group_size(whole), is_staged(whole))
        try:
            selector = requirements(str(status(scale).get("selector") or ""))
        except ValueError as error:
            raise Invalid(f"scale of {said(workload)}: {error}; its pods cannot be told from others") from error
        return Scale(replicas, selector)

    def whole(self, workload: Workload) -> Json | None:
        """The object itself, None where it is not there."""
        return self._objects.get(self.name(workload))

    def hpas(self, workload: Workload) -> tuple[Json, ...]:
        """HorizontalPodAutoscalers that move it."""
        return self._targeting(HPA.resource, workload)

    def scaled_objects(self, workload: Workload) -> tuple[Json, ...]:
        """KEDA's ScaledObjects that move it."""
        return self._targeting(SCALED_OBJECT.resource, workload)

    def _without_scale(self, workload: Workload) -> Scale:
        """Of a KServe object, which tells its pods by labels of its name."""
        thing = self.whole(workload)
        if thing is None:
            raise NotFound(f"{said(workload)} is not there; create it, or correct `workload` in the policy")
        told = POD_LABELS[workload.kind].items()
        selector = tuple(
            {"key": key, "operator": "In", "values": [value.format(name=workload.name)]} for key, value in told
        )
        kind = kserve_kind(workload.kind, thing)
        return Scale(floor_of(kind, thing), selector)

    def get(self, name: Name) -> Json | None:
        """An object, None where it is not there."""
        return self._objects.get(name)

    def set(self, workload: Workload, replicas: int) -> None:
        """Asks for so many replicas, whoever moves them."""
        self._objects.merge_patch(self.name(workload, "scale"), {"spec": {"replicas": replicas}})

    def _targeting(self, resource: Resource, workload: Workload) -> tuple[Json, ...]:
        """Objects of a kind whose target is the workload; none where the kind is not installed."""
        try:
            found = [
                item for page in pages(self._transport, Selection(resource, workload.namespace)) for item in page.items
            ]
        except NotFound:
            return ()
        return tuple(item for item in found if _targets(spec(item).get("scaleTargetRef") or {}, workload))

    def name(self, workload: Workload, subresource: str = "") -> Name:
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
        needs_scale = not is_kserve(workload.api_version, workload.kind)
        for plural, kind in kinds.items():
            if kind == workload.kind and "/" not in plural and (f"{plural}/scale" in kinds or not needs_scale):
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


def theirs(workload: Workload, owners: Sequence[tuple[str, str]]) -> OwnedByOthers:
    """The refusal to move what others move: (who, field) of each."""
    who = ", ".join(manager for manager, _ in owners)
    verb = "moves" if len(owners) == 1 else "move"
    return OwnedByOthers(
        f"the replicas of {said(workload)}: {who} {verb} them; correct `replicas.via` or `workload` of the policy, or "
        "keep it in mode observe",
        tuple(owners),
    )


def said(workload: Workload) -> str:
    """The workload in words."""
    return f"{workload.kind} {workload.namespace}/{workload.name}"
