"""Placeholders, tried on the real server without keeping any: quota, Pod Security, limits and admission rules."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autoscaler.doctor.facts import Facts, Told, Unread, Why, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told, waits
from autoscaler.placeholder.pod import Json, is_leaving, spec, status

TOPIC = "placeholders"
NO_NAMESPACE = Kind(
    "NamespaceMissing",
    Level.ERROR,
    "The namespace of placeholders does not exist.",
    "Create it, or name the right one with `--namespace`.",
)
LEAVING = Kind(
    "NamespaceTerminating",
    Level.ERROR,
    "The namespace of placeholders is being deleted; nothing can be created in it.",
    "Wait until it is gone and create it again; what holds it up stands in its status conditions.",
)
QUOTA = Kind(
    "QuotaRefuses",
    Level.ERROR,
    "A ResourceQuota of the namespace leaves no room for one placeholder.",
    "Raise the quota to what budgets and pools allow, or ask for less.",
)
SECURITY = Kind(
    "PodSecurityRefuses",
    Level.ERROR,
    "Pod Security of the namespace refuses placeholders, which meet `restricted`: an admission rule has changed "
    "them, or the version that is enforced asks for more.",
    "Take the namespace out of the rule that changes pods, or enforce `restricted` of this server's version.",
)
LIMITS = Kind(
    "LimitRangeRefuses",
    Level.ERROR,
    "A LimitRange of the namespace refuses pods as large as the workload's.",
    "Remove it, or raise its limits above one replica's requests.",
)
RULES = Kind(
    "AdmissionRefuses",
    Level.ERROR,
    "An admission webhook or policy refuses placeholders.",
    "Exempt the namespace, or give what the rule asks for: `placeholders.labels`, `placeholders.annotations` and "
    "`placeholders.image` in the chart's values.",
)
REFUSED = Kind(
    "PlaceholderRefused",
    Level.ERROR,
    "The API server refuses the placeholder.",
    "Do what the server says.",
)
CHANGED = Kind(
    "PlaceholderChanged",
    Level.WARNING,
    "Admission changes placeholders, so they hold other room than a pod of the workload needs, or stand elsewhere.",
    "Exempt the namespace from what changes pods: an injected sidecar, default limits, a node selector.",
)
GATED = Kind(
    "PlaceholderGated",
    Level.ERROR,
    "Somebody holds placeholders back with a scheduling gate; node autoscalers do not see them.",
    "Exempt the namespace; Kueue: `managedJobsNamespaceSelector`.",
)
KINDS = (NO_NAMESPACE, LEAVING, QUOTA, SECURITY, LIMITS, RULES, REFUSED, CHANGED, GATED)
ELSEWHERE = re.compile(
    r"cannot create resource|no PriorityClass with name|PreemptionPolicy \(Never\) must not|"
    r"namespaces? \"[^\"]*\" not found|because it is being terminated"
)
"""Refusals that another check explains."""
OF_TEXT = (
    (re.compile(r"violates PodSecurity"), SECURITY),
    (re.compile(r"(?:maximum|minimum) \S+ usage per|limit to request ratio per"), LIMITS),
    (re.compile(r"admission webhook|calling webhook|AdmissionPolicy"), RULES),
)


def checks(facts: Facts) -> Iterator[Check]:
    """One for the namespace, and one for each workload in each of its pools."""
    yield check(TOPIC, f"namespace {facts.house.namespace}", _of_namespace(facts.namespace, facts.house.namespace))
    for workload in facts.workloads:
        where = line(workload.policy, "spec", "workload")
        for trial in workload.trials:
            if isinstance(trial.sent, Unread):
                continue  # the check of placement says why there is none to try
            yield check(TOPIC, f"{workload.policy.name} in {trial.pool}", _of_trial(trial.sent, trial.admitted, where))


def _of_namespace(namespace: Told[Json | None], name: str) -> Iterator[Finding]:
    where = f"Namespace {name}"
    if isinstance(namespace, Unread):
        yield from not_told(where, namespace.said)
    elif namespace is None:
        yield Finding(NO_NAMESPACE, where, "there is none of this name")
    elif is_leaving(namespace) or status(namespace).get("phase") == "Terminating":
        yield Finding(LEAVING, where, "it is being deleted")


def _of_trial(sent: Json, admitted: Told[Json], where: str) -> Iterator[Finding]:
    if isinstance(admitted, Unread):
        yield from _refused(admitted, where)
    else:
        if gates := spec(admitted).get("schedulingGates"):
            names = ", ".join(str(gate.get("name")) for gate in gates)
            yield Finding(GATED, where, f"admission adds the gate {names}")
        if changed := _changed(spec(sent), spec(admitted)):
            yield Finding(CHANGED, where, f"admission changes {', '.join(changed)}")


def _refused(refusal: Unread, where: str) -> Iterator[Finding]:
    if refusal.why is Why.QUOTA:
        yield Finding(QUOTA, where, refusal.said)
        return
    named = next((kind for pattern, kind in OF_TEXT if pattern.search(refusal.said)), None)
    if named is None and ELSEWHERE.search(refusal.said):
        yield from waits(where, refusal.said)
    elif named is None and refusal.why is Why.SILENT:
        yield from not_told(where, refusal.said)
    else:
        yield Finding(named or REFUSED, where, refusal.said)


def _changed(sent: Json, admitted: Json) -> list[str]:
    """What of a placeholder's room and place is another after admission."""
    one, other = (_essence(pod) for pod in (sent, admitted))
    return [part for part in one if one[part] != other[part]]


def _essence(pod: Json) -> dict[str, object]:
    containers = [*(pod.get("containers") or ()), *(pod.get("initContainers") or ())]
    return {
        "its containers": [container.get("name") for container in containers],
        "its resources": [container.get("resources") for container in containers],
        "nodeSelector": pod.get("nodeSelector") or {},
        "affinity": pod.get("affinity") or {},
        "schedulerName": pod.get("schedulerName"),
    }
