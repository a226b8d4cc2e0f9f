"""The contract of the starts port on the real control plane, with Karpenter: the same as on the simulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from autoscaler.adapters.kubernetes.cluster.live import LiveCluster
from autoscaler.domain.lead_time import Stage
from autoscaler.ports.starts import StartsPort
from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.pools import Pool
from tests.cluster.product_link import product_link
from tests.cluster.stages import Stages
from tests.contract.starts_suite import StartsContract

WORKLOADS = ("chat", "code")
BOOT_S, GPU_S, REGISTRATION_S = 3, 2, 2
POOL = Pool(
    "gpu-small", gpus=1, zones=("zone-a",), most_nodes=10, stages=Stages(boot_s=BOOT_S, gpu_s=GPU_S),
    registration_s=REGISTRATION_S,
)  # fmt: skip
REPLICA = Stages(image_s=4, weights_s=5, cuda_s=3)
START_S = 90.0


class LiveRig:
    """Two Deployments on nodes that Karpenter buys; the pods tell by a condition when they have loaded."""

    start, policies, pool = 1, WORKLOADS, POOL.name
    within_s, lasts_s, step_s = 2.0, 120.0, 0.5
    node_stages: Mapping[Stage, float] = {
        Stage.JOINED: REGISTRATION_S, Stage.NODE_READY: BOOT_S, Stage.GPU: GPU_S,
    }  # fmt: skip
    replica_stages: Mapping[Stage, float] = {Stage.IMAGE: 4.0, Stage.LOAD: 5.0, Stage.WARM_UP: 3.0}

    def __init__(self, fleet: LiveFleet) -> None:
        self._fleet = fleet

    @property
    def cluster(self) -> LiveCluster:
        return self._fleet.port

    @property
    def port(self) -> StartsPort:
        return self._fleet.port

    @property
    def now_s(self) -> float:
        return epoch_s()

    def wait(self, seconds: float) -> None:
        until_s = epoch_s() + seconds
        wait_until(lambda: epoch_s() >= until_s, "time to pass", seconds + 60.0, 0.05)
        self._fleet.inventory()
        self._fleet.sweep()

    def restart(self) -> None:
        self._fleet.restart()


@pytest.fixture
def rig(cluster: Cluster, start_karpenter: Callable[..., Karpenter]) -> Iterator[LiveRig]:
    start_karpenter((POOL,))
    for name in WORKLOADS:
        cluster.create(DEPLOYMENTS, deployment(name, cluster.namespace, LiveRig.start, stages=REPLICA))
    with product_link(cluster) as link, live_fleet(LiveFleet(cluster, link, (POOL,), WORKLOADS)) as fleet:
        fleet.wait(lambda now: now.ready.sum() == LiveRig.start * len(WORKLOADS), "the replicas of the start", START_S)
        yield LiveRig(fleet)


class TestLiveStarts(StartsContract):
    pass
