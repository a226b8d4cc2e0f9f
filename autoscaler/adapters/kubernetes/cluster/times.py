"""Times that pods, nodes and node claims carry in themselves: what a start is worked out from, after a restart too.

All are whole seconds, cut, not rounded: a difference of two is up to a second off either way, right on average, and the
differences of a row of times add up to that of the outer two. Times of one start come from several machines' clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from autoscaler.placeholder.pod import Json, condition, metadata, spec, status


@dataclass(frozen=True, slots=True)
class PodTimes:
    """Seconds since the epoch, None for what has not happened, or is not true any more.

    started_s: when the last of its containers began to run. loaded_s: the first time after that at which a condition of
    its own, not one of Kubernetes and none that Ready waits for, turned true. unschedulable: the scheduler finds no
    node. gated: it is held back. restarted: a container runs for the second time at least.
    """

    created_s: float
    bound_s: float | None
    started_s: float | None
    loaded_s: float | None
    ready_s: float | None
    unschedulable: bool
    gated: bool
    restarted: bool


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
    begun = [_seconds(((one.get("state") or {}).get("running") or {}).get("startedAt")) for one in containers]
    known = [at_s for at_s in begun if at_s is not None]
    started_s = max(known) if known and len(known) == len(begun) else None
    scheduled = condition(pod, "PodScheduled")
    return PodTimes(
        created_s=_seconds(metadata(pod).get("creationTimestamp")) or 0.0,
        bound_s=_true_since(pod, "PodScheduled"),
        started_s=started_s,
        loaded_s=None if started_s is None else _loaded_s(pod, started_s),
        ready_s=_true_since(pod, "Ready"),
        unschedulable=scheduled.get("reason") == "Unschedulable",
        gated=bool(spec(pod).get("schedulingGates")),
        restarted=any(one.get("restartCount") for one in containers),
    )


def node_times(node: Json) -> NodeTimes:
    meta = metadata(node)
    created_s = _seconds(meta.get("creationTimestamp")) or 0.0
    return NodeTimes(str(meta.get("uid", "")), created_s, _true_since(node, "Ready"))


def claim_times(claim: Json) -> ClaimTimes:
    created_s = _seconds(metadata(claim).get("creationTimestamp")) or 0.0
    return ClaimTimes(str(status(claim).get("nodeName") or ""), created_s, _true_since(claim, "Launched"))


def _loaded_s(pod: Json, started_s: float) -> float | None:
    """Kinds of Kubernetes' own have no domain before their name; what Ready waits for says when it may serve."""
    gates = {gate.get("conditionType") for gate in spec(pod).get("readinessGates") or ()}
    kinds = [str(one.get("type")) for one in status(pod).get("conditions") or ()]
    own = [_true_since(pod, kind) for kind in kinds if "/" in kind and kind not in gates]
    return min((at_s for at_s in own if at_s is not None and at_s >= started_s), default=None)


def _true_since(thing: Json, kind: str) -> float | None:
    found = condition(thing, kind)
    return _seconds(found.get("lastTransitionTime")) if found.get("status") == "True" else None


def _seconds(text: object) -> float | None:
    return datetime.fromisoformat(str(text)).timestamp() if text else None
