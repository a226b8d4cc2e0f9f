"""Kinds that come to a control plane for a while: definitions as the modules of their programs have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.api import Api, Json, Refused, path_of
from tests.cluster.clock import wait_until
from tests.cluster.control_plane import CRDS, ControlPlane
from tests.cluster.kinds import Defined

SERVED_S = 60.0
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
NOT_YET = (404, 429)  # no path yet; a path whose storage is not read yet
UNCONVERTED: Json = {"spec": {"conversion": {"strategy": "None", "webhook": None}}}


@contextmanager
def defined(plane: ControlPlane, files: Sequence[Path]) -> Iterator[Sequence[Defined]]:
    """Has their kinds for the length of the block; a test's cluster clears objects of them like all others."""
    kinds = install(plane.api(), files)
    plane.kinds += kinds
    try:
        yield kinds
    finally:
        for kind in kinds:
            plane.kinds.remove(kind)
        remove(plane.api(), kinds)


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
    wait_until(_discovered(api, made), "new kinds to be discovered", SERVED_S)
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


def _discovered(api: Api, kinds: Sequence[Defined]) -> Callable[[], bool]:
    """Programs look here for the paths of their kinds, and some of them once only."""
    wanted = {kind.resource for kind in kinds}

    def look() -> bool:
        groups = api.call("GET", "/apis", accept=DISCOVERY)["items"]
        found = {
            f"{group['metadata']['name']}/{version['version']}/{resource['resource']}"
            for group in groups
            for version in group["versions"]
            for resource in version.get("resources", [])
        }
        return wanted <= found

    return look


def _gone(api: Api, kind: Defined) -> Callable[[], bool]:
    return lambda: api.find(CRDS, kind.definition) is None
