"""Which pending pods ask for nodes, and when."""

from __future__ import annotations

from tests.cluster.api import Json
from tests.cluster.stand_in.request import wants_gpu
from tests.cluster.stand_in.room import Room, place
from tests.cluster.stand_in.settings import Settings
from tests.cluster.stand_in.snapshot import Snapshot, age_s, expendable, unschedulable


def asks(pod: Json) -> bool:
    """Whether a pod asks for a node: the scheduler found no place, and it is not gated, going, about to preempt or
    expendable."""
    spec, meta = pod["spec"], pod["metadata"]
    if spec.get("nodeName") or spec.get("schedulingGates") or "deletionTimestamp" in meta or expendable(pod):
        return False
    return unschedulable(pod) and not pod["status"].get("nominatedNodeName")


def first(pod: Json) -> tuple[int, str, str]:
    """Order in which pods are placed: by priority, then as they came."""
    return -int(pod["spec"].get("priority") or 0), pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]


def unplaced(snapshot: Snapshot, rooms: list[Room]) -> list[Json]:
    """Pods that ask for a node and fit none of the rooms; those that fit are put there.

    A pod with a nominated node takes its place on that node, whose victims are as good as gone."""
    by_name = {room.name: room for room in rooms}
    for pod in snapshot.pods:
        nominated = pod["status"].get("nominatedNodeName")
        if nominated in by_name and not pod["spec"].get("nodeName"):
            by_name[nominated].put(pod)
    asking = sorted((pod for pod in snapshot.pods if asks(pod)), key=first)
    return [pod for pod in asking if place(pod, rooms) is None]


def ripe(pods: list[Json], at_s: float, settings: Settings) -> list[Json]:
    """Those of the unplaced pods that may be helped now; none while the oldest GPU pod is too young.

    Recorded: another GPU pod that is pending already takes away the long wait, and leaves the short one."""
    if settings.bypass:
        return pods
    gpu_ages = [age_s(pod, at_s) for pod in pods if wants_gpu(pod)]
    if gpu_ages and max(gpu_ages) < settings.gpu_wait_s:
        return []
    return [pod for pod in pods if age_s(pod, at_s) >= settings.young_pod_s]
