"""Room on nodes, and whether a pod fits: the filters of the scheduler that matter to GPU pods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.cluster.api import Json
from tests.cluster.stand_in.request import request
from tests.cluster.stand_in.selector import labels_match, node_matches, untolerated

HOST = "kubernetes.io/hostname"
AFFINITY = "node(s) didn't match Pod's node affinity/selector"


@dataclass(slots=True)
class Room:
    """A node as the simulation fills it: what is free, and the pods that it holds."""

    name: str
    labels: dict[str, str]
    taints: list[Json]
    free: Counter[str]
    pods: list[Json] = field(default_factory=list)

    def put(self, pod: Json) -> None:
        """Places a pod here, whether it fits or not."""
        self.free.subtract(request(pod))
        self.pods.append(pod)

    def domain(self, key: str) -> str | None:
        """The topology domain of the node; its name where the label of the host is missing."""
        return self.labels.get(key, self.name if key == HOST else None)


def refusal(pod: Json, room: Room, rooms: Sequence[Room]) -> str | None:
    """Why a pod does not fit a room among `rooms`, in the scheduler's words; None where it fits."""
    short = next((name for name, value in request(pod).items() if value > room.free[name]), None)
    if short is not None:
        return f"Insufficient {short}"
    if not node_matches(pod, room.name, room.labels):
        return AFFINITY
    if (taint := untolerated(pod, room.taints)) is not None:
        return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}"
    if _repelled(pod, room, rooms):
        return "node(s) didn't match pod anti-affinity rules"
    if _lonely(pod, room, rooms):
        return "node(s) didn't match pod affinity rules"
    return "node(s) didn't match pod topology spread constraints" if _skewed(pod, room, rooms) else None


def place(pod: Json, rooms: Sequence[Room]) -> Room | None:
    """Puts a pod into the first room where it fits; None where there is none."""
    for room in rooms:
        if refusal(pod, room, rooms) is None:
            room.put(pod)
            return room
    return None


def _terms(pod: Json, kind: str) -> list[Json]:
    found = (pod["spec"].get("affinity") or {}).get(kind) or {}
    return found.get("requiredDuringSchedulingIgnoredDuringExecution") or []


def _meant(term: Json, owner: Json, other: Json) -> bool:
    """Whether a term of `owner` is about the pod `other`. A namespace selector sees the namespace's name only."""
    meta = other["metadata"]
    named = set(term.get("namespaces") or [])
    by_label = term.get("namespaceSelector")
    if not named and by_label is None:
        named = {owner["metadata"]["namespace"]}
    space = meta["namespace"]
    in_space = space in named or labels_match(by_label, {"kubernetes.io/metadata.name": space})
    return in_space and labels_match(term.get("labelSelector"), meta.get("labels") or {})


def _neighbours(key: str, room: Room, rooms: Sequence[Room]) -> list[Json]:
    """Pods in the same domain as a room; none where the room is in no domain of this kind."""
    domain = room.domain(key)
    return [] if domain is None else [pod for one in rooms if one.domain(key) == domain for pod in one.pods]


def _repelled(pod: Json, room: Room, rooms: Sequence[Room]) -> bool:
    """Whether the pod avoids one that is there, or one that is there avoids it."""
    for term in _terms(pod, "podAntiAffinity"):
        if any(_meant(term, pod, other) for other in _neighbours(term["topologyKey"], room, rooms)):
            return True
    for one in rooms:
        for other in one.pods:
            for term in _terms(other, "podAntiAffinity"):
                domain = room.domain(term["topologyKey"])
                if domain is not None and domain == one.domain(term["topologyKey"]) and _meant(term, other, pod):
                    return True
    return False


def _lonely(pod: Json, room: Room, rooms: Sequence[Room]) -> bool:
    """Whether a pod that must be near others finds none; the first of pods that want each other is not lonely."""
    for term in _terms(pod, "podAffinity"):
        if any(_meant(term, pod, other) for other in _neighbours(term["topologyKey"], room, rooms)):
            continue
        anywhere = any(_meant(term, pod, other) for one in rooms for other in one.pods)
        if anywhere or not _meant(term, pod, pod):
            return True
    return False


def _skewed(pod: Json, room: Room, rooms: Sequence[Room]) -> bool:
    """Whether a DoNotSchedule spread forbids the room."""
    every = rooms if any(one is room for one in rooms) else [*rooms, room]
    candidates = [one for one in every if node_matches(pod, one.name, one.labels)]
    for rule in pod["spec"].get("topologySpreadConstraints") or []:
        key, term = rule["topologyKey"], {"labelSelector": rule.get("labelSelector")}
        if rule.get("whenUnsatisfiable") != "DoNotSchedule":
            continue
        counts = Counter[str]()
        for one in candidates:
            if (domain := one.domain(key)) is not None:
                counts[domain] += sum(_meant(term, pod, other) for other in one.pods)
        here = room.domain(key)
        if here is None or counts[here] + _meant(term, pod, pod) - min(counts.values()) > int(rule["maxSkew"]):
            return True
    return False
