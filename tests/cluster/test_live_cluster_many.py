"""Three hundred placeholders of one plan: how fast they come and go."""

from __future__ import annotations

from collections.abc import Callable

from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.pools import Pool
from tests.cluster.product_link import product_link

MANY = 300
WIDE = Pool("gpu-wide", gpus=100)


def test_many_placeholders_come_and_go(cluster: Cluster, measured: Callable[[str, float, str], None]) -> None:
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 1))
    for node in cluster.add_nodes(WIDE, "zone-a", 4):
        cluster.wait_gpus(node, WIDE.gpus, 60.0)
    with product_link(cluster) as link, live_fleet(LiveFleet(cluster, link, (WIDE,), ("chat",))) as fleet:
        fleet.wait(lambda now: now.ready.sum() == 1, "the replica to serve", 30.0)
        begin = now_s()
        for slot in range(MANY):
            fleet.port.create_placeholder(0, 0, slot)
        measured(f"{MANY} placeholders: created one by one", now_s() - begin, "3-4")
        now = fleet.wait_all_bound(MANY, 60.0)
        measured(f"{MANY} placeholders: bound", now_s() - begin, "-")
        assert (now.free_gpus.tolist(), now.nodes.tolist()) == ([4 * WIDE.gpus - MANY - 1], [4])
        begin = now_s()
        fleet.inventory()
        measured(f"{MANY} placeholders: one inventory", now_s() - begin, "-")
        begin = now_s()
        for slot in range(MANY):
            fleet.port.delete_placeholder(0, 0, slot)
        measured(f"{MANY} placeholders: released one by one", now_s() - begin, "3.0")
        assert fleet.held() == []
        wait_until(lambda: fleet.pods() == [], "all to be gone", 30.0)
        wait_until(lambda: fleet.sweep() is not None and len(fleet.ended) == MANY, "the sweeps to tell", 10.0)
