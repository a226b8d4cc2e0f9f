"""Whether an owner follows its floor, and what keeps it from that. No I/O."""

from __future__ import annotations

from autoscaler.adapters.kubernetes.owners.finder import Owner
from autoscaler.adapters.kubernetes.owners.kinds import HPA, SCALED_OBJECT
from autoscaler.placeholder.pod import condition, metadata
from autoscaler.ports.replicas import OwnerReport

SCALING_DISABLED = "ScalingDisabled"
OWNER_PAUSED = "OwnerPaused"
PAUSED = ("autoscaling.keda.sh/paused", "autoscaling.keda.sh/paused-replicas", "autoscaling.keda.sh/paused-scale-in")


def is_off(owner: Owner, replicas: int) -> bool:
    """Whether it leaves a workload at zero, whatever floor it has: an HPA does, unless it took it to zero itself."""
    if owner.kind is not HPA or replicas > 0:
        return False
    return condition(owner.thing, "ScaledToZero").get("status") != "True"


def report(owner: Owner, replicas: int, floor: int) -> OwnerReport:
    """replicas: that the workload asks for now. floor: that the owner's field says."""
    who = f"{owner} {owner.path}"
    if owner.kind is HPA:
        return _of_hpa(owner, who, replicas, floor)
    if owner.kind is SCALED_OBJECT:
        return _of_keda(owner, who, replicas, floor)
    return OwnerReport(who, True, "Followed", f"{who} carries the floor")


def _of_hpa(owner: Owner, who: str, replicas: int, floor: int) -> OwnerReport:
    active = condition(owner.thing, "ScalingActive")
    if is_off(owner, replicas) and floor > 0:
        said = "the workload is at zero replicas and the HPA is off until somebody scales it up; a floor of ours does"
        return OwnerReport(who, False, "TargetAtZero", f"{who}: {said}")
    if active.get("status") == "False" and active.get("reason") != SCALING_DISABLED:
        return _dead(who, str(active.get("message") or active.get("reason")), replicas, floor)
    return OwnerReport(who, True, "Followed", f"{who} carries the floor")


def _of_keda(owner: Owner, who: str, replicas: int, floor: int) -> OwnerReport:
    notes = metadata(owner.thing).get("annotations") or {}
    paused = [key for key in PAUSED if key in notes and str(notes[key]).lower() != "false"]
    if paused:
        said = f"KEDA is paused by annotation {paused[0]}: no floor is followed until that is gone"
        return OwnerReport(who, False, OWNER_PAUSED, f"{who}: {said}")
    ready = condition(owner.thing, "Ready")
    if ready.get("status") == "False":
        return _dead(who, str(ready.get("message") or ready.get("reason")), replicas, floor)
    return OwnerReport(who, True, "Followed", f"{who} carries the floor")


def _dead(who: str, why: str, replicas: int, floor: int) -> OwnerReport:
    above = max(replicas - floor, 0)
    kept = (
        f"{above} replicas above it stay until they can, and are not ours to free" if above else "none stand above it"
    )
    said = "its metrics cannot be read: a floor that rises is followed, one that falls is not until they can"
    return OwnerReport(who, False, "MetricDead", f"{who}: {said}; {kept}. {why}")
