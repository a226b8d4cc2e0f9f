"""The scheduler: pods to nodes by priority, bin-packing GPUs; replicas take the room of placeholders.

As kube-scheduler does it: a pod takes free room where there is any, and only else preempts, on the node with the fewest
victims, of equals on the one whose victims were bound last; whose placeholders they are, it does not know. Nodes are
scored by what is allocated (`MostAllocated`), as GPU clusters set it so that nodes can get empty.
"""

from __future__ import annotations

from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.objects import Node, Pod
from autoscaler.simulator.starter import Starter


class Scheduler:
    """Runs `bind_s` after something changed."""

    def __init__(self, cluster: Cluster, starter: Starter, bind_s: float) -> None:
        self._cluster, self._starter, self._bind_s = cluster, starter, bind_s
        self._planned = False

    def poke(self) -> None:
        """A pod was created, or room came up."""
        if not self._planned and self._cluster.pending:
            self._planned = True
            engine = self._cluster.engine
            engine.at(engine.now_s + self._bind_s, self._run)

    def _run(self) -> None:
        self._planned = False
        waiting = sorted(self._cluster.pending, key=lambda pod: pod.is_placeholder)
        for pod in waiting:
            node = self._free_node(pod) or self._preempt_for(pod)
            if node is not None:
                self._cluster.bind(pod, node)
                if not pod.is_placeholder:
                    self._starter.begin(pod, node)

    def _free_node(self, pod: Pod) -> Node | None:
        fits = (n for n in self._cluster.nodes if _may_run(pod, n) and n.free >= pod.gpus)
        return min(fits, key=lambda n: (n.free, n.number), default=None)

    def _preempt_for(self, pod: Pod) -> Node | None:
        if pod.is_placeholder:
            return None
        choices = [
            (len(victims), -min(v.bound_s for v in victims), node.number, node, victims)
            for node in self._cluster.nodes
            if _may_run(pod, node) and (victims := _victims(pod, node))
        ]
        if not choices:
            return None
        *_, node, victims = min(choices, key=lambda choice: choice[:3])
        for victim in victims:
            self._cluster.journal.used[victim.workload] += 1
            self._cluster.evict(victim)
        return node


def _may_run(pod: Pod, node: Node) -> bool:
    return node.usable and not node.leaving and node.pool in pod.pools


def _victims(pod: Pod, node: Node) -> list[Pod] | None:
    """Placeholders that must go, None where all are not enough: those bound first stay, as far as there is room."""
    spare = node.free + node.placeholder_gpus - pod.gpus
    if spare < 0:
        return None
    victims: list[Pod] = []
    for placeholder in (p for p in node.pods if p.is_placeholder):
        if placeholder.gpus <= spare:
            spare -= placeholder.gpus
        else:
            victims.append(placeholder)
    return victims
