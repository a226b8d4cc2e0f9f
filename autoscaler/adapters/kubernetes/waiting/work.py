"""What is kept of a piece of work that may wait: a gated pod, a Job, a JobSet, a Workload of Kueue. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from autoscaler.placeholder.pod import Json, condition, is_leaving, labels, metadata, name, namespace, spec, status
from autoscaler.policy.queue import WorkKind

KUEUE = "kueue.x-k8s.io/"
QUEUE_NAME, MANAGED = f"{KUEUE}queue-name", f"{KUEUE}managed"
TELLING = ("Job", "JobSet", "Pod")
"""Kinds of owner whose pods can be told: by a label with the owner's uid, or by being it."""


class WorkState(Enum):
    """Where it is on its way."""

    WAITS = "waits"
    LET_GO = "let go"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Template:
    """Pods of one shape. pod: as an object, with namespace, labels, annotations and spec. flavors: of Kueue, by name,
    that were assigned to them.
    """

    name: str
    count: int
    pod: Json
    flavors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """One piece. origin: uid by which its pods are known, empty where they cannot be told. owners: uids of what it
    speaks for. spoken_for: another object speaks for it: Kueue's Workload, or its JobSet. checks: states of
    AdmissionChecks, by name.
    """

    kind: WorkKind
    title: str
    namespace: str
    name: str
    uid: str
    version: str
    labels: Mapping[str, str]
    origin: str
    owners: frozenset[str]
    state: WorkState
    queued_s: float
    urgent: bool
    priority: int
    spoken_for: bool
    templates: tuple[Template, ...]
    checks: Mapping[str, str]


def seen_pod_work(pod: Json) -> Work:
    """Of a pod that has, or had, scheduling gates."""
    gates = [str(gate.get("name")) for gate in spec(pod).get("schedulingGates") or ()]
    ended = is_leaving(pod) or status(pod).get("phase") in ("Failed", "Succeeded")
    state = WorkState.ENDED if ended else WorkState.WAITS if gates else WorkState.LET_GO
    templates = (Template("main", 1, pod),)
    return _work(
        "pods", pod, state, templates, spoken_for=any(gate.startswith(KUEUE) for gate in gates),
        priority=int(spec(pod).get("priority") or 0),
    )  # fmt: skip


def seen_job(job: Json) -> Work:
    """Of a Job."""
    state = _state(job, bool(spec(job).get("suspend")), ("Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"))
    done = int(status(job).get("succeeded") or 0)
    templates = (_template("main", spec(job), namespace(job), 1, done),)
    parents = metadata(job).get("ownerReferences") or ()
    spoken_for = _is_kueues(job) or any(one.get("kind") == "JobSet" for one in parents)
    since = _suspended_since(job)
    return _work("jobs", job, state, _unless_ended(state, templates), spoken_for=spoken_for, since=since)


def seen_job_set(job_set: Json) -> Work:
    """Of a JobSet."""
    state = _state(job_set, bool(spec(job_set).get("suspend")), ("Completed", "Failed"))
    space = namespace(job_set)
    templates = tuple(
        _template(str(one.get("name")), spec(one.get("template") or {}), space, int(one.get("replicas", 1)), 0)
        for one in spec(job_set).get("replicatedJobs") or ()
    )
    since = _suspended_since(job_set)
    return _work(
        "jobsets", job_set, state, _unless_ended(state, templates), spoken_for=_is_kueues(job_set), since=since
    )


def seen_workload(workload: Json) -> Work:
    """Of a Workload of Kueue: it waits until it is admitted; with its quota it is urgent."""
    reserved = condition(workload, "QuotaReserved")
    admitted = condition(workload, "Admitted").get("status") == "True"
    state = _state(workload, not admitted, ("Finished",))
    if spec(workload).get("active") is False:
        state = WorkState.ENDED
    admission = status(workload).get("admission") or {}
    assigned = {str(one.get("name")): one for one in admission.get("podSetAssignments") or ()}
    templates = tuple(_pod_set(one, assigned, namespace(workload)) for one in spec(workload).get("podSets") or ())
    return _work(
        "workloads", workload, state, _unless_ended(state, templates), since=reserved.get("lastTransitionTime"),
        urgent=reserved.get("status") == "True", priority=int(spec(workload).get("priority") or 0),
        checks={str(one.get("name")): str(one.get("state")) for one in status(workload).get("admissionChecks") or ()},
    )  # fmt: skip


def _work(
    kind: WorkKind, thing: Json, state: WorkState, templates: tuple[Template, ...], spoken_for: bool = False,
    since: object = None, urgent: bool = False, priority: int = 0, checks: Mapping[str, str] | None = None,
) -> Work:  # fmt: skip
    meta = metadata(thing)
    uid = str(meta["uid"])
    owners = [one for one in meta.get("ownerReferences") or () if kind == "workloads"]
    telling = [str(one.get("uid")) for one in owners if one.get("kind") in TELLING]
    origin = uid if kind != "workloads" else telling[0] if len(telling) == 1 else ""
    titles = {"pods": "Pod", "jobs": "Job", "jobsets": "JobSet", "workloads": "Workload"}
    return Work(
        kind=kind,
        title=titles[kind],
        namespace=namespace(thing),
        name=name(thing),
        uid=uid,
        version=str(meta.get("resourceVersion", "")),
        labels={key: value for one in (*(t.pod for t in templates), thing) for key, value in labels(one).items()},
        origin=origin,
        owners=frozenset(str(one.get("uid")) for one in owners),
        state=state,
        queued_s=_seconds(since or meta.get("creationTimestamp")),
        urgent=urgent,
        priority=priority,
        spoken_for=spoken_for,
        templates=templates,
        checks=checks or {},
    )


def _state(thing: Json, waits: bool, ends: tuple[str, ...]) -> WorkState:
    if is_leaving(thing) or any(condition(thing, kind).get("status") == "True" for kind in ends):
        return WorkState.ENDED
    return WorkState.WAITS if waits else WorkState.LET_GO


def _unless_ended(state: WorkState, templates: tuple[Template, ...]) -> tuple[Template, ...]:
    """What has ended is kept in few words: there may be thousands."""
    return () if state is WorkState.ENDED else tuple(one for one in templates if one.count > 0)


def _template(named: str, job_spec: Json, space: str, times: int, done: int) -> Template:
    """Of the spec of a Job, so many times; done: pods that need not come again."""
    parallel, completions = job_spec.get("parallelism"), job_spec.get("completions")
    count = 1 if parallel is None else int(parallel)
    if completions is not None:
        count = min(count, max(int(completions) - done, 0))
    return Template(named, count * times, _as_pod(job_spec.get("template") or {}, space))


def _pod_set(part: Json, assigned: Mapping[str, Json], space: str) -> Template:
    own = assigned.get(str(part.get("name")), {})
    count = int(own.get("count") or part.get("count") or 0)
    flavors = tuple(dict.fromkeys(str(flavor) for flavor in (own.get("flavors") or {}).values()))
    return Template(str(part.get("name")), count, _as_pod(part.get("template") or {}, space), flavors)


def _as_pod(template: Json, space: str) -> Json:
    return {"metadata": {**metadata(template), "namespace": space}, "spec": spec(template)}


def _is_kueues(thing: Json) -> bool:
    return QUEUE_NAME in labels(thing) or MANAGED in labels(thing)


def _suspended_since(thing: Json) -> object:
    suspended = condition(thing, "Suspended")
    return suspended.get("lastTransitionTime") if suspended.get("status") == "True" else None


def _seconds(time: object) -> float:
    try:
        return datetime.fromisoformat(str(time)).timestamp()
    except ValueError:
        return 0.0


def speaking(works: Iterable[Work]) -> list[Work]:
    """Each piece of work once: a Workload speaks for its owners."""
    found = list(works)
    spoken_for = {uid for one in found if one.kind == "workloads" for uid in one.owners}
    return [one for one in found if not one.spoken_for and one.uid not in spoken_for]
