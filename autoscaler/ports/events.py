"""The events port: what a person should know, said beside the object that it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectReference:
    """The object that something is about; `namespace` is empty for kinds without namespaces."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to know. reason: a stable word in CamelCase; note: a sentence, equal as long as nothing has changed."""

    about: ObjectReference
    reason: str
    note: str
    warning: bool = False


class EventsPort(Protocol):
    """Says things once, however often they are repeated."""

    def record(self, notice: Notice) -> None:
        """Returns at once and never raises: what cannot be said is lost, and counted."""
        ...
