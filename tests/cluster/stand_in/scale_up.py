"""Which group grows, and by how much: one group a loop, the one that wastes least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.cluster.api import Json
from tests.cluster.stand_in.backoff import Backoff
from tests.cluster.stand_in.demand import first
from tests.cluster.stand_in.request import amounts, request
from tests.cluster.stand_in.room import Room, refusal
from tests.cluster.stand_in.snapshot import Group, Snapshot

AT_MOST = "max node group size reached"
BACKING_OFF = "in backoff after failed scale-up"


@dataclass(slots=True)
class Option:
    """New nodes of one group, and the pods that they would take."""

    group: Group
    rooms: list[Room] = field(default_factory=list)
    pods: list[Json] = field(default_factory=list)

    def waste(self) -> float:
        """Shares of CPU and memory that stay free, added."""
        whole = amounts(self.group.template["status"]["allocatable"])
        used = [request(pod) for pod in self.pods]
        share = {name: sum(one[name] for one in used) / (len(self.rooms) * whole[name]) for name in ("cpu", "memory")}
        return 2.0 - sum(share.values())


@dataclass(slots=True)
class Answer:
    """The option that was chosen, if any, and by pod why the groups did not help those that it leaves out."""

    chosen: Option | None
    reasons: dict[str, list[str]]


def answer(
    pods: list[Json], snapshot: Snapshot, rooms: list[Room], backoff: Backoff, generator: np.random.Generator
) -> Answer:
    """The best single expansion for pods that fit nowhere. Among equals the choice is drawn."""
    options, reasons = [], {pod["metadata"]["uid"]: list[str]() for pod in pods}
    for group in snapshot.groups.values():
        option = _option(group, pods, snapshot, rooms, backoff, reasons)
        if option.pods:
            options.append(option)
    if not options:
        return Answer(None, reasons)
    least = min(option.waste() for option in options)
    best = [option for option in options if option.waste() <= least + 1e-9]
    return Answer(best[int(generator.integers(len(best)))], reasons)


def _option(
    group: Group,
    pods: list[Json],
    snapshot: Snapshot,
    rooms: Sequence[Room],
    backoff: Backoff,
    reasons: dict[str, list[str]],
) -> Option:
    """What a group could do for the pods; why not, is added to their reasons."""
    option, size = Option(group), len(snapshot.members(group))
    blocked = BACKING_OFF if backoff.of(group.name, snapshot.at_s) else AT_MOST if size >= group.most else None
    for pod in sorted(pods, key=first):
        why = blocked or _into(pod, option, size, rooms)
        if why is None:
            option.pods.append(pod)
        else:
            reasons[pod["metadata"]["uid"]].append(why)
    return option


def _into(pod: Json, option: Option, size: int, rooms: Sequence[Room]) -> str | None:
    """Puts a pod onto the new nodes, with one more of them where it is needed; else why not."""
    every = [*rooms, *option.rooms]
    for room in option.rooms:
        if refusal(pod, room, every) is None:
            room.put(pod)
            return None
    fresh = option.group.room(f"{option.group.name}-new-{len(option.rooms)}")
    why = refusal(pod, fresh, every)
    if why is not None:
        return why
    if size + len(option.rooms) >= option.group.most:
        return AT_MOST
    fresh.put(pod)
    option.rooms.append(fresh)
    return None
