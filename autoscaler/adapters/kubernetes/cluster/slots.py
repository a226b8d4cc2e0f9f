"""Slots: what holds the room of one replica, one placeholder or, for a group of pods, one for each of its members.

A slot is made whole and deleted whole. Each member tells how many belong to it, so a restart forgets nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.placeholder.manifest import EXPIRES, MEMBER, MEMBERS, PLAN, POOL, SLOT
from autoscaler.placeholder.pod import Json, is_leaving, labels, metadata, name


@dataclass(frozen=True, slots=True)
class Slot:
    """members: the placeholders of it that there are, by name. place: None where it is of no policy and pool of ours.
    size: how many make it whole. set: tells the slot from later ones at its place.
    """

    place: Place | None
    members: tuple[Json, ...]
    size: int
    set: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all members are there, and none of them goes."""
        return len(self.members) == self.size and not any(is_leaving(pod) for pod in self.members)

    @property
    def is_gang(self) -> bool:
        """Whether it stands for a group, be it one of which a single member holds GPUs."""
        return len(self.set) > 1


def slots(placeholders: Iterable[Json], seats: Seats) -> list[Slot]:
    """The slots that these make up, in the order of the names of their first members."""
    found: dict[tuple[str, ...], list[Json]] = {}
    for pod in sorted(placeholders, key=name):
        found.setdefault(set_of(pod), []).append(pod)
    return [Slot(seats.place(pods[0]), tuple(pods), size_of(pods[0]), key) for key, pods in found.items()]


def set_of(placeholder: Json) -> tuple[str, ...]:
    """The same for all that were made together as one slot: the name of a single one, more for members of a group."""
    notes = metadata(placeholder).get("annotations") or {}
    if MEMBER not in notes:
        return (name(placeholder),)
    whose = labels(placeholder)
    return tuple(str(told) for told in (whose.get(PLAN), whose.get(POOL), notes.get(SLOT), notes.get(EXPIRES)))


def size_of(placeholder: Json) -> int:
    """How many placeholders its slot has when it is whole."""
    told = str((metadata(placeholder).get("annotations") or {}).get(MEMBERS, ""))
    return int(told) if told.isascii() and told.isdecimal() else 1
