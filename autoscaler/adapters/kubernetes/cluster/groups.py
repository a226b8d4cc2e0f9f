"""Replicas that are groups of pods: which pods make one, and how far it has come.

A group serves when all of its pods do. Until all of them are bound it holds what its bound pods hold and serves nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.placeholder.group import GROUP_INDEX, WORKER_INDEX


class Stage(Enum):
    """Of a group, by its pod that is furthest behind."""

    WAITING = "without a node"
    STARTING = "bound"
    READY = "ready"
    LOST = "on a node that is gone or silent"


@dataclass(frozen=True, slots=True)
class Group:
    """One replica of a workload. pods: those that there are, in the order of their indices, the leader first where it
    is there. size: how many there must be.
    """

    workload: int
    pods: tuple[SeenPod, ...]
    size: int

    def stage(self, standing: Standing) -> Stage:
        """How far it has come."""
        nodes = [standing.nodes.get(Key("", pod.node)) for pod in self.pods if pod.node]
        if any(node is None or node.silent for node in nodes):
            return Stage.LOST
        if len(nodes) < self.size:
            return Stage.WAITING
        return Stage.READY if all(pod.ready for pod in self.pods) else Stage.STARTING

    @property
    def is_half_bound(self) -> bool:
        """Whether it holds nodes, and some of its pods have none yet, or are not even there."""
        bound = sum(bool(pod.node) for pod in self.pods)
        return 0 < bound < self.size


def by_group(
    scales: Sequence[Scale | None], theirs: Iterable[tuple[int, SeenPod]]
) -> tuple[list[Group], list[tuple[int, SeenPod]]]:
    """(groups, single pods each with its workload). theirs: pods of workloads, as of `account.theirs`."""
    found: dict[tuple[int, str], list[SeenPod]] = {}
    singles = []
    for workload, pod in theirs:
        if _size(scales[workload]) > 1:
            found.setdefault((workload, pod.labels.get(GROUP_INDEX, "")), []).append(pod)
        else:
            singles.append((workload, pod))
    groups = [Group(w, tuple(sorted(pods, key=_index)), _size(scales[w])) for (w, _), pods in found.items()]
    return groups, singles


def pool_of(group: Group, standing: Standing, seats: Seats) -> int:
    """Where it counts: the pool of its first pod that stands on a node of one, else the home of its workload."""
    for pod in group.pods:
        node = standing.nodes.get(Key("", pod.node))
        if node is not None and node.pool is not None:
            return node.pool
    return seats.home(group.workload)


def _index(pod: SeenPod) -> tuple[int, str]:
    told = pod.labels.get(WORKER_INDEX, "")
    return (int(told) if told.isascii() and told.isdecimal() else 0, pod.name)


def _size(scale: Scale | None) -> int:
    return 1 if scale is None else scale.size
