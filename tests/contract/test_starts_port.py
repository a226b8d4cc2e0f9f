"""The contract of the starts port on the full simulator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from autoscaler.domain.lead_time import Stage
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind
from autoscaler.ports.starts import StartsPort
from autoscaler.simulator.full import FullWorld
from autoscaler.simulator.settings import KARPENTER, ClusterSetting, PoolSetting, WorkloadSetting
from autoscaler.simulator.stages import StageLaw
from tests.contract.starts_suite import StartsContract, StartsRig

POLICIES = ("chat", "batch")
NODE: Mapping[Stage, float] = {Stage.JOINED: 60.3, Stage.GPU: 20.4}
REPLICA: Mapping[Stage, float] = {Stage.IMAGE: 12.7, Stage.WEIGHTS: 25.6, Stage.CUDA: 5.2, Stage.TRANSFER: 8.9}


def _laws(seconds: Mapping[Stage, float]) -> list[StageLaw]:
    return [StageLaw(one, one) for one in seconds.values()]


class SimulatedRig:
    """Constant stages that are no whole seconds, told as an API server would, and looks that are none either."""

    start, policies, pool = 2, POLICIES, "pool"
    node_stages, replica_stages = NODE, REPLICA
    within_s, lasts_s, step_s = 1.5, 400.0, 4.7

    def __init__(self) -> None:
        image, *stages = _laws(REPLICA)
        workloads = tuple(
            WorkloadSetting(name, np.zeros(600), 60.0, 1.0, (0,), 1, image, tuple(stages)) for name in POLICIES
        )
        setting = ClusterSetting(
            pools=(PoolSetting(Pool("pool", CapacityType.ON_DEMAND), tuple(_laws(NODE))),),
            workloads=workloads,
            autoscaler=KARPENTER,
            expander=(0,),
            start_replicas=(self.start, self.start),
            signals=frozenset({SignalKind.ARRIVALS}),
            seed=1,
        )
        self.cluster = self._world = FullWorld(setting)
        self.port: StartsPort = self._world
        self.now_s = 0.0

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self._world.advance(self.now_s)

    def restart(self) -> None:
        self.port = self._world.starts_reader()


@pytest.fixture
def rig() -> StartsRig:
    return SimulatedRig()


class TestSimulatedStarts(StartsContract):
    pass
