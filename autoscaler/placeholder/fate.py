"""What became of a placeholder, from its object, its node, and what we did ourselves.

A placeholder that is preempted was used; one that goes for any other reason held room that is lost, and whether to ask
for it again depends on why. The object in a DELETED event still carries the condition that tells; a poller misses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from autoscaler.placeholder.pod import Json, condition, node_name, spec, status
from autoscaler.placeholder.taint import leaving_sign

NODE_GONE = "NodeGone"
"""Cause of a verdict whose node may only not be seen yet: it is to be looked for before the placeholder goes."""


class Fate(StrEnum):
    """What became of it, and what follows."""

    PENDING = "Pending"
    """Its node is on order."""
    HELD = "Held"
    """Bound: its room is reserved, whether the pause runs already or not."""
    CONSUMED = "Consumed"
    """A pod of higher priority took its place, perhaps a stranger: ask again only if the forecast says so."""
    DRAINED = "Drained"
    """Its node is emptied on purpose (consolidation, drain, notice): ask again if still wanted, at a limited rate."""
    LOST = "Lost"
    """Its node failed or was taken away: ask again, and count the loss against the pool."""
    FAILED = "Failed"
    """It held nothing: ask again, with back-off."""
    STUCK = "Stuck"
    """Nobody gives it a node: ask another pool, since a retry keeps the node autoscaler in back-off."""
    RELEASED = "Released"
    """We deleted it."""


STANDS = (Fate.PENDING, Fate.HELD, Fate.STUCK)
"""Of placeholders that hold room, or wait for some."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A placeholder as seen now, or last.

    gone: its object is deleted. released: by us, on purpose. node: the object of the node that it is bound to, None
    where there is none of that name. waited_s: since its creation. succeeded: a pod of its workload was bound to its
    node within seconds of its going; asked only where nothing else tells.
    """

    pod: Json
    gone: bool
    released: bool
    node: Json | None
    waited_s: float
    succeeded: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """cause: a stable word for metrics and statistics (a condition's reason, a taint's key). reason: for people.

    delete: its object still stands and we must delete it, since nobody else does in good time.
    """

    fate: Fate
    cause: str
    reason: str
    delete: bool


_Rule = Callable[[Sighting], tuple[Fate, str, str] | None]
_BY_DISRUPTION = {
    "PreemptionByScheduler": (Fate.CONSUMED, "a pod of higher priority took its place"),
    "EvictionByEvictionAPI": (Fate.DRAINED, "it was evicted from its node"),
    "DeletionByTaintManager": (Fate.LOST, "its node got a taint that ends pods"),
    "DeletionByPodGC": (Fate.LOST, "its node is gone"),
}
DELETED = "Deleted"
"""Cause where nothing but its absence tells."""
_HELD_NOTHING_LONGER = ("Evicted", "Preempting")
"""The kubelet itself put it out, for want of room; the node goes on."""


def fate(sighting: Sighting, stuck_after_s: float) -> Verdict:
    """What became of a placeholder. stuck_after_s: how long it may be Pending, from the pool's lead time."""
    for rule in _RULES:
        found = rule(sighting)
        if found is not None:
            what, cause, reason = found
            standing = not sighting.gone and what is not Fate.CONSUMED
            return Verdict(what, cause, reason, delete=standing)
    if node_name(sighting.pod):
        return Verdict(Fate.HELD, "Bound", f"it holds room on {node_name(sighting.pod)}", delete=False)
    cause, reason = _why_pending(sighting.pod)
    stuck = sighting.waited_s > stuck_after_s
    return Verdict(Fate.STUCK if stuck else Fate.PENDING, cause, reason, delete=stuck)


def _disrupted(sighting: Sighting) -> tuple[Fate, str, str] | None:
    cause = _disruption(sighting.pod)
    if cause not in _BY_DISRUPTION:
        return None
    what, reason = _BY_DISRUPTION[cause]
    sign = leaving_sign(sighting.node or {})
    return what, cause, f"{reason}, which is leaving ({sign})" if what is Fate.DRAINED and sign else reason


def _released(sighting: Sighting) -> tuple[Fate, str, str] | None:
    return (Fate.RELEASED, "Released", "we deleted it") if sighting.released and sighting.gone else None


def _ended(sighting: Sighting) -> tuple[Fate, str, str] | None:
    """The kubelet refused or ended it."""
    ended = status(sighting.pod)
    cause = str(ended.get("reason") or ended.get("phase"))
    if _disruption(sighting.pod) == "TerminationByKubelet" and cause not in _HELD_NOTHING_LONGER:
        return Fate.LOST, "TerminationByKubelet", "its node shuts down"
    if ended.get("phase") in ("Failed", "Succeeded"):
        return Fate.FAILED, cause, str(ended.get("message") or f"the kubelet ended it: {cause}")
    return None


def _node_lost(sighting: Sighting) -> tuple[Fate, str, str] | None:
    """A dead node's pods look Running for a minute, and for ever where its whole zone is dead."""
    node = node_name(sighting.pod)
    if node and sighting.node is None:
        return Fate.LOST, NODE_GONE, f"node {node} is gone"
    if node and condition(sighting.node or {}, "Ready").get("status") == "Unknown":
        return Fate.LOST, "NodeUnknown", f"node {node} no longer answers"
    return None


def _node_leaving(sighting: Sighting) -> tuple[Fate, str, str] | None:
    sign = leaving_sign(sighting.node or {})
    return (Fate.DRAINED, sign, f"node {node_name(sighting.pod)} is leaving ({sign})") if sign else None


def _vanished(sighting: Sighting) -> tuple[Fate, str, str] | None:
    """Gone, and nothing says why: a gap in the watch, or somebody's own deletion."""
    if not sighting.gone:
        return None
    if not node_name(sighting.pod):
        return Fate.FAILED, DELETED, "somebody deleted it before it had a node"
    if sighting.succeeded:
        return Fate.CONSUMED, "Succeeded", "a pod of its workload stands in its place"
    return Fate.LOST, DELETED, "it is gone and no pod of its workload took its place"


_RULES: tuple[_Rule, ...] = (
    _disrupted,  # the only certain sign, also where we meant to delete it in the same moment
    _released,
    _ended,  # before the node: a pod that was refused never held room there
    _node_lost,
    _node_leaving,
    _vanished,
)


def _why_pending(pod: Json) -> tuple[str, str]:
    tried = condition(pod, "PodScheduled")
    if tried:
        return str(tried.get("reason") or "Pending"), str(tried.get("message") or "the scheduler gives no reason")
    return "NotTried", f"no scheduler named {spec(pod).get('schedulerName', 'default-scheduler')} has looked at it"


def _disruption(pod: Json) -> str:
    target = condition(pod, "DisruptionTarget")
    return str(target.get("reason", "")) if target.get("status") == "True" else ""
