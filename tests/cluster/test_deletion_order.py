"""A floor that falls empties a node, where the policy lets us say which replicas go first."""

from __future__ import annotations

import pytest

from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.owned import owned
from tests.cluster.pools import PRIMARY

SOON_S = 30.0
ONE_NODE = 8


@pytest.mark.parametrize("ordered", [True, False])
def test_the_replica_that_is_alone_on_a_node_goes_first(cluster: Cluster, ordered: bool) -> None:
    """Without an order the youngest of those on the fullest node would go: Kubernetes spreads what is left."""
    [first] = cluster.add_nodes(PRIMARY, "zone-a")
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, ONE_NODE))
    wait_until(lambda: by_node(cluster) == {first: ONE_NODE}, "the first node to be full", SOON_S)
    [lonely] = cluster.add_nodes(PRIMARY, "zone-a")
    cluster.wait_gpus(lonely, ONE_NODE, SOON_S)
    cluster.api.patch(DEPLOYMENTS, "chat", {"spec": {"replicas": ONE_NODE + 1}}, cluster.namespace)
    with owned(cluster, scale_in="podDeletionCost: true" if ordered else "hold: auto") as chat:
        chat.fleet.wait(lambda now: now.ready.sum() == ONE_NODE + 1, "all replicas to be ready", SOON_S)
        assert by_node(cluster) == {first: ONE_NODE, lonely: 1}
        chat.set_floor(ONE_NODE)
        wait_until(lambda: sum(by_node(cluster).values()) == ONE_NODE, "one replica to go", SOON_S)
    assert (lonely not in by_node(cluster)) is ordered


def by_node(cluster: Cluster) -> dict[str, int]:
    found: dict[str, int] = {}
    for pod in cluster.pods():
        if pod["metadata"].get("deletionTimestamp") is None and pod["metadata"]["labels"].get("app") == "chat":
            found[pod["spec"].get("nodeName", "")] = found.get(pod["spec"].get("nodeName", ""), 0) + 1
    return found
