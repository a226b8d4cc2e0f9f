"""Builders of simulated clusters: everything has a plain value, so that a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind
from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.delays import Delays
from autoscaler.simulator.engine import Engine
from autoscaler.simulator.full import FullWorld
from autoscaler.simulator.objects import Node
from autoscaler.simulator.replicas import ReplicaSet
from autoscaler.simulator.scheduler import Scheduler
from autoscaler.simulator.settings import (
    CLUSTER_AUTOSCALER,
    ClusterSetting,
    PoolSetting,
    SpotMarket,
    WorkloadSetting,
)
from autoscaler.simulator.stages import StageLaw
from autoscaler.simulator.starter import Starter

STEP_S = 60.0
BOOT_S = 60.0
START_S = 30.0


class Build:
    """Pools of 8-GPU nodes that boot in a minute; workloads of one GPU that start in 30 s, without an image to pull."""

    @staticmethod
    def pool(gpus_per_node: int = 8, boot_s: float = BOOT_S, max_nodes: int | None = None, zones: int = 1,
             min_nodes: int = 0, spot: SpotMarket | None = None) -> PoolSetting:  # fmt: skip
        kind = CapacityType.ON_DEMAND if spot is None else CapacityType.SPOT
        names = tuple("abcdef"[:zones])
        pool = Pool("pool", kind, gpus_per_node=gpus_per_node, max_nodes=max_nodes, min_nodes=min_nodes, zones=names)
        return PoolSetting(pool, (StageLaw(boot_s, boot_s),), spot=spot)

    @staticmethod
    def workload(per_s: float | list[float] = 0.0, hours: float = 4.0, **changes: Any) -> WorkloadSetting:
        """per_s: arrivals, constant over `hours`, or in each minute; then not known."""
        rates = np.array(per_s) if isinstance(per_s, list) else np.full(round(hours * 60), per_s)
        plain = WorkloadSetting(
            name="chat",
            requests=rates * STEP_S,
            step_s=STEP_S,
            requests_per_s=1.0,
            pools=(0,),
            gpus=1,
            image=StageLaw(0.0, 0.0),
            stages=(StageLaw(START_S, START_S),),
        )
        return replace(plain, **changes)

    def setting(self, *workloads: WorkloadSetting, pools: tuple[PoolSetting, ...] | None = None,
                start: tuple[int, ...] | None = None, expander: tuple[int, ...] | None = None,
                **changes: Any) -> ClusterSetting:  # fmt: skip
        """start: replicas at time 0, none where not said. expander: pools as listed where not said."""
        workloads = workloads or (self.workload(),)
        pools = pools or (self.pool(),)
        plain = ClusterSetting(
            pools=pools,
            workloads=workloads,
            autoscaler=CLUSTER_AUTOSCALER,
            expander=expander or tuple(range(len(pools))),
            start_replicas=start or (0,) * len(workloads),
            signals=frozenset(SignalKind),
            seed=1,
        )
        return replace(plain, **changes)

    def world(self, *workloads: WorkloadSetting, **changes: Any) -> Driven:
        return Driven(FullWorld(self.setting(*workloads, **changes)))

    def machine(self, *workloads: WorkloadSetting, pools: int = 1) -> Machine:
        return Machine(self.setting(*workloads, pools=tuple(self.pool() for _ in range(pools))))


class Driven:
    """A world that is moved on second by second."""

    def __init__(self, world: FullWorld) -> None:
        self.world, self.now_s = world, 0.0

    def wait(self, seconds: float) -> Driven:
        self.until(self.now_s + seconds)
        return self

    def until(self, at_s: float) -> Driven:
        self.now_s = at_s
        self.world.advance(at_s)
        return self

    def when(self, condition: Callable[[], bool], within_s: float, step_s: float = 1.0) -> float:
        """The time at which the condition holds first; an error where it does not in time."""
        last_s = self.now_s + within_s
        while not condition():
            assert self.now_s < last_s - 1e-9, f"not within {within_s:g} s"
            self.until(self.now_s + step_s)
        return self.now_s

    def hold(self, count: int, workload: int = 0, pool: int = 0, first: int = 0) -> Driven:
        """Placeholders of the slots from `first`."""
        for slot in range(first, first + count):
            self.world.create_placeholder(workload, pool, slot)
        return self

    def let_go(self, count: int, workload: int = 0, pool: int = 0, first: int = 0) -> Driven:
        for slot in range(first, first + count):
            self.world.delete_placeholder(workload, pool, slot)
        return self

    def scale(self, replicas: int, workload: int = 0) -> Driven:
        self.world.set_floor(workload, replicas)
        return self

    def nodes(self, pool: int = 0) -> int:
        """Up or on order."""
        return int(self.world.node_counts()[:2, pool].sum())

    def up(self, pool: int = 0) -> int:
        return int(self.world.node_counts()[0, pool])

    def ready(self, workload: int = 0) -> int:
        return int(self.world.inventory(self.now_s).ready[workload].sum())

    def pending(self, workload: int = 0) -> int:
        return int(self.world.inventory(self.now_s).pending[workload])

    def bound(self, pool: int = 0) -> int:
        """Bound placeholders of the pool."""
        return sum(p.bound and p.pool == pool for p in self.world.inventory(self.now_s).placeholders)

    def obtainable(self, pool: int = 0) -> bool:
        return bool(self.world.inventory(self.now_s).obtainable[pool])


class Machine:
    """Cluster, scheduler and replica sets without a cloud: nodes stand where a test puts them."""

    def __init__(self, setting: ClusterSetting) -> None:
        self.engine = Engine()
        self.cluster = Cluster(self.engine, len(setting.workloads), len(setting.pools))
        delays = Delays(setting.faults, np.random.default_rng(2))
        starter = Starter(self.cluster, setting.workloads, np.random.default_rng(1), delays)
        self.scheduler = Scheduler(self.cluster, starter, setting.bind_s)
        self.cluster.on_pods = self.scheduler.poke
        self.sets = [ReplicaSet(self.cluster, w, s) for w, s in enumerate(setting.workloads)]

    def node(self, gpus: int = 8, pool: int = 0) -> Node:
        node = Node(len(self.cluster.nodes), pool, 0, gpus, gpus)
        self.cluster.nodes.append(node)
        self.cluster.grant(node)
        self.cluster.usable(node)
        return node

    def wait(self, seconds: float = 0.2) -> None:
        self.engine.run_until(self.engine.now_s + seconds)

    def hold(self, *slots: int, workload: int = 0, gpus: int = 1, pool: int = 0) -> None:
        """Placeholders, bound where there is room, one after another."""
        for slot in slots:
            self.cluster.create_placeholder(workload, gpus, pool, slot)
            self.wait()

    def slots(self, workload: int = 0, bound: bool = True) -> list[int]:
        """Slots of the workload's bound (or pending) placeholders."""
        return [p.slot for p in self.cluster.placeholder_list() if p.workload == workload and p.bound is bound]


@pytest.fixture(scope="session")
def build() -> Build:
    """Builds pools, workloads, settings and worlds with overrides."""
    return Build()
