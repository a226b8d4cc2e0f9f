"""Of several controllers, one acts: writes are refused as soon as we do not lead any more."""

from __future__ import annotations

from autoscaler.domain.inventory import Inventory
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.errors import Conflict
from autoscaler.ports.leadership import LeadershipPort


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
        if not self._leadership.is_leader():
            raise Conflict("not done: another controller may lead by now; it decides anew")
