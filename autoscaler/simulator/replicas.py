"""Replica sets: as many replicas as asked for, their starts stage by stage, and who goes first at a scale-down."""

from __future__ import annotations

import numpy as np

from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.objects import Node, Pod, PodState
from autoscaler.simulator.settings import WorkloadSetting


class Starter:
    """Draws the stages of each start; a node pulls a workload's image once, for all replicas there that wait for it."""

    def __init__(self, cluster: Cluster, workloads: tuple[WorkloadSetting, ...], rng: np.random.Generator) -> None:
        self._cluster, self._workloads, self._rng = cluster, workloads, rng

    def begin(self, pod: Pod, node: Node) -> None:
        """A replica that was bound begins its stages."""
        setting = self._workloads[pod.workload]
        seconds = sum(stage.draw(self._rng) for stage in setting.stages)
        engine = self._cluster.engine
        if pod.workload not in node.images:
            node.images[pod.workload] = engine.now_s + setting.image.draw(self._rng)
        begin_s = max(engine.now_s, node.images[pod.workload])
        pod.timer = engine.at(begin_s + seconds, lambda: self._cluster.serve(pod))


class ReplicaSet:
    """One workload's replicas, held at `target`."""

    def __init__(self, cluster: Cluster, workload: int, setting: WorkloadSetting) -> None:
        self._cluster, self._workload, self._setting = cluster, workload, setting
        self.target = 0

    def scale(self, target: int) -> None:
        """Creates or ends the difference at once."""
        limit = self._setting.max_replicas
        self.target = target if limit is None else min(target, limit)
        self.reconcile()

    def reconcile(self) -> None:
        """Replaces what was lost, ends what is too many."""
        have = self._cluster.replicas[self._workload]
        for _ in range(self.target - len(have)):
            self._cluster.create_replica(self._workload, self._setting.gpus, self._setting.pools)
        surplus = len(have) - self.target
        if surplus > 0:
            for pod in sorted(have, key=self._deletion_order())[:surplus]:
                self._cluster.stop(pod, self._setting.drain_s)

    def evict(self, pod: Pod) -> None:
        """Ends one replica; another is asked for in its place."""
        self._cluster.stop(pod, self._setting.drain_s)
        self.reconcile()

    def drain(self, node: Node) -> None:
        """The node leaves: its replicas end, and others are asked for in their place."""
        for pod in [p for p in node.pods if p.workload == self._workload and not p.is_placeholder]:
            if pod.state is not PodState.STOPPING:
                self._cluster.stop(pod, self._setting.drain_s)
        self.reconcile()

    def _deletion_order(self) -> _DeletionOrder:
        return _DeletionOrder(self._cluster.replicas[self._workload])


class _DeletionOrder:
    """As the ReplicaSet controller ranks: unassigned, then not ready, then more of its own beside it, then younger."""

    def __init__(self, pods: list[Pod]) -> None:
        self._beside: dict[int, int] = {}
        for pod in pods:
            if pod.node is not None:
                self._beside[pod.node.number] = self._beside.get(pod.node.number, 0) + 1

    def __call__(self, pod: Pod) -> tuple[bool, bool, int, float]:
        beside = 0 if pod.node is None else self._beside[pod.node.number]
        return pod.node is not None, pod.state is PodState.READY, -beside, -pod.created_s
