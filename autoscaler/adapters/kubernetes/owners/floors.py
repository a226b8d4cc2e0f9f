"""Floors through the owner's own field: seen each tick, moved, and given back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.scales import Scale, Scales
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.owners.finder import METRIC, Finder, Owner
from autoscaler.adapters.kubernetes.owners.following import OWNER_PAUSED, is_off, report
from autoscaler.adapters.kubernetes.owners.kinds import KINDS, SCALE, OwnerKind, Path, floor_of, most_of, value_at
from autoscaler.adapters.kubernetes.owners.managed import said, setters
from autoscaler.policy.model import CapacityPolicy, Workload
from autoscaler.ports.errors import NotFound, OwnedByOthers
from autoscaler.ports.events import ObjectReference
from autoscaler.ports.replicas import FieldReading, FloorField, OwnerReport

FIND_EVERY_S = 60.0
"""How long an owner that was found is looked at before it is asked anew whether another has come: before each move it
is asked in any case.
"""
NOT_OURS, OWNER_MISSING = "NotOurs", "OwnerMissing"


@dataclass(frozen=True, slots=True)
class FloorSeen:
    """floor: what is asked for now, 0 where the owner leaves the workload at zero whatever its field says. least: that
    its user wrote, as long as we have not moved it; 0 where the field is no minimum. most: None for no limit.
    coming: replicas that there will be, those that a floor just raised has the owner ask for included.
    """

    floor: int
    coming: int
    least: int
    most: int | None
    report: OwnerReport

    @property
    def is_unmoved(self) -> bool:
        """Whether the floor cannot be moved at present, or would not be followed."""
        return self.report.reason in (NOT_OURS, OWNER_MISSING, OWNER_PAUSED)


@dataclass(frozen=True, slots=True)
class _Found:
    owner: Owner
    at_s: float


class Floors:
    """`ReplicasPort`, and what the cluster port needs of owners. All but `look` raise `PortError`."""

    def __init__(self, objects: Objects, scales: Scales) -> None:
        self._objects, self._scales = objects, scales
        self._finder = Finder(scales)
        self._found: dict[tuple[str, ...], _Found] = {}

    def look(self, policy: CapacityPolicy, scale: Scale, now_s: float) -> FloorSeen:
        """What the owner's field says at `now_s` (seconds since the epoch). Raises other `PortError`s than that the
        replicas are another's, which is an answer: the number of replicas is then taken for the floor.
        """
        workload, via = policy.workload, policy.replicas.via
        if via == METRIC:
            said = "the floor is published, and whoever reads it moves the replicas"
            return FloorSeen(scale.replicas, scale.replicas, 0, None, OwnerReport("", None, "Published", said))
        try:
            owner = self._owner(workload, via, now_s)
        except OwnedByOthers as error:
            return FloorSeen(scale.replicas, scale.replicas, 0, None, OwnerReport("", False, NOT_OURS, str(error)))
        except NotFound as error:
            return FloorSeen(scale.replicas, scale.replicas, 0, None, OwnerReport("", False, OWNER_MISSING, str(error)))
        if owner.kind.via == SCALE:
            return FloorSeen(scale.replicas, scale.replicas, 0, None, report(owner, scale.replicas, scale.replicas))
        floor = floor_of(owner.kind, owner.thing)
        told = report(owner, scale.replicas, floor)
        least = floor if owner.kind.is_floor else 0
        asked = 0 if is_off(owner, scale.replicas) else floor
        if told.reason == OWNER_PAUSED:
            asked = min(asked, scale.replicas)
        return FloorSeen(asked, max(scale.replicas, asked), least, most_of(owner.kind, owner.thing), told)

    def move(self, policy: CapacityPolicy, replicas: int) -> None:
        """Asks the owner for at least so many. Raises `OwnedByOthers` where they are not ours to move."""
        workload = policy.workload
        owner = self._finder.find(workload, policy.replicas.via)
        if owner.kind.via == SCALE:
            self._scales.set(workload, replicas)
            return
        if replicas > 0 and is_off(owner, self._scales.read(workload).replicas):
            self._scales.set(workload, replicas)  # raising its field alone does nothing: the HPA is off at zero
        if floor_of(owner.kind, owner.thing) != replicas:
            self._objects.merge_patch(owner.name, _patch(owner.kind.path, replicas))
        self._found.pop(_key(workload, policy.replicas.via), None)

    def read(self, workload: ObjectReference, via: str) -> FieldReading:
        """As `ReplicasPort`."""
        owner = self._finder.find(_workload(workload), via)
        about = _about(owner)
        return self._reading(FloorField(about, owner.path), owner.kind.path, owner.thing)

    def give_back(self, field: FloorField, value: int | None) -> FieldReading:
        """As `ReplicasPort`."""
        workload = _workload(field.owner)
        kind = _kind(field)
        name = self._scales.name(workload) if kind is None else Name(kind.resource, workload.namespace, workload.name)
        thing = self._scales.get(name)
        if thing is None:
            raise NotFound(f"read {name}: it is not there")
        reading = self._reading(field, ("spec", "replicas") if kind is None else kind.path, thing)
        if not reading.is_ours or reading.value == value:
            return reading
        if kind is None:
            self._scales.set(workload, value or 0)
        else:
            self._objects.merge_patch(name, _patch(kind.path, value))
        return reading

    def _owner(self, workload: Workload, via: str, now_s: float) -> Owner:
        key = _key(workload, via)
        found = self._found.get(key)
        if found is not None and now_s < found.at_s + FIND_EVERY_S:
            if found.owner.kind.via == SCALE:
                return found.owner
            thing = self._scales.get(found.owner.name)
            if thing is not None:
                return Owner(found.owner.kind, found.owner.name, thing)
        owner = self._finder.find(workload, via)
        self._found[key] = _Found(owner, now_s)
        return owner

    def _reading(self, field: FloorField, path: Path, thing: Mapping[str, object]) -> FieldReading:
        by = setters(thing, path)
        ours = not by or any(entry.get("manager") == self._objects.manager for entry in by)
        others = [entry for entry in by if entry.get("manager") != self._objects.manager]
        return FieldReading(field, value_at(thing, path), ours, said(others))


def _kind(field: FloorField) -> OwnerKind | None:
    """Of the owner; None for the workload itself."""
    for kind in KINDS:
        if kind.resource.kind == field.owner.kind and ".".join(kind.path) == field.path:
            return kind
    return None


def _patch(path: Path, value: int | None) -> dict[str, object]:
    patch: object = value
    for part in reversed(path):
        patch = {part: patch}
    assert isinstance(patch, dict)
    return patch


def _about(owner: Owner) -> ObjectReference:
    name = owner.name
    return ObjectReference(name.resource.api_version, name.resource.kind, name.namespace or "", name.name, "")


def _key(workload: Workload, via: str) -> tuple[str, ...]:
    return (workload.api_version, workload.kind, workload.namespace, workload.name, via)


def _workload(about: ObjectReference) -> Workload:
    named = {"apiVersion": about.api_version, "kind": about.kind, "namespace": about.namespace, "name": about.name}
    return Workload.model_validate(named)
