"""What a watch knows: the objects of one kind as they stand, and what changed about them, in order. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Key(NamedTuple):
    """An object's place; `namespace` is empty for kinds without namespaces."""

    namespace: str
    name: str


class Happened(Enum):
    """What became of an object."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One thing that happened. `now` is the object after it: of a deleted one its last state.

    unseen: it went while nobody watched: `now` is the last state that we knew, not its last one.
    """

    happened: Happened
    key: Key
    now: T
    before: T | None
    unseen: bool = False


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One object: which one and which state of it, and our fields of it."""

    uid: str
    version: str
    value: T


class Cache(Generic[T]):
    """Objects by key. Used under its owner's lock; what `items` hands out is never changed afterwards."""

    def __init__(self) -> None:
        self._entries: dict[Key, Entry[T]] = {}
        self._items: Mapping[Key, T] | None = None

    def items(self) -> Mapping[Key, T]:
        """All of them at this moment, read-only."""
        if self._items is None:
            self._items = MappingProxyType({key: entry.value for key, entry in self._entries.items()})
        return self._items

    def replace(self, listed: Mapping[Key, Entry[T]]) -> list[Change[T]]:
        """Takes over a whole list, and says what happened since: first what went, then what came or changed."""
        gone = [
            Change(Happened.DELETED, key, old.value, old.value, unseen=True)
            for key, old in self._entries.items()
            if key not in listed or listed[key].uid != old.uid
        ]
        for change in gone:
            del self._entries[change.key]
        return gone + self._take(listed.items())

    def put(self, key: Key, entry: Entry[T]) -> list[Change[T]]:
        """Takes over one object; one of another uid under the same name has gone unseen."""
        old = self._entries.get(key)
        gone: list[Change[T]] = []
        if old is not None and old.uid != entry.uid:
            gone.append(Change(Happened.DELETED, key, old.value, old.value, unseen=True))
            del self._entries[key]
        return gone + self._take([(key, entry)])

    def remove(self, key: Key, entry: Entry[T]) -> list[Change[T]]:
        """Forgets one object, of which `entry` is the last state."""
        old = self._entries.pop(key, None)
        self._items = None
        return [] if old is None else [Change(Happened.DELETED, key, entry.value, old.value)]

    def _take(self, fresh: Iterable[tuple[Key, Entry[T]]]) -> list[Change[T]]:
        self._items = None
        changes = []
        for key, entry in fresh:
            old = self._entries.get(key)
            self._entries[key] = entry
            if old is None:
                changes.append(Change(Happened.ADDED, key, entry.value, None))
            elif old.version != entry.version:
                changes.append(Change(Happened.CHANGED, key, entry.value, old.value))
        return changes
