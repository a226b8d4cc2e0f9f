"""How a node autoscaler lets nodes go: empty ones after a delay, little used ones after moving what is on them.

A node is little used where pods hold less than half of its GPUs. Its pods are moved where all of them fit on nodes that
stay, so never to one that could go itself. Replicas are moved one of a workload at a time, as a disruption budget of
`maxUnavailable: 1` has it; placeholders at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.objects import Node, Pod, PodState
from autoscaler.simulator.settings import ClusterSetting

EVICTION_S = 120.0
"""A drain that moves nothing for so long is given up (Cluster Autoscaler: `--max-pod-eviction-time`)."""
AFTER_FAILURE_S = 180.0
"""No node goes for so long after that (Cluster Autoscaler: `--scale-down-delay-after-failure`)."""


class Releases:
    """One node is drained at a time, empty ones go as they are. `watching`: some node might go."""

    def __init__(self, cluster: Cluster, setting: ClusterSetting, evict: Callable[[Pod], None]) -> None:
        self._cluster, self._setting, self._profile, self._evict = cluster, setting, setting.autoscaler, evict
        self._draining: Node | None = None
        self._moved_s = self._rests_until_s = -math.inf
        self.watching = False

    def run(self, last_add_s: float) -> None:
        """One scan. last_add_s: when a node was bought last."""
        now_s = self._cluster.engine.now_s
        quiet_s = last_add_s if self._profile.delays_after_add else -math.inf
        self._continue_drain()
        there = [n for n in self._cluster.nodes if n.usable and not n.leaving]
        unneeded = self._unneeded(there)
        self.watching = self._draining is not None or bool(unneeded) or any(n.ignored_until_s > now_s for n in there)
        for node in there:
            if node not in unneeded:
                node.unneeded_s = None
                continue
            node.unneeded_s = now_s if node.unneeded_s is None else node.unneeded_s
            since_s = max(node.unneeded_s, quiet_s)
            if now_s >= max(since_s + self._profile.scale_down_delay_s - 1e-6, self._rests_until_s):
                self._begin(node)

    def _unneeded(self, there: list[Node]) -> list[Node]:
        """Nodes that could all go: empty ones first, then those whose pods fit on the others; minima are kept."""
        spare = [-p.pool.min_nodes for p in self._setting.pools]
        for node in there:
            spare[node.pool] += 1
        room = {node.number: node.free for node in there}
        kept: set[int] = set()
        unneeded: list[Node] = []
        for node in sorted(there, key=lambda n: bool(n.pods)):
            if spare[node.pool] > 0 and node.number not in kept and self._could_go(node):
                stay = [n for n in there if n is not node and n not in unneeded]
                homes = _homes(node, stay, room)
                if homes is None:
                    node.ignored_until_s = self._cluster.engine.now_s + self._profile.recheck_s
                    continue
                kept |= homes
                spare[node.pool] -= 1
                unneeded.append(node)
        return unneeded

    def _could_go(self, node: Node) -> bool:
        if node.ignored_until_s > self._cluster.engine.now_s:
            return False
        return not node.pods or (self._profile.moves_pods and 2 * (node.gpus - node.free) < node.gpus)

    def _begin(self, node: Node) -> None:
        if not node.pods:
            self._release(node)
        elif self._draining is None:
            node.leaving = True
            self._draining, self._moved_s = node, self._cluster.engine.now_s
            self._continue_drain()

    def _continue_drain(self) -> None:
        node, now_s = self._draining, self._cluster.engine.now_s
        if node is None:
            return
        for pod in [p for p in node.pods if p.is_placeholder]:
            self._cluster.evict(pod)
        moved: set[int] = set()
        staying = [p for p in node.pods if p.state in (PodState.STARTING, PodState.READY)]
        for pod in staying:
            if pod.workload not in moved and self._all_ready(pod):
                moved.add(pod.workload)
                self._evict(pod)
                self._moved_s = now_s
        if node.gone or not node.pods:
            self._draining = None
            self._release(node)
        elif staying and now_s - self._moved_s > EVICTION_S:
            self._draining, self._rests_until_s = None, now_s + AFTER_FAILURE_S
            node.leaving = node.called_back
            self._cluster.on_pods()

    def _all_ready(self, moving: Pod) -> bool:
        others = [p for p in self._cluster.replicas[moving.workload] if p is not moving]
        return all(p.state is PodState.READY for p in others)

    def _release(self, node: Node) -> None:
        node.leaving = True
        engine = self._cluster.engine
        engine.at(engine.now_s + self._profile.release_s, lambda: self._cluster.remove_node(node))


def _homes(node: Node, stay: list[Node], room: dict[int, int]) -> set[int] | None:
    """Numbers of the nodes that the pods of a node would move to, taking their room; None where not all fit."""
    left = dict(room)
    homes: set[int] = set()
    for pod in sorted(node.pods, key=lambda p: -p.gpus):
        home = next((n.number for n in stay if n.pool in pod.pools and left[n.number] >= pod.gpus), None)
        if home is None:
            return None
        left[home] -= pod.gpus
        homes.add(home)
    room.update(left)
    return homes
