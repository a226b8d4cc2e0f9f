"""The replicas port: the field that moves the replicas of a workload, also of one that no policy is for any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from autoscaler.ports.events import ObjectReference


@dataclass(frozen=True, slots=True)
class FloorField:
    """owner: the object that has it. path: where below it, with dots: `spec.minReplicas`, `scale.spec.replicas`."""

    owner: ObjectReference
    path: str

    def __str__(self) -> str:
        return f"{self.owner.kind} {self.owner.namespace}/{self.owner.name} {self.path}"


@dataclass(frozen=True, slots=True)
class FieldReading:
    """value: as it stands, None where the object does not have the field. is_ours: nobody has set it since we did.

    by: who set it last, in the server's own words; empty where the server does not say.
    """

    field: FloorField
    value: int | None
    is_ours: bool
    by: str = ""


@dataclass(frozen=True, slots=True)
class OwnerReport:
    """owner: who moves the replicas and by which field, empty where that is not known. follows: whether it does what
    its field says, None where that is not known. reason: a stable word; message: a sentence, and what to do.
    """

    owner: str
    follows: bool | None
    reason: str
    message: str


class ReplicasPort(Protocol):
    """Reads the field, and gives it back."""

    def read(self, workload: ObjectReference, via: str) -> FieldReading:
        """The field by which `via` moves the replicas now, looked up anew. Raises `OwnedByOthers` where they are not
        ours to move, and other `PortError`s.
        """
        ...

    def give_back(self, field: FloorField, value: int | None) -> FieldReading:
        """Writes the value, as before we moved it (None takes the field away), unless somebody has set it since: the
        reading says which, as it was before. Raises `NotFound` where the object is gone, and other `PortError`s.
        """
        ...
