"""Waking: whether a workload that may go to zero gets there, and who wakes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from autoscaler.doctor.facts import Facts, Unread, WorkloadFacts, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check
from autoscaler.placeholder.pod import Json, metadata, name, spec

TOPIC = "waking"
NO_METRIC = Kind(
    "ZeroRefused",
    Level.ERROR,
    "The policy has `replicas.min: 0`, and the HPA cannot do zero: the server takes `minReplicas: 0` only with a "
    "metric of type External or Object, since those of pods tell nothing once there are none.",
    "Write `min: 1`, give the HPA such a metric, or let KEDA own the replicas.",
)
KEPT = Kind(
    "ZeroNotReached",
    Level.NOTE,
    "The policy has `replicas.min: 0`, and the owner of the replicas keeps more: what its user wrote there is a "
    "minimum, and it is never lowered.",
    "Write the same in `replicas.min`, or 0 in the owner's field (HPA `minReplicas`, ScaledObject `minReplicaCount`).",
)
KNATIVE = Kind(
    "ZeroByKnative",
    Level.NOTE,
    "Knative wakes the workload itself: its activator holds the first request. A floor above zero is still ours, "
    "through the InferenceService.",
    "Nothing; read the queue of the activator, so that we see who waits too.",
)
KINDS = (NO_METRIC, KEPT, KNATIVE)
OUTSIDE = {"External", "Object"}
MODE = "serving.kserve.io/deploymentMode"
KNATIVE_MODES = {"Serverless", "Knative"}


def checks(facts: Facts) -> Iterator[Check]:
    """One for each workload."""
    for workload in facts.workloads:
        yield check(TOPIC, workload.policy.name, _findings(workload))


def _findings(workload: WorkloadFacts) -> Iterator[Finding]:
    """What cannot be read is told by the checks of owners."""
    if workload.policy.model.replicas.min > 0 or workload.policy.model.replicas.via == "metric":
        return
    where = line(workload.policy, "spec", "replicas", "min")
    if isinstance(workload.whole, Mapping) and _is_knative(workload.whole):
        yield Finding(KNATIVE, where, f"it is deployed by Knative, as {MODE} or its maker says")
    if not isinstance(workload.scaled_objects, Unread):
        for scaled in workload.scaled_objects:
            least = int(spec(scaled).get("minReplicaCount") or 0)
            if least > 0:
                yield Finding(KEPT, where, f"ScaledObject {name(scaled)} keeps {least}")
    if not isinstance(workload.hpas, Unread):
        for hpa in workload.hpas:
            yield from _of_hpa(hpa, where)


def _of_hpa(hpa: Json, where: str) -> Iterator[Finding]:
    """KEDA's own HPA is left out: KEDA takes it to zero beside it."""
    if any(owner.get("kind") == "ScaledObject" for owner in metadata(hpa).get("ownerReferences") or ()):
        return
    least = int(spec(hpa).get("minReplicas", 1))
    kinds = sorted({str(metric.get("type")) for metric in spec(hpa).get("metrics") or ()}) or ["Resource"]
    if not OUTSIDE & set(kinds):
        yield Finding(NO_METRIC, where, f"HorizontalPodAutoscaler {name(hpa)} has metrics of type {', '.join(kinds)}")
    elif least > 0:
        yield Finding(KEPT, where, f"HorizontalPodAutoscaler {name(hpa)} keeps {least}")


def _is_knative(whole: Json) -> bool:
    """Of an InferenceService, or a Deployment that a Knative Revision made."""
    if (metadata(whole).get("annotations") or {}).get(MODE) in KNATIVE_MODES:
        return True
    owners = metadata(whole).get("ownerReferences") or ()
    return any(str(owner.get("apiVersion")).startswith("serving.knative.dev/") for owner in owners)
