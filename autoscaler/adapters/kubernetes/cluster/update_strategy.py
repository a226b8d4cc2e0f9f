"""What a workload's object says of the rollout in progress. No I/O.

Deployment, StatefulSet and LeaderWorkerSet each say in other fields how many replicas may be more and fewer while they
are replaced, and how far they have come. Of other kinds nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autoscaler.domain.rollout import Allowance, Rollout, allowance
from autoscaler.placeholder.pod import Json, metadata, spec, status

NONE, ONE, QUARTER = 0, 1, "25%"


def rollout(kind: str, thing: Json) -> Rollout | None:
    """The rollout in progress of an object of this kind; None where it is over, or nothing is known of the kind. Raises
    ValueError where a field is not as Kubernetes writes it.
    """
    read = _KINDS.get(kind)
    return None if read is None else read(thing)


def pod_template(kind: str, thing: Json) -> Json:
    """The template of the pods, of a group that of the workers; empty where the kind has another place for it."""
    if kind == "LeaderWorkerSet":
        return (spec(thing).get("leaderWorkerTemplate") or {}).get("workerTemplate") or {}
    return spec(thing).get("template") or {}


def _deployment(thing: Json) -> Rollout | None:
    strategy = spec(thing).get("strategy") or {}
    if _is_over(thing, _wanted(thing), "availableReplicas"):
        return None
    told = strategy.get("rollingUpdate") or {}
    moves = strategy.get("type", "RollingUpdate") == "RollingUpdate" and not spec(thing).get("paused")
    return _rollout(thing, _more(told, QUARTER), _fewer(told, QUARTER), _wanted(thing), moves)


def _stateful_set(thing: Json) -> Rollout | None:
    strategy = spec(thing).get("updateStrategy") or {}
    told = strategy.get("rollingUpdate") or {}
    wanted = max(_wanted(thing) - int(told.get("partition") or 0), 0)
    if _is_over(thing, wanted, "availableReplicas"):
        return None
    by_itself = strategy.get("type", "RollingUpdate") == "RollingUpdate"
    moves = by_itself and (_updated(thing) < wanted or _is_short(thing, "availableReplicas"))
    return _rollout(thing, Allowance(), _fewer(told, ONE), wanted, moves)


def _leader_worker_set(thing: Json) -> Rollout | None:
    told = (spec(thing).get("rolloutStrategy") or {}).get("rollingUpdateConfiguration") or {}
    wanted = max(_wanted(thing) - int(told.get("partition") or 0), 0)
    if _is_over(thing, wanted, "readyReplicas"):
        return None
    moves = _updated(thing) < wanted or _is_short(thing, "readyReplicas")
    return _rollout(thing, _more(told, NONE), _fewer(told, ONE), wanted, moves)


_KINDS: Mapping[str, Callable[[Json], Rollout | None]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "LeaderWorkerSet": _leader_worker_set,
}


def _rollout(thing: Json, more: Allowance, fewer: Allowance, wanted: int, moves: bool) -> Rollout:
    """wanted: replicas of the new revision."""
    standing, left = int(status(thing).get("replicas") or 0), max(wanted - _updated(thing), 0)
    return Rollout(more, fewer, _wanted(thing), standing, left, moves)


def _more(told: Json, default: int | str) -> Allowance:
    return allowance(told.get("maxSurge", default), rounds_up=True)


def _fewer(told: Json, default: int | str) -> Allowance:
    return allowance(told.get("maxUnavailable", default), rounds_up=False)


def _wanted(thing: Json) -> int:
    replicas = spec(thing).get("replicas")
    return 1 if replicas is None else int(replicas)


def _updated(thing: Json) -> int:
    """Replicas of the newest revision; of one that the controller has not seen yet there is none."""
    seen = int(status(thing).get("observedGeneration") or 0) >= int(metadata(thing).get("generation") or 0)
    return int(status(thing).get("updatedReplicas") or 0) if seen else 0


def _is_short(thing: Json, serving: str) -> bool:
    return int(status(thing).get(serving) or 0) < _wanted(thing)


def _is_over(thing: Json, wanted: int, serving: str) -> bool:
    """Whether as many are new as are wanted, no more stand than are asked for, and all of them serve."""
    standing = int(status(thing).get("replicas") or 0)
    return _updated(thing) >= wanted and standing <= _wanted(thing) and not _is_short(thing, serving)
