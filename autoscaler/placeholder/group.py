"""Groups of LeaderWorkerSet: a replica is a leader pod and its workers, and serves when all of them do."""

from __future__ import annotations

from autoscaler.placeholder.neighbour import EXCLUSIVE, exclusive_topology
from autoscaler.placeholder.pod import Json, metadata, spec

API_GROUP, KIND = "leaderworkerset.x-k8s.io", "LeaderWorkerSet"
_LABELS = "leaderworkerset.sigs.k8s.io"
SET, GROUP_INDEX, WORKER_INDEX = f"{_LABELS}/name", f"{_LABELS}/group-index", f"{_LABELS}/worker-index"
"""Labels of every pod of a group: whose it is, which of its groups, and which pod of the group."""
LEADER = "0"
"""Worker index of the leader."""


def has_groups(api_version: str, kind: str) -> bool:
    """Whether replicas of this kind are groups of pods."""
    return api_version.rpartition("/")[0] == API_GROUP and kind == KIND


def group_size(workload: Json) -> int:
    """Pods of one replica."""
    return int(_of_group(workload).get("size") or 1)


def is_staged(workload: Json) -> bool:
    """Whether workers come only when their leader is ready."""
    return bool(spec(workload).get("startupPolicy") == "LeaderReady")


def member_template(workload: Json, leader: bool) -> Json:
    """The template of the leader or of the workers, with the annotation that the controller adds."""
    of_group = _of_group(workload)
    template = (of_group.get("leaderTemplate") if leader else None) or of_group.get("workerTemplate") or {}
    key = exclusive_topology(workload)
    if key is None:
        return template
    notes = {**(metadata(template).get("annotations") or {}), EXCLUSIVE: key}
    return {**template, "metadata": {**metadata(template), "annotations": notes}}


def next_group(pod: Json) -> Json:
    """A live pod as one of another group would be: without the place that was given to its own group."""
    key = exclusive_topology(pod)
    selector = spec(pod).get("nodeSelector") or {}
    if key not in selector:
        return pod
    kept = {label: value for label, value in selector.items() if label != key}
    return {**pod, "spec": {**spec(pod), "nodeSelector": kept}}


def _of_group(workload: Json) -> Json:
    return spec(workload).get("leaderWorkerTemplate") or {}
