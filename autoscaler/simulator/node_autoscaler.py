"""The node autoscaler: buys nodes for pods that fit nowhere, and lets go of nodes that nobody needs.

Cluster Autoscaler and Karpenter differ in when they act and in what they move (`AutoscalerProfile`); what they have in
common is here.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from autoscaler.simulator.cloud import Cloud, largest_nodes
from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.objects import Node, Pod
from autoscaler.simulator.releases import Releases
from autoscaler.simulator.settings import ClusterSetting

BACKOFF_RESET_S = 10_800.0
"""A zone that has not refused for so long is as one that never did (Cluster Autoscaler)."""


class NodeAutoscaler:
    """Looks every `scan_s` while something is pending or some node might go. evict: ends a replica, which its owner
    replaces."""

    def __init__(self, cluster: Cluster, cloud: Cloud, setting: ClusterSetting, evict: Callable[[Pod], None]) -> None:
        self._cluster, self._cloud, self._setting, self._profile = cluster, cloud, setting, setting.autoscaler
        self._engine = cluster.engine
        self._planned_s = math.inf
        self._last_add_s = -math.inf
        zones = [len(p.pool.zones) for p in setting.pools]
        self._backoff_until_s = [[-math.inf] * n for n in zones]
        self._backoff_s = [[0.0] * n for n in zones]
        self._refused_s = [[-math.inf] * n for n in zones]
        self._releases = Releases(cluster, setting, evict)
        cloud.on_refused = self._refused

    def poke(self) -> None:
        """A pod was created, or GPUs came free: look when the batch of new pods is complete, or at the next scan."""
        if self._cluster.pending:
            self._plan(self._engine.now_s + self._profile.batch_s)
        else:
            self._plan_scan()

    def obtainable(self, pool: int) -> bool:
        """Whether any zone of the pool is not backed off."""
        return any(until_s <= self._engine.now_s for until_s in self._backoff_until_s[pool])

    def is_full(self, pool: int) -> bool:
        """Whether the pool has as many nodes as it may."""
        return self._headroom(pool) <= 0

    def backed_off(self, pool: int) -> list[int]:
        """Zones of the pool that are not asked for a while, after a refusal."""
        return [z for z, until_s in enumerate(self._backoff_until_s[pool]) if until_s > self._engine.now_s]

    def _plan_scan(self) -> None:
        scan_s = self._profile.scan_s
        self._plan((math.floor(self._engine.now_s / scan_s + 1e-9) + 1) * scan_s)

    def _plan(self, at_s: float) -> None:
        if at_s < self._planned_s:
            self._planned_s = at_s
            self._engine.at(at_s, lambda: self._run(at_s))

    def _run(self, planned_s: float) -> None:
        if planned_s != self._planned_s:
            return
        self._planned_s = math.inf
        unhelped = self._unhelped()
        if unhelped:
            self._scale_up(unhelped)
        self._releases.run(self._last_add_s)
        if unhelped or self._releases.watching:
            self._plan_scan()

    # up

    def _unhelped(self) -> list[Pod]:
        """Pending pods that no usable node and no node on order has room for, replicas first."""
        room = {n.number: n.free for n in self._cluster.nodes if not n.leaving}
        unhelped = []
        for pod in sorted(self._cluster.pending, key=lambda p: p.is_placeholder):
            home = next(
                (n for n in self._cluster.nodes if n.pool in pod.pools and room.get(n.number, 0) >= pod.gpus), None
            )
            if home is None:
                unhelped.append(pod)
            else:
                room[home.number] -= pod.gpus
        return unhelped

    def _scale_up(self, unhelped: list[Pod]) -> None:
        if min(p.created_s for p in unhelped) > self._engine.now_s - self._profile.wait_s + 1e-6:
            return
        left = unhelped
        while left:
            pool = next((p for p in self._setting.expander if any(self._would_buy(p, pod) for pod in left)), None)
            if pool is None:
                return
            mine = [pod for pod in left if self._would_buy(pool, pod)]
            left = self._buy(pool, mine) + [pod for pod in left if pod not in mine]
            if self._profile.one_pool_a_scan:
                return

    def _would_buy(self, pool: int, pod: Pod) -> bool:
        fits = pool in pod.pools and pod.gpus <= self._setting.pools[pool].pool.gpus_per_node
        return fits and self.obtainable(pool) and self._headroom(pool) > 0

    def _headroom(self, pool: int) -> float:
        return largest_nodes(self._setting.pools[pool]) - sum(n.pool == pool for n in self._cluster.nodes)

    def _buy(self, pool: int, pods: list[Pod]) -> list[Pod]:
        """Nodes for the pods, each of which fits on one, first fit; the pods for which the maximum leaves no node."""
        room: list[int] = []
        homes: list[list[Pod]] = []
        refused = []
        for pod in pods:
            at = next((i for i, free in enumerate(room) if free >= pod.gpus), None)
            if at is None and len(room) < self._headroom(pool):
                room.append(self._setting.pools[pool].pool.gpus_per_node)
                homes.append([])
                at = len(room) - 1
            if at is None:
                refused.append(pod)
            else:
                room[at] -= pod.gpus
                homes[at].append(pod)
        for pods_there in homes:
            zone = self._emptiest_zone(pool)
            node = self._cloud.order(pool, zone)
            if node.granted:
                self._backoff_s[pool][zone] = 0.0
            node.bought_for = min(pod.asker for pod in pods_there)
            for pod in pods_there:
                pod.awaits = node
        self._last_add_s = self._engine.now_s
        return refused

    def _emptiest_zone(self, pool: int) -> int:
        zones = [z for z, until_s in enumerate(self._backoff_until_s[pool]) if until_s <= self._engine.now_s]
        return min(zones, key=lambda z: (sum(n.pool == pool and n.zone == z for n in self._cluster.nodes), z))

    def _refused(self, node: Node) -> None:
        """Backs off: twice as long as the last time, unless that was long ago; refusals of one time count once."""
        pool, zone, now_s = node.pool, node.zone, self._engine.now_s
        first_s, longest_s = self._profile.backoff_s
        backoff_s = self._backoff_s[pool][zone]
        if backoff_s == 0.0 or now_s > self._refused_s[pool][zone] + BACKOFF_RESET_S:
            backoff_s = first_s
        elif now_s >= self._backoff_until_s[pool][zone]:
            backoff_s = min(2.0 * backoff_s, longest_s)
        self._backoff_s[pool][zone], self._refused_s[pool][zone] = backoff_s, now_s
        self._backoff_until_s[pool][zone] = now_s + backoff_s
        self._plan_scan()
