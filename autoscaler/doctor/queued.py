"""Policies for queued work: whether the kinds that they name are there, and the AdmissionCheck that we answer."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.doctor.facts import Facts, QueueFacts, Unread, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told
from autoscaler.placeholder.pod import spec

TOPIC = "queued work"
CONTROLLER = "gpu-autoscaler.io/nodes"
NO_KIND = Kind(
    "QueuedKindMissing",
    Level.NOTE,
    "A policy for queued work names a kind that the cluster does not have: there is none of it to wait.",
    "Nothing, or install it; it is looked for again every minute.",
)
NO_CHECK = Kind(
    "AdmissionCheckMissing",
    Level.ERROR,
    "The AdmissionCheck that a policy answers is not there: nothing is held until its nodes stand.",
    f"Make it, with `spec.controllerName: {CONTROLLER}`, and name it in the ClusterQueue: docs/queued-work.md.",
)
OTHERS_CHECK = Kind(
    "AdmissionCheckOfOthers",
    Level.ERROR,
    "The AdmissionCheck that a policy names is answered by another controller: ours leaves it alone.",
    f"Write `spec.controllerName: {CONTROLLER}`, which takes a new AdmissionCheck, or correct the policy.",
)
KINDS = (NO_KIND, NO_CHECK, OTHERS_CHECK)


def checks(facts: Facts) -> Iterator[Check]:
    """One for each policy for queued work."""
    for queue in facts.queues:
        yield check(TOPIC, queue.policy.name, _findings(queue))


def _findings(queue: QueueFacts) -> Iterator[Finding]:
    where = line(queue.policy, "spec", "kinds")
    if isinstance(queue.missing, Unread):
        yield from not_told(where, queue.missing.said)
    elif queue.missing:
        yield Finding(NO_KIND, where, f"not installed: {', '.join(queue.missing)}")
    use = queue.policy.model.admission_check
    if use is None:
        return
    where = line(queue.policy, "spec", "admissionCheck", "name")
    if isinstance(queue.check, Unread):
        yield from not_told(where, queue.check.said)
    elif queue.check is None:
        yield Finding(NO_CHECK, where, f"there is no AdmissionCheck {use.name}")
    elif spec(queue.check).get("controllerName") != CONTROLLER:
        named = spec(queue.check).get("controllerName")
        yield Finding(OTHERS_CHECK, where, f"the controller of AdmissionCheck {use.name} is {named}")
