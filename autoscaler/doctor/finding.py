"""What a check says: nothing wrong, or findings, each of a kind that has a cause and a cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is, from what only should be known to what cannot work."""

    NOTE = "note"
    UNKNOWN = "could not be told"
    WARNING = "warning"
    ERROR = "error"


ORDER = tuple(Level)
OK = "ok"


@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be found. name: stable, in CamelCase. cause, cure: sentences for whoever has it."""

    name: str
    level: Level
    cause: str
    cure: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. where: a place in a file, or an object. what: with names and numbers.

    better: what to do where that is known more exactly than the cure of its kind.
    """

    kind: Kind
    where: str
    what: str
    better: str = ""

    @property
    def cure(self) -> str:
        return self.better or self.kind.cure


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. about: of which policy, pool or object; empty where there is only one."""

    topic: str
    about: str
    findings: tuple[Finding, ...]

    @property
    def state(self) -> str:
        """`ok`, or the level of the worst finding; a note leaves it ok."""
        worst = max((ORDER.index(finding.kind.level) for finding in self.findings), default=0)
        return OK if ORDER[worst] is Level.NOTE else ORDER[worst].value


NOT_TOLD = Kind(
    "NotTold",
    Level.UNKNOWN,
    "What the check needs could not be read: who runs it has no right to, or nobody answered.",
    "Give the right that is named to whoever runs `doctor`, or run it again once the server answers. The controller "
    "needs only the rights that the check `permissions` lists.",
)

WAITS = Kind(
    "WaitsForAnother",
    Level.UNKNOWN,
    "Another finding stands in the way of this check.",
    "Cure that one first, and run `doctor` again.",
)


def check(topic: str, about: str, findings: Iterable[Finding]) -> Check:
    """A check of what was found, in that order."""
    return Check(topic, about, tuple(findings))


def not_told(where: str, said: str) -> Iterator[Finding]:
    """The finding that something could not be read."""
    yield Finding(NOT_TOLD, where, said)


def waits(where: str, said: str) -> Iterator[Finding]:
    """The finding that something follows from another finding."""
    yield Finding(WAITS, where, said)
