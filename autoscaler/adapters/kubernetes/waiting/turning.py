"""Pods of work that was let go, counted against the placeholders that stand for them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.adapters.kubernetes.waiting.work import Work
from autoscaler.placeholder.turnover import Turnover

OWNER_LABELS = ("batch.kubernetes.io/controller-uid", "jobset.sigs.k8s.io/jobset-uid")
COME_WITHIN_S = 120.0
"""Pods that have not come so long after their work was let go are waited for no longer."""


def turnover(
    work: Work, total: int, pods: Mapping[Key, SeenPod], now_s: float, since_s: float, patience_s: float
) -> Turnover:
    """total: pods that ask for GPUs. since_s: when it was seen to be let go. patience_s: how long a pod may wait for
    the scheduler to make room.
    """
    own = list(_own(work.origin, pods.values())) if work.origin else []
    pending = [pod for pod in own if not pod.node and not pod.ended and not pod.leaving]
    return Turnover(
        total=total,
        pending=len(pending),
        placed=sum(bool(pod.node) or pod.ended for pod in own),
        stuck=sum(now_s - _seconds(pod.created_at) > patience_s and now_s - since_s > patience_s for pod in pending),
        told=bool(work.origin),
        over=now_s - since_s > COME_WITHIN_S,
    )


def _own(origin: str, pods: Iterable[SeenPod]) -> Iterable[SeenPod]:
    for pod in pods:
        is_its = pod.uid == origin or any(pod.labels.get(key) == origin for key in OWNER_LABELS)
        if is_its and any(pod.devices.values()):
            yield pod


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp() if time else 0.0
