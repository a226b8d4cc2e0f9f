"""agent-sandbox: a pool keeps its count of warm pods, whoever claims some."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.pools import Pool
from tests.cluster.sandbox import CLAIMS, POOLS, TEMPLATES, claim, template, warm_pool
from tests.cluster.stages import Stages

Measured = Callable[[str, float, str], None]
SOON_S = 60.0
READY = Pool("gpu-primary", stages=Stages(boot_s=0))
pytestmark = pytest.mark.usefixtures("sandbox")


@pytest.fixture
def pool(cluster: Cluster) -> str:
    """A pool of two pods of one GPU each, on nodes with plenty."""
    cluster.add_nodes(READY, "zone-a", 2)
    cluster.create(TEMPLATES, template("chat", cluster.namespace))
    cluster.create(POOLS, warm_pool("chat", cluster.namespace, 2))
    wait_ready(cluster, 2)
    return "chat"


def wait_ready(cluster: Cluster, count: int) -> float:
    """Seconds until the pool says that so many are ready."""
    begin = now_s()

    def look() -> bool:
        return bool(
            cluster.api.get(POOLS, "chat", cluster.namespace).get("status", {}).get("readyReplicas", 0) == count
        )

    wait_until(look, f"{count} ready pods in the pool", SOON_S)
    return now_s() - begin


def wait_pods(cluster: Cluster, count: int) -> float:
    """Seconds until there are so many pods."""
    begin = now_s()
    wait_until(lambda: len(cluster.pods()) == count, f"{count} pods", SOON_S)
    return now_s() - begin


def scale(cluster: Cluster, replicas: int) -> None:
    cluster.api.patch(POOLS, "chat", {"spec": {"replicas": replicas}}, cluster.namespace, subresource="scale")


def test_a_pool_follows_its_scale(cluster: Cluster, pool: str, measured: Measured) -> None:
    scale(cluster, 6)
    measured("agent-sandbox: pool from 2 to 6", wait_ready(cluster, 6), "0.3")
    scale(cluster, 3)
    measured("agent-sandbox: pool from 6 to 3", wait_pods(cluster, 3), "0.1; 30 while its kinds are new")
    found = cluster.api.get(POOLS, pool, cluster.namespace, "scale")
    assert len(cluster.pods(labelSelector=found["status"]["selector"])) == 3


def test_claimed_pods_do_not_count(cluster: Cluster, pool: str, measured: Measured) -> None:
    cluster.create(CLAIMS, claim("user", cluster.namespace, pool))
    measured("agent-sandbox: pool full again after a claim", wait_pods(cluster, 3), "0.2")
    wait_ready(cluster, 2)
    scale(cluster, 0)
    measured("agent-sandbox: pool to zero beside a claim", wait_pods(cluster, 1), "1.3")
    assert cluster.api.get(POOLS, pool, cluster.namespace)["spec"]["replicas"] == 0
