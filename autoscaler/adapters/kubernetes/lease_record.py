"""What a Lease object says: who leads, since when, and how long after its last sign of life."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.micro_time import micro_time, seconds


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """holder: identity, empty where nobody leads. duration_s: how long after its last renewal it may lead.

    acquired_s, renewed_s: wall time of the holder, for people: its clock may be wrong. transitions: changes of holder.
    """

    holder: str
    duration_s: float
    acquired_s: float
    renewed_s: float
    transitions: int

    def spec(self) -> dict[str, object]:
        """As the API wants it."""
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": max(round(self.duration_s), 1),
            "acquireTime": micro_time(self.acquired_s),
            "renewTime": micro_time(self.renewed_s),
            "leaseTransitions": self.transitions,
        }


def lease_record(lease: Json) -> LeaseRecord:
    """What a Lease says; fields that somebody left out or spoiled count as nothing said."""
    spec = lease.get("spec") or {}
    return LeaseRecord(
        holder=str(spec.get("holderIdentity") or ""),
        duration_s=float(spec.get("leaseDurationSeconds") or 0.0),
        acquired_s=seconds(spec.get("acquireTime")),
        renewed_s=seconds(spec.get("renewTime")),
        transitions=int(spec.get("leaseTransitions") or 0),
    )
