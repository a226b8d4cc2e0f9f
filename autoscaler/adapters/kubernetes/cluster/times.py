"""Times that pods, nodes and node claims carry in themselves: what a start is worked out from, after a restart too.

All are whole seconds, cut, not rounded: a difference of two is up to a second off either way, right on average, and the
differences of a row of times add up to that of the outer two. Times of one start come from several machines' clocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from autoscaler.domain.lead_time import Stage
from autoscaler.placeholder.pod import Json, condition, metadata, spec, status

STAMPS: Mapping[str, Stage] = {
    "gpu-autoscaler.io/weights": Stage.WEIGHTS,
    "gpu-autoscaler.io/cuda": Stage.CUDA,
    "gpu-autoscaler.io/transfer": Stage.TRANSFER,
}
"""Types of pod conditions that turn true at the end of a stage."""
ACKNOWLEDGED_S = 2.0
"""A kubelet says that a pod is not ready when it first sees it: later by so much at most."""


@dataclass(frozen=True, slots=True)
class PodTimes:
    """Seconds since the epoch, None for what has not happened, is not true any more, or is not told.

    started_s: when the last of its containers began to run for the first time. running_s: the same of those that run
    now; another where one ran before. stamps: ends of stages that it tells itself, those of containers that ran before
    left out. loaded_s: the first time after that at which another condition of its own, not one of Kubernetes and none
    that Ready waits for, turned true. unschedulable: the scheduler finds no node. gated: it is held back. restarted: a
    container runs for the second time at least. was_ready: whether it was ready before, of one that is not ready now.
    over_s: when it was told to go, or ended.
    """

    created_s: float
    bound_s: float | None
    started_s: float | None
    running_s: float | None
    stamps: Mapping[Stage, float]
    loaded_s: float | None
    ready_s: float | None
    unschedulable: bool
    gated: bool
    restarted: bool
    was_ready: bool | None
    over_s: float | None


@dataclass(frozen=True, slots=True)
class NodeTimes:
    """Of a Node; ready_s None while it is not Ready."""

    uid: str
    created_s: float
    ready_s: float | None


@dataclass(frozen=True, slots=True)
class ClaimTimes:
    """Of a Karpenter NodeClaim; node: the name of its node, empty while it has none."""

    node: str
    created_s: float
    launched_s: float | None


def pod_times(pod: Json) -> PodTimes:
    containers = status(pod).get("containerStatuses") or ()
    scheduled = condition(pod, "PodScheduled")
    bound_s, restarted = _true_since(pod, "PodScheduled"), any(one.get("restartCount") for one in containers)
    started_s, running_s = _last([_first_start(one) for one in containers]), _last([_start(one) for one in containers])
    since_s = running_s if restarted else started_s
    return PodTimes(
        created_s=_seconds(metadata(pod).get("creationTimestamp")) or 0.0,
        bound_s=bound_s,
        started_s=started_s,
        running_s=running_s,
        stamps={} if since_s is None else _stamps(pod, since_s if restarted else 0.0),
        loaded_s=None if since_s is None else _loaded_s(pod, since_s),
        ready_s=_true_since(pod, "Ready"),
        unschedulable=scheduled.get("reason") == "Unschedulable",
        gated=bool(spec(pod).get("schedulingGates")),
        restarted=restarted,
        was_ready=_was_ready(pod, bound_s, started_s),
        over_s=_over_s(pod),
    )


def node_times(node: Json) -> NodeTimes:
    meta = metadata(node)
    created_s = _seconds(meta.get("creationTimestamp")) or 0.0
    return NodeTimes(str(meta.get("uid", "")), created_s, _true_since(node, "Ready"))


def claim_times(claim: Json) -> ClaimTimes:
    created_s = _seconds(metadata(claim).get("creationTimestamp")) or 0.0
    return ClaimTimes(str(status(claim).get("nodeName") or ""), created_s, _true_since(claim, "Launched"))


def _start(container: Json) -> float | None:
    """When it began to run that runs now."""
    return _seconds(((container.get("state") or {}).get("running") or {}).get("startedAt"))


def _first_start(container: Json) -> float | None:
    """When it ran for the first time: one run and the one before are told of."""
    state, before = container.get("state") or {}, (container.get("lastState") or {}).get("terminated")
    now = state.get("running") or state.get("terminated")
    runs = [one for one in (now, before) if one]
    first = (container.get("restartCount") or 0) if now else 0
    waits = not now and bool(container.get("restartCount"))
    return None if waits or first >= len(runs) else _seconds(runs[first].get("startedAt"))


def _last(times: Sequence[float | None]) -> float | None:
    known = [at_s for at_s in times if at_s is not None]
    return max(known) if known and len(known) == len(times) else None


def _stamps(pod: Json, since_s: float) -> dict[Stage, float]:
    """Those of stages that ended at `since_s` or later, in the order of stages."""
    told = {stage: _true_since(pod, kind) for kind, stage in STAMPS.items()}
    return {stage: at_s for stage, at_s in told.items() if at_s is not None and at_s >= since_s}


def _loaded_s(pod: Json, since_s: float) -> float | None:
    """Kinds of Kubernetes' own have no domain before their name; what Ready waits for says when it may serve."""
    gates = {gate.get("conditionType") for gate in spec(pod).get("readinessGates") or ()}
    kinds = [str(one.get("type")) for one in status(pod).get("conditions") or ()]
    own = [_true_since(pod, kind) for kind in kinds if "/" in kind and kind not in gates and kind not in STAMPS]
    return min((at_s for at_s in own if at_s is not None and at_s >= since_s), default=None)


def _was_ready(pod: Json, bound_s: float | None, started_s: float | None) -> bool | None:
    """One that never was ready is not ready since a kubelet first saw it, or since its containers began to run."""
    ready = condition(pod, "Ready")
    since_s = _seconds(ready.get("lastTransitionTime"))
    if ready.get("status") != "False" or since_s is None:
        return None
    seen_s = _seconds(status(pod).get("startTime"))
    known = [at_s for at_s in (bound_s, seen_s, started_s) if at_s is not None]
    return bool(known) and since_s > max(known) + ACKNOWLEDGED_S


def _over_s(pod: Json) -> float | None:
    meta = metadata(pod)
    gone_s = _seconds(meta.get("deletionTimestamp"))
    if gone_s is not None:  # when its grace is over
        gone_s -= float(meta.get("deletionGracePeriodSeconds") or 0)
    ended_s = None
    if status(pod).get("phase") in ("Failed", "Succeeded"):
        runs = [(one.get("state") or {}).get("terminated") or {} for one in status(pod).get("containerStatuses") or ()]
        times = [_seconds(run.get("finishedAt")) for run in runs] or [_true_since(pod, "DisruptionTarget")]
        ended_s = _last(times)
    return min((at_s for at_s in (gone_s, ended_s) if at_s is not None), default=None)


def _true_since(thing: Json, kind: str) -> float | None:
    found = condition(thing, kind)
    return _seconds(found.get("lastTransitionTime")) if found.get("status") == "True" else None


def _seconds(text: object) -> float | None:
    return datetime.fromisoformat(str(text)).timestamp() if text else None
