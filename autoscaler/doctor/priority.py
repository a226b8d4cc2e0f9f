"""Priorities: that of placeholders, which every real pod must be above and node autoscalers must see, and those of
workloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoscaler.doctor.facts import Facts, Told, Unread, Why, WorkloadFacts, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told, waits
from autoscaler.placeholder.pod import spec

TOPIC = "priority"
LOWEST, HIGHEST = -10, -1
MISSING = Kind(
    "PriorityClassMissing",
    Level.ERROR,
    "The PriorityClass of placeholders does not exist, so no placeholder is admitted.",
    "Install the chart with `placeholders.priorityClass.create: true`, or name the class with "
    "`--placeholder-priority-class` (GPU_AUTOSCALER_PLACEHOLDER_PRIORITY_CLASS).",
)
TOO_LOW = Kind(
    "PriorityTooLow",
    Level.ERROR,
    "Cluster Autoscaler ignores pods below its cutoff (`--expendable-pods-priority-cutoff`, -10 where it is not set) "
    "without an event: placeholders would bring no node.",
    "Make a PriorityClass of value -10 and of another name, since the value of one cannot be changed.",
)
TOO_HIGH = Kind(
    "PriorityTooHigh",
    Level.ERROR,
    "Placeholders of priority 0 or more do not yield to ordinary pods, whose priority is 0.",
    "Make a PriorityClass of value -10 and of another name, since the value of one cannot be changed.",
)
PREEMPTS = Kind(
    "PlaceholdersPreempt",
    Level.ERROR,
    "The PriorityClass of placeholders lets them displace others. Ours say `Never`, so they are refused.",
    "Make a PriorityClass with `preemptionPolicy: Never` and of another name.",
)
DEFAULT = Kind(
    "PriorityClassIsDefault",
    Level.ERROR,
    "The PriorityClass of placeholders is the cluster's default: every pod without a class has their priority.",
    "Set `globalDefault: false` on it.",
)
NOT_ABOVE = Kind(
    "WorkloadNotAbove",
    Level.NOTE,
    "The workload's priority is not above that of placeholders, so its pods cannot displace them. The controller "
    "deletes a placeholder for each pod that waits, which takes a second or two more.",
    "For the scheduler's own speed give the workload a higher priority. Below -10 Cluster Autoscaler ignores its pods.",
)
NEVER = Kind(
    "WorkloadNeverPreempts",
    Level.NOTE,
    "The workload's pods have `preemptionPolicy: Never`. The controller deletes a placeholder for each pod that waits, "
    "which takes a second or two more.",
    "For the scheduler's own speed use a PriorityClass without it.",
)
KINDS = (MISSING, TOO_LOW, TOO_HIGH, PREEMPTS, DEFAULT, NOT_ABOVE, NEVER)


@dataclass(frozen=True, slots=True)
class Rank:
    """What a PriorityClass, or a pod of it, says. default: None where that is not known."""

    value: int
    preempts: str
    default: bool | None


def checks(facts: Facts) -> Iterator[Check]:
    """One for the class, and one for each workload."""
    rank = _rank(facts)
    where = f"PriorityClass {facts.house.priority_class}"
    yield check(TOPIC, "placeholders", _of_class(rank, where, facts.cutoff))
    value = rank.value if isinstance(rank, Rank) else LOWEST
    for workload in facts.workloads:
        yield check(TOPIC, workload.policy.name, _of_workload(workload, value))


def _rank(facts: Facts) -> Told[Rank | None]:
    """Of the class; where it may not be read, of a placeholder that was admitted with it."""
    found = facts.priority_class
    if not isinstance(found, Unread):
        if found is None:
            return None
        policy = str(found.get("preemptionPolicy") or "PreemptLowerPriority")
        return Rank(int(found["value"]), policy, bool(found.get("globalDefault")))
    for trial in (trial for workload in facts.workloads for trial in workload.trials):
        if not isinstance(trial.admitted, Unread):
            pod = spec(trial.admitted)
            return Rank(int(pod.get("priority") or 0), str(pod.get("preemptionPolicy")), None)
    return found


def _of_class(rank: Told[Rank | None], where: str, cutoff: int | None) -> Iterator[Finding]:
    if isinstance(rank, Unread):
        yield from not_told(where, rank.said)
        return
    if rank is None:
        yield Finding(MISSING, where, "there is none of this name")
        return
    least = LOWEST if cutoff is None else cutoff
    if rank.value < least:
        said = "by default" if cutoff is None else "in this cluster"
        yield Finding(TOO_LOW, where, f"its value is {rank.value}, and the cutoff is {least} {said}")
    if rank.value > HIGHEST:
        yield Finding(TOO_HIGH, where, f"its value is {rank.value}")
    if rank.preempts != "Never":
        yield Finding(PREEMPTS, where, f"its preemptionPolicy is {rank.preempts}")
    if rank.default:
        yield Finding(DEFAULT, where, "globalDefault is true")


def _of_workload(workload: WorkloadFacts, placeholders: int) -> Iterator[Finding]:
    where = line(workload.policy, "spec", "workload")
    if isinstance(workload.pod, Unread):
        yield from (waits if workload.pod.why is Why.MISSING else not_told)(where, workload.pod.said)
        return
    pod = spec(workload.pod)
    if "priority" in pod and int(pod["priority"]) <= placeholders:
        yield Finding(NOT_ABOVE, where, f"its pods have priority {pod['priority']}, placeholders {placeholders}")
    if pod.get("preemptionPolicy") == "Never":
        yield Finding(NEVER, where, "its pods have preemptionPolicy Never")
