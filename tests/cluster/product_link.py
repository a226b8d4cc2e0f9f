"""The product's own link to the rig's API server, as one of its users."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoscaler.adapters.kubernetes.connection import connect
from autoscaler.adapters.kubernetes.transport import Transport, TransportSettings
from autoscaler.adapters.system_clock import SystemClock
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import ADMIN
from tests.cluster.processes import LOOPBACK
from tests.cluster.relay import Relay


@contextmanager
def product_link(
    cluster: Cluster, user: str = ADMIN, settings: TransportSettings | None = None, through: Relay | None = None
) -> Iterator[Transport]:
    """A transport as `user`, closed at the end of the block; `through` a relay where one is given."""
    kubeconfig = cluster.control_plane.kubeconfig(user)
    connection = connect(kubeconfig if through is None else _through(through, kubeconfig))
    try:
        yield Transport(connection, SystemClock(), settings)
    finally:
        connection.close()


def _through(relay: Relay, kubeconfig: Path) -> Path:
    """The same kubeconfig with the address of the relay: the server's certificate is for the whole machine."""
    content = json.loads(kubeconfig.read_text())
    content["clusters"][0]["cluster"]["server"] = f"https://{LOOPBACK}:{relay.port}"
    path = kubeconfig.with_suffix(f".{relay.port}")
    path.write_text(json.dumps(content))
    return path


@contextmanager
def relay_to(cluster: Cluster) -> Iterator[Relay]:
    """A wire to the API server that the test can cut."""
    relay = Relay(cluster.control_plane.server.port)
    try:
        yield relay
    finally:
        relay.close()
