"""Rendered objects on the API server: where they belong, whether it takes them, and what is in a cluster at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.cluster.api import APPLY, Api, Json, Refused
from tests.cluster.clock import wait_until

Key = tuple[str, str, str]
"""(plural and group, namespace or empty, name) of an object."""
PASSING = {"events", "leases", "endpoints", "endpointslices", "componentstatuses", "controllerrevisions"}
"""Kinds that come and go by themselves."""
LISTED_S = 60.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind as the server serves it. prefix: of its paths, such as `/apis/apps/v1`."""

    prefix: str
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        space = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.prefix}{space}/{self.plural}" + (f"/{name}" if name else "")


def kinds(api: Api, version: str) -> dict[str, Kind]:
    """Kinds of one `apiVersion` by name, those without subresources."""
    prefix = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return {
        one["kind"]: Kind(prefix, one["name"], one["namespaced"])
        for one in api.call("GET", prefix)["resources"]
        if "/" not in one["name"] and "list" in one["verbs"]
    }


def try_all(api: Api, objects: Sequence[Any], namespace: str) -> list[str]:
    """Has the server take each object without keeping it, unknown fields refused; what it refused, in its words."""
    refused = []
    for body in objects:
        kind = kinds(api, body["apiVersion"])[body["kind"]]
        space = body["metadata"].get("namespace", namespace)
        query = "dryRun=All&fieldManager=tests&force=true&fieldValidation=Strict"
        try:
            api.call("PATCH", f"{kind.path(space, body['metadata']['name'])}?{query}", body, APPLY)
        except Refused as error:
            refused.append(f"{body['kind']} {body['metadata']['name']}: {error}")
    return refused


def keys(api: Api, objects: Sequence[Any], namespace: str) -> set[Key]:
    """Of rendered objects."""
    found = set()
    for body in objects:
        kind = kinds(api, body["apiVersion"])[body["kind"]]
        space = body["metadata"].get("namespace", namespace) if kind.namespaced else ""
        found.add((f"{kind.plural} {_group(body['apiVersion'])}".strip(), space, body["metadata"]["name"]))
    return found


def everything(api: Api) -> set[Key]:
    """All objects of the cluster, but for those that come and go by themselves."""
    versions = ["v1"]
    versions += [one["preferredVersion"]["groupVersion"] for one in api.call("GET", "/apis")["groups"]]
    found: set[Key] = set()
    for version in versions:
        for kind in kinds(api, version).values():
            if kind.plural not in PASSING:
                what = f"{kind.plural} {_group(version)}".strip()
                found |= {(what, *_place(item)) for item in _listed(api, kind)}
    return found


def _listed(api: Api, kind: Kind) -> list[Json]:
    """All objects of a kind; the server refuses to list one whose definition is new, for a moment."""

    def look() -> tuple[list[Json]] | None:
        try:
            return (api.call("GET", kind.path(""))["items"],)
        except Refused as error:
            if error.code != 429:
                raise
            return None

    [items] = wait_until(look, f"{kind.plural} to be listed", LISTED_S, 0.2)
    return items


def _place(item: Json) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _group(version: str) -> str:
    return version.rpartition("/")[0]
