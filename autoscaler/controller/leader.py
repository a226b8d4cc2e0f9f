"""Of several controllers, one acts: writes are refused as soon as we do not lead any more."""

from __future__ import annotations

from autoscaler.domain.inventory import Inventory
from autoscaler.domain.queue import CheckState, Queue
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.errors import Conflict
from autoscaler.ports.leadership import LeadershipPort
from autoscaler.ports.queue import QueuePort


class LedCluster:
    """The cluster port, asked before every write whether we still lead: a tick may be longer than a lease."""

    def __init__(self, cluster: ClusterPort, leadership: LeadershipPort) -> None:
        self._cluster, self._leadership = cluster, leadership

    def inventory(self, now_s: float) -> Inventory:
        return self._cluster.inventory(now_s)

    def set_floor(self, workload: int, replicas: int) -> None:
        self._check()
        self._cluster.set_floor(workload, replicas)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._check()
        self._cluster.create_placeholder(workload, pool, slot)

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._check()
        self._cluster.delete_placeholder(workload, pool, slot)

    def _check(self) -> None:
        _check(self._leadership)


class LedQueue:
    """The queue port, asked in the same way."""

    def __init__(self, queue: QueuePort, leadership: LeadershipPort) -> None:
        self._queue, self._leadership = queue, leadership

    def queue(self, now_s: float) -> Queue:
        return self._queue.queue(now_s)

    def hold(self, uid: str, pools: tuple[int, ...]) -> None:
        _check(self._leadership)
        self._queue.hold(uid, pools)

    def free(self, uid: str) -> None:
        _check(self._leadership)
        self._queue.free(uid)

    def answer(self, uid: str, state: CheckState, message: str) -> None:
        _check(self._leadership)
        self._queue.answer(uid, state, message)

    def serve(self, rule: int) -> None:
        _check(self._leadership)
        self._queue.serve(rule)


def _check(leadership: LeadershipPort) -> None:
    if not leadership.is_leader():
        raise Conflict("not done: another controller may lead by now; it decides anew")
