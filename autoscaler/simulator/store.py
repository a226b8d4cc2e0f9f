"""Records kept in memory: the store port of a simulated world."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from autoscaler.domain.record import seal, unseal
from autoscaler.ports.errors import Conflict, Damaged, Invalid
from autoscaler.ports.store import Stored

FORM = 1


class MemoryStore:
    """The store port without a cluster: the same text, versions and refusals, gone with the process."""

    def __init__(self, most_bytes: int = 256 * 1024) -> None:
        self.texts: dict[str, str] = {}
        """What stands under each name, as a stranger could change it."""
        self._versions: dict[str, int] = {}
        self._saves = 0
        self._lock = Lock()
        self._most_bytes = most_bytes

    def load(self, name: str) -> Stored | None:
        if name not in self.texts:
            return None
        version = str(self._versions[name])
        try:
            return Stored(unseal(self.texts[name], FORM), version)
        except ValueError as error:
            raise Damaged(f"load record {name}: {error}; go on without it", version) from error

    def save(self, name: str, content: Mapping[str, object], version: str | None) -> str:
        try:
            text = seal(content, FORM, self._most_bytes)
        except ValueError as error:
            raise Invalid(f"save record {name}: {error}; save less") from error
        with self._lock:
            there = str(self._versions[name]) if name in self.texts else None
            if version != there:
                raise Conflict(f"save record {name}: version {there} is there, not {version}; load it again")
            self._saves += 1
            self.texts[name], self._versions[name] = text, self._saves
            return str(self._saves)

    def delete(self, name: str) -> None:
        self.texts.pop(name, None)

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.texts))
