"""Workloads: whether they are there, can be scaled, and who else moves their replicas."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from autoscaler.doctor.facts import Facts, ServedKind, Unread, WorkloadFacts, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told
from autoscaler.placeholder.pod import Json, condition, metadata, name, spec, status
from autoscaler.placeholder.quantity import ONE, billionths
from autoscaler.policy.demand import Demand

TOPIC = "workloads"
NO_KIND = Kind(
    "KindMissing",
    Level.ERROR,
    "The server does not know the kind of the workload.",
    "Correct `apiVersion` and `kind`, or install the definition of the kind.",
)
NO_SCALE = Kind(
    "ScaleMissing",
    Level.ERROR,
    "The kind has no scale subresource, so nobody can move its replicas, nor tell its pods.",
    "Name the object that has one: a Deployment, a StatefulSet, a LeaderWorkerSet.",
)
NO_WORKLOAD = Kind(
    "WorkloadMissing",
    Level.ERROR,
    "The workload does not exist.",
    "Create it, or correct namespace and name in the policy.",
)
NOT_MOVED = Kind(
    "FloorNotMoved",
    Level.WARNING,
    "Another object made the workload and writes its number of replicas, and which field of it would carry a floor is "
    "not known. Floors are planned and told, and nobody moves them; placeholders are made all the same.",
    "Name in the policy the object that has a scale subresource or an HPA, or write `via: metric` to say that this is "
    "meant.",
)
IN_THE_WAY = Kind(
    "OwnerInTheWay",
    Level.ERROR,
    "The policy says who moves the replicas, and somebody else does. Each floor would be refused.",
    "Remove the other owner, or write `via: auto`.",
)
NO_OWNER = Kind(
    "OwnerMissing",
    Level.ERROR,
    "The policy names an owner of the replicas that there is not.",
    "Create it, or write `via: auto`.",
)
DEAD = Kind(
    "OwnerBlind",
    Level.WARNING,
    "The HPA or KEDA cannot read its metrics. It follows a floor that rises; one that falls frees nothing until "
    "it can.",
    "Mend what its condition says.",
)
AT_ZERO = Kind(
    "HpaOffAtZero",
    Level.WARNING,
    "The workload is at zero replicas and its HPA is off: an HPA wakes only what it took to zero itself. The first "
    "floor above zero scales the workload up directly.",
    "Keep minReplicas at 1 or more, or let KEDA own the replicas, which wakes from zero by itself.",
)
SEVERAL = Kind(
    "SeveralOwners",
    Level.ERROR,
    "Several autoscalers move the same replicas and undo each other's work.",
    "Keep one.",
)
PINNED = Kind(
    "HpaPinned",
    Level.WARNING,
    "The HPA's minReplicas is its maxReplicas: the peak stands all day, and there is nothing left to save.",
    "Lower minReplicas to what the night needs; the floor raises it in time.",
)
WANTS_MORE = Kind(
    "HpaWantsMore",
    Level.WARNING,
    "The HPA or KEDA is told that a replica carries less than the policy says. It always asks for more replicas "
    "than the floor, and what a better forecast saves is eaten.",
    "Give both the same figure: its target, and `perReplica` in the policy.",
)
KINDS = (
    NO_KIND, NO_SCALE, NO_WORKLOAD, NOT_MOVED, IN_THE_WAY, NO_OWNER, DEAD, AT_ZERO, SEVERAL, PINNED, WANTS_MORE,
)  # fmt: skip
OWNERS = {"hpa": "HorizontalPodAutoscaler", "keda": "ScaledObject"}
KSERVE, KSERVE_KINDS = (
    "serving.kserve.io",
    {"InferenceService": "inferenceservices", "LLMInferenceService": "llminferenceservices"},
)
OWNER_KINDS = {"hpa": ("autoscaling", "horizontalpodautoscalers"), "keda": ("keda.sh", "scaledobjects")}
MARGIN = 0.999
_ENDINGS = re.compile(r"(?:_total|_per_second|_rate|_count|_avg|_sum)+$")
_WORDS = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LEAST_LETTERS = 5
"""A shorter name says nothing about what is measured."""


def checks(facts: Facts) -> Iterator[Check]:
    """One for each workload."""
    for workload in facts.workloads:
        yield check(TOPIC, workload.policy.name, _findings(workload))


def _findings(workload: WorkloadFacts) -> Iterator[Finding]:
    where, asked = line(workload.policy, "spec", "workload"), workload.policy.model.workload
    if isinstance(workload.kind, Unread):
        yield from not_told(where, workload.kind.said)
    elif workload.kind is None:
        yield Finding(NO_KIND, where, f"{asked.api_version} has no {asked.kind}")
    elif not (workload.kind.scales or workload.kind.group == KSERVE):
        yield Finding(NO_SCALE, where, f"{workload.kind.plural} have no scale")
    elif isinstance(workload.whole, Unread):
        yield from not_told(where, workload.whole.said)
    elif workload.whole is None:
        yield Finding(NO_WORKLOAD, where, f"there is no {asked.kind} {asked.namespace}/{asked.name}")
    elif isinstance(workload.hpas, Unread) or isinstance(workload.scaled_objects, Unread):
        unread = workload.hpas if isinstance(workload.hpas, Unread) else workload.scaled_objects
        assert isinstance(unread, Unread)
        yield from not_told(where, unread.said)
    else:
        hpas = [hpa for hpa in workload.hpas if not _is_of_keda(hpa)]
        yield from _owners(workload, workload.whole, hpas, workload.scaled_objects)
        yield from _eaten(workload, hpas, workload.scaled_objects)


def owner_kind(workload: WorkloadFacts) -> tuple[str, str] | None:
    """(group, plural) of who owns the replicas and has a field for floors; None where the workload itself has it."""
    if isinstance(workload.kind, ServedKind) and workload.kind.group == KSERVE:
        return workload.kind.group, workload.kind.plural
    above = _above(workload.whole if isinstance(workload.whole, Mapping) else {})
    if above is not None and _is_kserve(above):
        return KSERVE, KSERVE_KINDS[above["kind"]]
    if isinstance(workload.scaled_objects, tuple) and workload.scaled_objects:
        return OWNER_KINDS["keda"]
    return OWNER_KINDS["hpa"] if isinstance(workload.hpas, tuple) and workload.hpas else None


def _above(whole: Json) -> Json | None:
    """The object that made the workload, and controls it."""
    return next((owner for owner in metadata(whole).get("ownerReferences") or () if owner.get("controller")), None)


def _is_kserve(owner: Json) -> bool:
    return str(owner.get("apiVersion")).partition("/")[0] == KSERVE and owner.get("kind") in KSERVE_KINDS


def _owners(
    workload: WorkloadFacts, whole: Json, hpas: Sequence[Json], scaled_objects: Sequence[Json]
) -> Iterator[Finding]:
    via, kind = workload.policy.model.replicas.via, workload.kind
    where, above = line(workload.policy, "spec", "replicas", "via"), _above(whole)
    itself = isinstance(kind, ServedKind) and kind.group == KSERVE
    movers = [*_named(OWNERS["hpa"], hpas), *_named(OWNERS["keda"], scaled_objects)]
    maker = [] if above is None else [f"{above.get('kind')} {above.get('name')}"]
    found = [*movers, *maker]
    if len(movers) > 1:
        yield Finding(SEVERAL, where, f"{', '.join(movers)} move it")
    if above is not None and not _is_kserve(above) and via == "auto":
        yield Finding(NOT_MOVED, where, f"{', '.join(found)} moves it")
    if via == "scale" and (found or itself):
        yield Finding(IN_THE_WAY, where, f"{', '.join(found) or workload.policy.model.workload.kind} moves it")
    has = {"hpa": hpas, "keda": scaled_objects, "kserve": itself or (above is not None and _is_kserve(above))}
    if via in has and not has[via]:
        yield Finding(NO_OWNER, where, f"via is {via}, and {', '.join(found) or 'nobody'} owns the replicas")
    yield from _ill(hpas, scaled_objects, whole)


def _ill(hpas: Sequence[Json], scaled_objects: Sequence[Json], whole: Json) -> Iterator[Finding]:
    """Owners that do not, or not wholly, follow a floor."""
    for hpa in hpas:
        active, where = condition(hpa, "ScalingActive"), f"{OWNERS['hpa']} {name(hpa)}"
        is_off = active.get("reason") == "ScalingDisabled" or "ScalingActive" not in str(status(hpa).get("conditions"))
        if spec(whole).get("replicas") == 0 and is_off and condition(hpa, "ScaledToZero").get("status") != "True":
            yield Finding(AT_ZERO, where, "the workload is at zero replicas")
        elif active.get("status") == "False" and active.get("reason") != "ScalingDisabled":
            yield Finding(DEAD, where, str(active.get("message") or active.get("reason")))
    for scaled in scaled_objects:
        ready = condition(scaled, "Ready")
        if ready.get("status") == "False":
            yield Finding(DEAD, f"{OWNERS['keda']} {name(scaled)}", str(ready.get("message") or ready.get("reason")))


def _named(kind: str, things: Sequence[Json]) -> list[str]:
    return [f"{kind} {name(thing)}" for thing in things]


def _is_of_keda(hpa: Json) -> bool:
    """KEDA makes an HPA for each ScaledObject; its figures are KEDA's."""
    return any(owner.get("kind") == "ScaledObject" for owner in metadata(hpa).get("ownerReferences") or ())


def _eaten(workload: WorkloadFacts, hpas: Sequence[Json], scaled_objects: Sequence[Json]) -> Iterator[Finding]:
    for hpa in hpas:
        least, most = spec(hpa).get("minReplicas", 1), spec(hpa).get("maxReplicas", 1)
        where = f"HorizontalPodAutoscaler {name(hpa)}"
        if least >= most:
            yield Finding(PINNED, where, f"minReplicas is {least}, maxReplicas {most}")
        yield from _lower(workload.policy.model.demand, where, _hpa_targets(hpa))
    for scaled in scaled_objects:
        where = f"ScaledObject {name(scaled)}"
        yield from _lower(workload.policy.model.demand, where, _keda_targets(scaled))


def _lower(demand: Demand, where: str, targets: Iterator[tuple[str, float]]) -> Iterator[Finding]:
    """Targets for one replica that are below the policy's figure, of metrics that a query of the policy reads too."""
    for metric, target in targets:
        for signal, query, carries in _figures(demand):
            if carries is not None and target < MARGIN * carries and _reads(query, metric):
                what = f"its target for a replica is {target:g} of {metric}, perReplica says {carries:g} ({signal})"
                yield Finding(WANTS_MORE, where, what)


def _figures(demand: Demand) -> Iterator[tuple[str, str, float | None]]:
    of_replica = demand.per_replica
    told = (
        ("arrivals", demand.arrivals, of_replica.arrivals_per_s),
        ("served", demand.served, of_replica.arrivals_per_s),
        ("running", demand.running, of_replica.concurrency),
        ("gpuUtilization", demand.gpu_utilization, of_replica.gpu_utilization),
    )
    return ((signal, query.query, carries) for signal, query, carries in told if query is not None)


def _reads(query: str, metric: str) -> bool:
    """Whether the two are about the same metric, whatever an adapter has added to its name."""
    stems = {_stem(word) for word in _WORDS.findall(query)}
    return any(len(stem) >= LEAST_LETTERS and stem in stems for stem in {_stem(w) for w in _WORDS.findall(metric)})


def _stem(word: str) -> str:
    return _ENDINGS.sub("", word)


def _hpa_targets(hpa: Json) -> Iterator[tuple[str, float]]:
    """(metric, target for one replica) of each metric of which there is one."""
    for metric in spec(hpa).get("metrics") or ():
        source: Any = metric.get(str(metric.get("type", "")).lower()) or {}
        average = (source.get("target") or {}).get("averageValue")
        named = (source.get("metric") or {}).get("name")
        if average is not None and named:
            yield str(named), billionths(average) / ONE


def _keda_targets(scaled: Json) -> Iterator[tuple[str, float]]:
    """The same of Prometheus triggers; the metric is their query."""
    for trigger in spec(scaled).get("triggers") or ():
        told = trigger.get("metadata") or {}
        try:
            threshold = float(str(told.get("threshold")))
        except ValueError:
            continue
        if trigger.get("type") == "prometheus" and trigger.get("metricType", "AverageValue") == "AverageValue":
            yield str(told.get("query", "")), threshold
