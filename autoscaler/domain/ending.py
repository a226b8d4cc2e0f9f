"""Endings: what became of a placeholder that stands no more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class EndFate(StrEnum):
    """How it ended."""

    CONSUMED = "Consumed"
    """A pod of higher priority took its place."""
    RELEASED = "Released"
    """We deleted it: it was no longer wanted, or made room."""
    DRAINED = "Drained"
    """Its node was emptied on purpose."""
    LOST = "Lost"
    """Its node failed or was taken away."""
    FAILED = "Failed"
    """It was refused or ended on its node, or deleted before it had one: it held nothing."""
    STUCK = "Stuck"
    """Nobody gave it a node in time."""


class Taker(StrEnum):
    """Who stands in its place."""

    OWN = "its own workload"
    FELLOW = "another workload of ours"
    OTHER = "somebody else"
    NOBODY = "nobody"
    UNKNOWN = "unknown"
    """A pod took the place, and which one, or whose it is, could not be seen."""


@dataclass(frozen=True, slots=True)
class PlaceholderEnd:
    """policy, pool: by name. slot: None where its object did not tell. at_s: when it was seen to go, on `now_s`'s axis.

    cause: a stable word (a condition's reason, a taint's key). reason: for people. taken_by: `namespace/name` of the
    pod in its place, empty where there is none or none was seen.
    """

    policy: str
    pool: str
    slot: int | None
    at_s: float
    fate: EndFate
    cause: str
    reason: str
    taker: Taker = Taker.NOBODY
    taken_by: str = ""

    @property
    def is_strangers(self) -> bool:
        """Whether somebody who is none of ours stands in its place."""
        return self.fate is EndFate.CONSUMED and self.taker is Taker.OTHER
