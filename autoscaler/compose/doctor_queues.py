"""Facts about policies for queued work, read for the preflight."""

from __future__ import annotations

from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.preflight import Preflight
from autoscaler.adapters.kubernetes.waiting.kinds import JOB_SETS, KUEUE_GROUP, VERSIONS, kueue
from autoscaler.compose.doctor_told import told
from autoscaler.doctor.facts import QueueFacts
from autoscaler.policy.check import QueueDocument
from autoscaler.policy.folder import PolicySet


def queue_facts(found: PolicySet, preflight: Preflight) -> tuple[QueueFacts, ...]:
    """Of each such policy."""
    return tuple(
        QueueFacts(
            policy=document,
            missing=told(lambda document=document: _missing(document, preflight)),  # type: ignore[misc]
            check=told(lambda document=document: _check(document, preflight)),  # type: ignore[misc]
        )
        for document in found.queues
    )


def _missing(document: QueueDocument, preflight: Preflight) -> tuple[str, ...]:
    """Kinds that it names, and that are not served."""
    there = {"pods": True, "jobs": True}
    there["jobsets"] = preflight.served(JOB_SETS.api_version, JOB_SETS.kind) is not None
    there["workloads"] = bool(_kueue_version(preflight))
    return tuple(kind for kind in document.model.kinds if not there[kind])


def _check(document: QueueDocument, preflight: Preflight) -> Json | None:
    use, version = document.model.admission_check, _kueue_version(preflight)
    if use is None or not version:
        return None
    return preflight.find(kueue(version, "admissionchecks", "AdmissionCheck"), use.name)


def _kueue_version(preflight: Preflight) -> str:
    """The newest that is served and that we speak, empty where there is none."""
    return next((one for one in VERSIONS if preflight.served(f"{KUEUE_GROUP}/{one}", "Workload")), "")
