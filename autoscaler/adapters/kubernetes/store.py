"""The store port on ConfigMaps: one record each, replaced by compare-and-swap.

The version of a record is the resourceVersion of its ConfigMap, so whoever else writes to it makes our next save a
conflict. A ConfigMap of the right name without our label is somebody else's, and is neither believed nor touched.
"""

from __future__ import annotations

from collections.abc import Mapping

from autoscaler.adapters.kubernetes.json_object import Json, uid
from autoscaler.adapters.kubernetes.json_object import version as version_of
from autoscaler.adapters.kubernetes.listing import Selection, pages
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import CONFIG_MAPS
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.domain.record import seal, unseal
from autoscaler.ports.errors import Conflict, Damaged, Invalid, NotFound
from autoscaler.ports.store import Stored

LABEL, LABEL_VALUE = "gpu-autoscaler.io/part", "record"
KEY = "record"
MOST_BYTES = 256 * 1024
"""Of one record, which is a few KiB: a quarter of what a ConfigMap can hold."""


class ConfigMapStore:
    """Records in one namespace, in ConfigMaps named `<prefix><name>`."""

    def __init__(
        self,
        transport: Transport,
        objects: Objects,
        namespace: str,
        form: int,
        prefix: str = "record-",
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`form`: number of the layout of the content; a record of another form is `Damaged` to us."""
        self._transport = transport
        self._objects = objects
        self._namespace = namespace
        self._form = form
        self._prefix = prefix
        self._most_bytes = most_bytes

    def load(self, name: str) -> Stored | None:
        place = self._place(name)
        found = self._objects.get(place)
        if found is None:
            return None
        if not _is_ours(found):
            raise Damaged(f"load {place}: it has no label {LABEL}={LABEL_VALUE}: not ours; rename or remove it", None)
        try:
            return Stored(unseal((found.get("data") or {}).get(KEY) or "", self._form), version_of(found))
        except ValueError as error:
            raise Damaged(f"load {place}: {error}; go on without it, and save it anew", version_of(found)) from error

    def save(self, name: str, content: Mapping[str, object], version: str | None) -> str:
        place = self._place(name)
        try:
            text = seal(content, self._form, self._most_bytes)
        except ValueError as error:
            raise Invalid(f"save {place}: {error}; save less") from error
        body: dict[str, object] = {"metadata": {"labels": {LABEL: LABEL_VALUE}}, "data": {KEY: text}}
        if version is None:
            return version_of(self._objects.create(place, body))
        body["metadata"] = {"labels": {LABEL: LABEL_VALUE}, "resourceVersion": version}
        try:
            return version_of(self._objects.merge_patch(place, body))
        except NotFound as error:
            raise Conflict(f"save {place}: it was deleted meanwhile; load it again") from error

    def delete(self, name: str) -> None:
        place = self._place(name)
        found = self._objects.get(place)
        if found is None:
            return
        if not _is_ours(found):
            raise Conflict(f"delete {place}: it has no label {LABEL}={LABEL_VALUE}: not ours; left alone")
        self._objects.delete(place, only=uid(found))

    def names(self) -> tuple[str, ...]:
        ours = Selection(CONFIG_MAPS, self._namespace, labels=f"{LABEL}={LABEL_VALUE}")
        found = [str(item["metadata"]["name"]) for page in pages(self._transport, ours) for item in page.items]
        return tuple(sorted(name.removeprefix(self._prefix) for name in found if name.startswith(self._prefix)))

    def _place(self, name: str) -> Name:
        return Name(CONFIG_MAPS, self._namespace, self._prefix + name)


def _is_ours(thing: Json) -> bool:
    return (thing["metadata"].get("labels") or {}).get(LABEL) == LABEL_VALUE
