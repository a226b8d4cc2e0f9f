"""Replica sets: as many replicas as asked for, and who goes first at a scale-down."""

from __future__ import annotations

from autoscaler.domain.rollout import Rollout
from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.objects import Node, Pod, PodState
from autoscaler.simulator.rollout import room_for_new, surplus_of
from autoscaler.simulator.settings import NewImage, WorkloadSetting


class ReplicaSet:
    """One workload's replicas, held at `target`."""

    def __init__(self, cluster: Cluster, workload: int, setting: WorkloadSetting) -> None:
        self._cluster, self._workload, self._setting = cluster, workload, setting
        self.target = 0
        self._revision = 0
        self._newest: NewImage | None = None

    def scale(self, target: int) -> None:
        """Creates or ends the difference at once."""
        limit = self._setting.max_replicas
        self.target = target if limit is None else min(target, limit)
        self.reconcile()

    def reconcile(self) -> None:
        """Replaces what was lost, ends what is too many."""
        have = self._cluster.replicas[self._workload]
        rollout = self.rollout
        if rollout is not None and self.is_rolling:
            self._roll(rollout)
            return
        for _ in range(self.target - len(have)):
            self._create()
        surplus = len(have) - self.target
        if surplus > 0:
            for pod in sorted(have, key=self._deletion_order())[:surplus]:
                self._cluster.stop(pod, self._setting.drain_s)

    def _create(self) -> None:
        pod = self._cluster.create_replica(self._workload, self._setting.gpus, self._setting.pools)
        pod.revision = self._revision

    @property
    def is_rolling(self) -> bool:
        """Whether replicas of an older image are left."""
        have = self._cluster.replicas[self._workload]
        return self._revision > 0 and any(pod.revision < self._revision for pod in have)

    @property
    def rollout(self) -> Rollout | None:
        """The one in progress, until all that it brings are ready."""
        if self._newest is None:
            return None
        have = self._cluster.replicas[self._workload]
        new = [pod for pod in have if pod.revision == self._revision]
        if len(new) == len(have) and all(pod.state is PodState.READY for pod in new):
            self._newest = None  # replicas that start later are of no rollout
            return None
        left = max(self.target - len(new), 0)
        return Rollout(self._newest.surge, self._newest.unavailable, self.target, len(have), left)

    def roll_out(self, newest: NewImage) -> None:
        """A new image: no node has it, and every replica is to be replaced."""
        self._revision += 1
        self._newest = newest
        for node in self._cluster.nodes:
            node.images.pop(self._workload, None)
        self.reconcile()

    def _roll(self, rollout: Rollout) -> None:
        """One step of the replacement; the next comes when a replica is ready, or ends."""
        have = self._cluster.replicas[self._workload]
        old = [pod for pod in have if pod.revision < self._revision]
        for _ in range(room_for_new(rollout, self.target, len(have), len(have) - len(old))):
            self._create()
        going = surplus_of(rollout, self.target, have, sorted(old, key=self._deletion_order()))
        for pod in going:
            self._cluster.stop(pod, self._setting.drain_s)
        if going:
            engine = self._cluster.engine
            engine.at(engine.now_s, self.reconcile)

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
