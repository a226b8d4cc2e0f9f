"""Kinds that come to a control plane for a while: definitions as the modules of their programs have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.api import Api, Json, Refused, path_of
from tests.cluster.clock import wait_until

CRDS = "apiextensions.k8s.io/v1/customresourcedefinitions"
SERVED_S = 60.0
NOT_YET = (404, 429)  # no path yet; a path whose storage is not read yet
UNCONVERTED: Json = {"spec": {"conversion": {"strategy": "None", "webhook": None}}}


@dataclass(frozen=True, slots=True)
class Defined:
    """A kind by its definition. resource: as in paths, in the version that is stored."""

    definition: str
    resource: str
    namespaced: bool

    @classmethod
    def of(cls, body: Json) -> Defined:
        """What a CustomResourceDefinition defines."""
        spec = body["spec"]
        [version] = [one["name"] for one in spec["versions"] if one["storage"]]
        resource = f"{spec['group']}/{version}/{spec['names']['plural']}"
        return cls(body["metadata"]["name"], resource, spec["scope"] == "Namespaced")


def install(api: Api, files: Sequence[Path]) -> list[Defined]:
    """Makes definitions of one document a file and waits until their kinds can be listed; nothing converts versions.

    Files go as they are: to read a megabyte of YAML takes Python longer than the API server."""
    made = []
    for file in files:
        body = api.call("POST", path_of(CRDS), file.read_text(), "application/yaml")
        made.append(Defined.of(body))
        if body["spec"]["conversion"]["strategy"] != "None":
            api.patch(CRDS, body["metadata"]["name"], UNCONVERTED)
    for kind in made:
        wait_until(_listed(api, kind), f"{kind.resource} to be served", SERVED_S)
    return made


def remove(api: Api, kinds: Sequence[Defined]) -> None:
    """Takes definitions away, with all their objects; done when this returns."""
    for kind in kinds:
        api.delete(CRDS, kind.definition)
    for kind in kinds:
        wait_until(_gone(api, kind), f"the definition {kind.definition} to go", SERVED_S)


def _listed(api: Api, kind: Defined) -> Callable[[], bool]:
    def look() -> bool:
        try:
            api.list(kind.resource)
        except Refused as error:
            if error.code not in NOT_YET:
                raise
            return False
        return True

    return look


def _gone(api: Api, kind: Defined) -> Callable[[], bool]:
    return lambda: api.find(CRDS, kind.definition) is None
