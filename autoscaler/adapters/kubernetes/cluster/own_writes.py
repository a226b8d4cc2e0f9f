"""Placeholders as they stand, our own last writes included: the watch shows those some milliseconds later."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.adapters.kubernetes.watching import Snapshot
from autoscaler.placeholder.pod import Json, metadata, name

KEPT_S = 120.0
"""How long a deletion is remembered: longer than a watch that is trusted can be behind."""


class OwnWrites:
    """What we created and deleted. Used by the loop and, for `is_released`, by the watch's thread."""

    def __init__(self) -> None:
        self._created: dict[str, Json] = {}
        self._deleted: dict[str, float] = {}
        self._lock = Lock()

    def create(self, pod: Json) -> None:
        """Takes down what the server answered."""
        with self._lock:
            self._created[name(pod)] = pod

    def delete(self, uid: str, at_s: float) -> None:
        """Takes down that this one is to go, before the server is asked. at_s: monotonic seconds."""
        with self._lock:
            self._deleted[uid] = at_s

    def forget(self, uid: str) -> None:
        """Its deletion was refused, or nobody knows whether it was done."""
        with self._lock:
            self._deleted.pop(uid, None)

    def is_released(self, uid: str) -> bool:
        """Whether we deleted it."""
        with self._lock:
            return uid in self._deleted

    def standing(self, seen: Snapshot[SeenPod], at_s: float) -> dict[str, Json]:
        """Placeholders by name: those of the watch, less those deleted, and those that it does not know of yet."""
        with self._lock:
            self._deleted = {uid: then for uid, then in self._deleted.items() if at_s - then < KEPT_S}
            self._created = {
                key: pod for key, pod in self._created.items() if _later(metadata(pod)["resourceVersion"], seen.version)
            }
            known = {**_placeholders(seen.items), **self._created}
            return {key: pod for key, pod in known.items() if metadata(pod)["uid"] not in self._deleted}


def _later(one: str, than: str) -> bool:
    """Whether one resourceVersion comes after another: decimal numbers that grow, by the API's own rules."""
    return not than or int(one) > int(than)


def _placeholders(items: Mapping[Key, SeenPod]) -> dict[str, Json]:
    return {pod.name: pod.whole for pod in items.values() if pod.whole is not None}
