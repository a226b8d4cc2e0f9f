"""Kinds that come to a control plane for a while: definitions as the modules of their programs have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.cluster.api import Api, Json, Refused, path_of
from tests.cluster.clock import wait_until
from tests.cluster.control_plane import CRDS, ControlPlane
from tests.cluster.kinds import Defined

SERVED_S = 60.0
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
UNCONVERTED: Json = {"spec": {"conversion": {"strategy": "None", "webhook": None}}}


@contextmanager
def defined(plane: ControlPlane, files: Sequence[Path]) -> Iterator[None]:
    """Has the kinds of definitions, one a file, for the length of the block; a test's cluster clears their objects like
    all others. Nothing converts versions. All is gone when this ends.

    Files go as they are: to read a megabyte of YAML takes Python longer than the API server."""
    api = plane.api()
    with ExitStack() as gone, ExitStack() as ends:  # all are deleted before the first is waited for
        for file in files:
            body = api.call("POST", path_of(CRDS), file.read_text(), "application/yaml")
            kind = Defined.of(body)
            gone.callback(_wait_gone, api, kind)
            ends.callback(api.delete, CRDS, kind.definition)
            if body["spec"]["conversion"]["strategy"] != "None":
                api.patch(CRDS, kind.definition, UNCONVERTED)
            plane.kinds.append(kind)
            ends.callback(plane.kinds.remove, kind)
        wait_until(_listed(api, plane.kinds), "new kinds to be served", SERVED_S)
        wait_until(_discovered(api, plane.kinds), "new kinds to be discovered", SERVED_S)
        yield


def _wait_gone(api: Api, kind: Defined) -> None:
    wait_until(lambda: api.find(CRDS, kind.definition) is None, f"the definition {kind.definition} to go", SERVED_S)


def _listed(api: Api, kinds: Sequence[Defined]) -> Callable[[], bool]:
    def look() -> bool:
        try:
            for kind in kinds:
                api.list(kind.resource)
        except Refused as error:
            if error.code != 404:  # no path yet
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
