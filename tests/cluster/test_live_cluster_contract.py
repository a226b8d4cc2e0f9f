"""The contract of the cluster port on the real control plane, with Karpenter: the same as on the simulators."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.adapters.kubernetes.cluster.live import LiveCluster
from autoscaler.domain.inventory import Inventory
from tests.cluster.clock import NotInTime, epoch_s
from tests.cluster.cluster import Cluster
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.pools import Pool
from tests.cluster.product_link import product_link
from tests.cluster.stages import Stages
from tests.contract.cluster_suite import ClusterContract

QUICK = Pool("gpu-small", gpus=1, zones=("zone-a",), most_nodes=30, stages=Stages(boot_s=1), registration_s=1)
STARTING = Stages(image_s=6)
WORKLOADS = ("chat", "code")
START_S, SEEN_S = 60.0, 10.0


def is_settled(now: Inventory) -> bool:
    """Nothing is on its way."""
    coming = int(now.pending.sum() + now.starting.sum() + now.nodes_starting.sum())
    serving = (now.ready.sum(axis=1) == now.floor).all()
    return coming == 0 and bool(serving) and all(p.bound for p in now.placeholders)


class LiveRig:
    """Two Deployments on nodes that Karpenter buys; it takes seconds, and no wait is longer than it has to be."""

    start, buys_s, starts_s, counts_nodes, rounds = 2, 30.0, 15.0, True, 8

    def __init__(self, fleet: LiveFleet) -> None:
        self._fleet = fleet

    @property
    def cluster(self) -> LiveCluster:
        return self._fleet.port

    @property
    def now_s(self) -> float:
        return epoch_s()

    def wait(self, seconds: float) -> None:
        try:
            self._fleet.wait(is_settled, "all that is on its way", seconds)
        except NotInTime:
            return
        finally:
            self._fleet.sweep()

    def settle(self) -> None:
        self._fleet.wait(
            lambda now: (now.ready.sum(axis=1) + now.starting.sum(axis=1) + now.pending == now.floor).all(),
            "the Deployments to follow their floors",
            SEEN_S,
        )


@pytest.fixture
def rig(cluster: Cluster, start_karpenter: Callable[..., Karpenter]) -> Iterator[LiveRig]:
    start_karpenter((QUICK,))
    for name in WORKLOADS:
        cluster.create(DEPLOYMENTS, deployment(name, cluster.namespace, LiveRig.start, stages=STARTING))
    with product_link(cluster) as link, live_fleet(LiveFleet(cluster, link, (QUICK,), WORKLOADS)) as fleet:
        found = LiveRig(fleet)
        fleet.wait(lambda now: now.ready.sum() and is_settled(now), "the replicas of the start", START_S)
        yield found


class TestLiveCluster(ClusterContract):
    pass
