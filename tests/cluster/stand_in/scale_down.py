"""Which nodes go: unneeded for long enough, empty or with pods that may move and have where to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.cluster.api import Json
from tests.cluster.pools import GPU_LABEL
from tests.cluster.stand_in.request import GPU, amounts, request
from tests.cluster.stand_in.room import Room, place
from tests.cluster.stand_in.selector import labels_match
from tests.cluster.stand_in.settings import UTILIZATION, Settings
from tests.cluster.stand_in.snapshot import Snapshot

SAFE = "cluster-autoscaler.kubernetes.io/safe-to-evict"
REPLICATED = ("ReplicationController", "ReplicaSet", "Job", "StatefulSet")
LOCAL = ("emptyDir", "hostPath")


@dataclass(slots=True)
class Memory:
    """What the stand-in remembers between loops, by node, in epoch seconds."""

    unneeded_since: dict[str, float] = field(default_factory=dict)
    unremovable_until: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Departure:
    """A node that may go now, and the pods to be evicted first."""

    node: Json
    pods: list[Json]


def utilization(node: Json, pods: Sequence[Json]) -> float:
    """Share of a node in use: its GPUs alone where it has some, else the larger of CPU and memory."""
    whole, used = amounts(node["status"]["allocatable"]), [request(pod) for pod in pods]
    names = (GPU,) if GPU_LABEL in node["metadata"]["labels"] and whole[GPU] else ("cpu", "memory")
    return max(sum(one[name] for one in used) / whole[name] for name in names)


def blocks(pod: Json, budgets: Sequence[Json]) -> str | None:
    """Why a pod may not be moved, None where it may."""
    meta = pod["metadata"]
    safe = (meta.get("annotations") or {}).get(SAFE)
    if safe == "false":
        return "not safe to evict"
    controller = next((one for one in meta.get("ownerReferences") or [] if one.get("controller")), None)
    if safe != "true" and (controller is None or controller["kind"] not in REPLICATED):
        return "not replicated"
    if safe != "true" and any(kind in volume for volume in pod["spec"].get("volumes") or [] for kind in LOCAL):
        return "pod with local storage"
    spent = any(_guards(one, pod) and not one["status"].get("disruptionsAllowed") for one in budgets)
    return "not enough pod disruption budget" if spent else None


def _guards(budget: Json, pod: Json) -> bool:
    meta = pod["metadata"]
    same = budget["metadata"]["namespace"] == meta["namespace"]
    return bool(same and labels_match(budget["spec"].get("selector"), meta.get("labels") or {}))


def departures(snapshot: Snapshot, memory: Memory, settings: Settings) -> list[Departure]:
    """Empty nodes that may go now, and at most one with pods. Brings the memory up to date.

    A node whose pods cannot move is left alone for a while, even when they go meanwhile; one that is full is not.
    Pods of one unneeded node are where they would move to when the next is looked at."""
    empty, drained = list[Departure](), list[Departure]()
    rooms, unneeded = {room.name: room for room in snapshot.rooms(with_coming=False)}, set[str]()
    for node in _candidates(snapshot, memory):
        name, pods = node["metadata"]["name"], snapshot.pods_on(node["metadata"]["name"])
        if utilization(node, pods) >= UTILIZATION:
            continue
        room = rooms.pop(name)
        if not _move(room.pods, list(rooms.values()), snapshot.budgets):
            rooms[name] = room
            memory.unremovable_until[name] = snapshot.at_s + settings.unremovable_s
            continue
        unneeded.add(name)
        since = memory.unneeded_since.setdefault(name, snapshot.at_s)
        if snapshot.at_s - since >= settings.unneeded_s:
            (drained if pods else empty).append(Departure(node, pods))
    memory.unneeded_since = {name: at for name, at in memory.unneeded_since.items() if name in unneeded}
    return _above_minimum(snapshot, [*empty, *drained[: 0 if empty else 1]])


def _candidates(snapshot: Snapshot, memory: Memory) -> list[Json]:
    """Ready nodes of a group that have not lately been found unremovable, empty ones first."""
    found = [
        node
        for node in snapshot.nodes
        if snapshot.group_of(node) is not None
        and snapshot.ready(node)
        and memory.unremovable_until.get(node["metadata"]["name"], 0.0) <= snapshot.at_s
    ]
    return sorted(found, key=lambda node: bool(snapshot.pods_on(node["metadata"]["name"])))


def _move(pods: Sequence[Json], rooms: Sequence[Room], budgets: Sequence[Json]) -> bool:
    """Moves pods to other rooms; False, and nothing moved, where one of them cannot."""
    if any(blocks(pod, budgets) for pod in pods):
        return False
    moved = list[tuple[Json, Room]]()
    for pod in pods:
        room = place(pod, rooms)
        if room is None:
            for earlier, there in moved:
                there.pods.remove(earlier)
                there.free.update(request(earlier))
            return False
        moved.append((pod, room))
    return True


def _above_minimum(snapshot: Snapshot, going: list[Departure]) -> list[Departure]:
    """Leaves out nodes that a group needs for its minimum."""
    found, left = [], {group.name: len(snapshot.members(group)) - group.least for group in snapshot.groups.values()}
    for one in going:
        group = snapshot.group_of(one.node)
        if group is not None and left[group.name] > 0:
            left[group.name] -= 1
            found.append(one)
    return found
