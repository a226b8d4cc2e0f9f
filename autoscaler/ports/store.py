"""The store port: the small records that a restart must not lose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was saved last. `version` names this save: the next one has to show it."""

    content: dict[str, object]
    version: str


class StorePort(Protocol):
    """Keeps one record a name. Each save is whole or not at all, and only replaces what the caller has read.

    Content is what JSON can say: text, finite numbers, booleans, None, lists, and objects keyed by text.
    """

    def load(self, name: str) -> Stored | None:
        """The record, None where there is none. Raises `Damaged` where it cannot be trusted, `Unavailable`."""
        ...

    def save(self, name: str, content: Mapping[str, object], version: str | None) -> str:
        """Replaces the record of this version (None: there is none yet) and returns the new version.

        Raises `Conflict` where the record is of another version, `Invalid` where the content is too large or not
        JSON, `Unavailable`.
        """
        ...

    def delete(self, name: str) -> None:
        """Forgets the record; done already where there is none. Raises `Conflict` if not ours, `Unavailable`."""
        ...

    def names(self) -> tuple[str, ...]:
        """The names that have a record, sorted. Raises `Unavailable`."""
        ...
