"""Lists in pages: all objects of one kind at one moment, without one large answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.json_object import Json, version
from autoscaler.adapters.kubernetes.resource import Resource
from autoscaler.adapters.kubernetes.transport import Call, Transport

PAGE = 500


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects: of a kind, in a namespace (None: everywhere), with a label and a field selector (empty: all)."""

    resource: Resource
    namespace: str | None = None
    labels: str = ""
    fields: str = ""

    def query(self) -> dict[str, str]:
        said = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {key: value for key, value in said.items() if value}

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace)

    def __str__(self) -> str:
        return self.resource.where(self.namespace)


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the objects, and the version of the whole list: the same on every page."""

    items: list[Json]
    version: str


def pages(transport: Transport, selection: Selection, size: int = PAGE) -> Iterator[Page]:
    """All objects, `size` at a time, all as they were at the first page.

    Raises `Gone` where the server forgot that moment between two pages: begin again.
    """
    query = selection.query() | {"limit": str(size)}
    while True:
        answer = transport.send(Call(f"list {selection}", "GET", selection.path, query, repeatable=True))
        yield Page(answer.get("items") or [], version(answer))
        following = answer["metadata"].get("continue")
        if not following:
            return
        query = query | {"continue": str(following)}
