"""Single objects: read, created, applied, patched, replaced, deleted.

Names of ours are deterministic, so creating what is there and deleting what is gone are done already. Fields are set by
server-side apply under one manager name: the server then knows what is ours and tells whose a field is that is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.json_object import Json, uid
from autoscaler.adapters.kubernetes.resource import Resource
from autoscaler.adapters.kubernetes.transport import Call, Transport
from autoscaler.ports.errors import AlreadyExists, Conflict, NotFound

APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Name:
    """One object. `namespace` None for kinds without namespaces; `subresource` such as `status` or `scale`."""

    resource: Resource
    namespace: str | None
    name: str
    subresource: str = ""

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name, self.subresource)

    def __str__(self) -> str:
        return self.resource.where(self.namespace, self.name, self.subresource)


class Objects:
    """Reads and writes single objects as one field manager. All raise `PortError`; which one, `refusal` says."""

    def __init__(self, transport: Transport, manager: str) -> None:
        """`manager`: the name under which the fields that we set are ours."""
        self._transport = transport
        self.manager = manager

    def get(self, name: Name) -> Json | None:
        """The object, None where it does not exist."""
        try:
            return self._transport.send(Call(f"read {name}", "GET", name.path, repeatable=True))
        except NotFound:
            return None

    def create(self, name: Name, body: Mapping[str, object]) -> Json:
        """The object as admitted. Raises `AlreadyExists` where there is one of this name.

        Sent once: a second try could not tell its own object from another's.
        """
        path = name.resource.path(name.namespace)
        return self._transport.send(Call(f"create {name}", "POST", path, self._options(), self._whole(name, body)))

    def ensure(self, name: Name, body: Mapping[str, object]) -> bool:
        """Creates it unless there is one of this name; whether it was created. Its content is not compared."""
        path = name.resource.path(name.namespace)
        call = Call(f"create {name}", "POST", path, self._options(), self._whole(name, body), repeatable=True)
        try:
            self._transport.send(call)
        except AlreadyExists:
            return False
        return True

    def apply(self, name: Name, fields: Mapping[str, object], force: bool = False) -> Json:
        """Makes these fields ours with these values, creates the object where there is none, and returns it.

        Fields that we set before and leave out now are given up: they vanish unless another manager holds them too.
        Raises `OwnedByOthers` where another manager holds one of them with another value; `force` takes them over.
        """
        query = self._options() | {"force": "true" if force else "false"}
        call = Call(f"apply {name}", "PATCH", name.path, query, self._whole(name, fields), APPLY, repeatable=True)
        return self._transport.send(call)

    def merge_patch(self, name: Name, patch: Mapping[str, object]) -> Json:
        """Changes these fields whoever holds them; None removes one. Returns the object.

        With `metadata.resourceVersion` in the patch it raises `Conflict` where the object is no longer in that state.
        """
        once = "resourceVersion" in _metadata(patch)
        call = Call(f"change {name}", "PATCH", name.path, self._options(), patch, MERGE_PATCH, repeatable=not once)
        return self._transport.send(call)

    def replace(self, name: Name, body: Mapping[str, object]) -> Json:
        """Puts this whole object in place of the one whose resourceVersion it names; else raises `Conflict`."""
        return self._transport.send(Call(f"replace {name}", "PUT", name.path, self._options(), self._whole(name, body)))

    def delete(self, name: Name, only: str | None = None, grace_s: int | None = None, version: str = "") -> bool:
        """Deletes it; False where it is gone already.

        only: uid of the one meant: another object of the same name is left alone, and the one meant is gone.
        grace_s: seconds in place of the object's own. version: raises `Conflict` where it is in another state.
        """
        options: dict[str, object] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        conditions = {key: value for key, value in (("uid", only), ("resourceVersion", version)) if value}
        if conditions:
            options["preconditions"] = conditions
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        try:
            self._transport.send(Call(f"delete {name}", "DELETE", name.path, body=options, repeatable=True))
        except NotFound:
            return False
        except Conflict:
            there = self.get(name)
            if there is not None and (only is None or uid(there) == only):
                raise
            return False
        return True

    def _options(self) -> dict[str, str]:
        return {"fieldManager": self.manager, "fieldValidation": "Strict"}

    def _whole(self, name: Name, body: Mapping[str, object]) -> dict[str, object]:
        """With what every object has to say of itself; the kind of a subresource is the caller's to say."""
        said = {"apiVersion": name.resource.api_version, "kind": name.resource.kind, **body}
        metadata: dict[str, object] = {"name": name.name}
        if name.namespace:
            metadata["namespace"] = name.namespace
        return said | {"metadata": {**metadata, **_metadata(body)}}


def _metadata(body: Mapping[str, object]) -> Mapping[str, object]:
    metadata = body.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}
