"""Rigs: what the contract suites of the ports run on. Each is one way to have a cluster, and lets time pass.

On every rig two workloads run one GPU a replica on one pool of one GPU a node. Arrivals are constant, twice what a
replica carries, then unknown for a while. At the start two replicas of each serve, and nothing else stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.metrics import MetricsPort
from autoscaler.simulator.full import FullWorld
from autoscaler.simulator.settings import KARPENTER, ClusterSetting, PoolSetting, WorkloadSetting
from autoscaler.simulator.simple import SimpleWorld
from autoscaler.simulator.stages import StageLaw

WORKLOADS, TICK_S, ENDS_S = 2, 15.0, 3600.0
NODE_S, REPLICA_S = 120.0, 45.0
READ = frozenset({SignalKind.ARRIVALS, SignalKind.QUEUE, SignalKind.SERVED, SignalKind.GPU_UTILIZATION})


class Rig(Protocol):
    """A cluster behind the ports, what runs and arrives there, and the longest that things take.

    start: replicas of each workload that serve at the start. arrivals_per_s: of each workload, unknown from
    `known_until_s` to `unknown_until_s`. carried_per_s: by a replica. buys_s: from asking to a bound placeholder.
    starts_s: from asking to a serving replica where there is room for it. sees_s: from an event to signals that show
    nothing but the time after it. counts_nodes: whether the inventory counts nodes, or leaves them at 0.
    """

    @property
    def cluster(self) -> ClusterPort: ...

    @property
    def metrics(self) -> MetricsPort: ...

    @property
    def now_s(self) -> float: ...

    def wait(self, seconds: float) -> None:
        """Lets at least so much time pass."""
        ...

    @property
    def start(self) -> int: ...

    @property
    def arrivals_per_s(self) -> float: ...

    @property
    def carried_per_s(self) -> float: ...

    @property
    def known_until_s(self) -> float: ...

    @property
    def unknown_until_s(self) -> float: ...

    @property
    def buys_s(self) -> float: ...

    @property
    def starts_s(self) -> float: ...

    @property
    def sees_s(self) -> float: ...

    @property
    def counts_nodes(self) -> bool: ...


class Facts:
    """What is the same on every simulated rig."""

    start = 2
    arrivals_per_s, carried_per_s = 6.0, 3.0
    known_until_s, unknown_until_s = 1800.0, 2400.0


def _requests(step_s: float) -> Floats:
    """Arrivals a step of one workload."""
    at_s = np.arange(0.0, ENDS_S, step_s)
    unknown = (at_s >= Facts.known_until_s) & (at_s < Facts.unknown_until_s)
    return np.where(unknown, math.nan, Facts.arrivals_per_s * step_s)


class SimpleRig(Facts):
    """The simple fidelity: constant lead times, a node a replica."""

    buys_s, starts_s, sees_s, counts_nodes = NODE_S + TICK_S, REPLICA_S + TICK_S, 2 * TICK_S, False

    def __init__(self) -> None:
        one = np.ones(WORKLOADS)
        requests = np.stack([_requests(TICK_S)] * WORKLOADS)
        self.cluster = self.metrics = self._world = SimpleWorld(
            requests, self.carried_per_s * TICK_S * one, TICK_S, NODE_S * one, REPLICA_S * one, READ
        )
        self.now_s = 0.0

    def wait(self, seconds: float) -> None:
        for _ in range(math.ceil(seconds / TICK_S)):
            self.now_s += TICK_S
            self._world.advance(self.now_s)


class FullRig(Facts):
    """The full fidelity: a scheduler, a node autoscaler, scrapes, queues."""

    buys_s, starts_s, sees_s, counts_nodes = NODE_S + 15.0, REPLICA_S + 1.0, 90.0, True

    def __init__(self) -> None:
        chat = WorkloadSetting(
            name="chat",
            requests=_requests(60.0),
            step_s=60.0,
            requests_per_s=self.carried_per_s,
            pools=(0,),
            gpus=1,
            image=StageLaw(0.0, 0.0),
            stages=(StageLaw(REPLICA_S, REPLICA_S),),
        )
        pool = PoolSetting(Pool("pool", CapacityType.ON_DEMAND), (StageLaw(NODE_S, NODE_S),))
        setting = ClusterSetting(
            pools=(pool,),
            workloads=(chat,) * WORKLOADS,
            autoscaler=KARPENTER,
            expander=(0,),
            start_replicas=(self.start,) * WORKLOADS,
            signals=READ,
            seed=1,
        )
        self.cluster = self.metrics = self._world = FullWorld(setting)
        self.now_s = 0.0

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self._world.advance(self.now_s)


RIGS: dict[str, Callable[[], Rig]] = {"simple": SimpleRig, "full": FullRig}


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest) -> Rig:
    """A fresh rig of each kind."""
    return RIGS[request.param]()
