"""The objects of a simulated cluster and the books over them: who holds which GPUs, what is ready, what is pending."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from autoscaler.domain.arrays import Ints
from autoscaler.domain.inventory import Placeholder
from autoscaler.simulator.departures import Departures
from autoscaler.simulator.engine import Engine
from autoscaler.simulator.journal import Journal
from autoscaler.simulator.meter import Meter
from autoscaler.simulator.objects import Asker, Node, Pod, PodState

PlaceholderKey = tuple[int, int, int]
"""(workload, pool, slot)"""
SPOT_NOTICE = "spot notice"


def _nobody() -> None:
    return None


class Cluster:
    """W workloads, P pools. Every change goes through here, so that the counts and the bill are always true.

    nodes: asked for or up. pending: pods without a node, oldest first. replicas: of each workload, those not ending.
    on_pods: called when a pod was created, or room came up or went. on_ready: when a workload's ready replicas change.
    """

    def __init__(self, engine: Engine, workloads: int, pools: int) -> None:
        self.engine = engine
        self.meter = Meter(workloads, pools)
        self.journal = Journal(workloads)
        self.departures = Departures()
        self.nodes: list[Node] = []
        self.pending: list[Pod] = []
        self.replicas: list[list[Pod]] = [[] for _ in range(workloads)]
        self.placeholders: dict[PlaceholderKey, Pod] = {}
        self.ready: Ints = np.zeros((workloads, pools), dtype=np.int64)
        self.starting: Ints = np.zeros((workloads, pools), dtype=np.int64)
        self.starts = [0] * workloads
        self.on_pods: Callable[[], None] = _nobody
        self.on_ready: Callable[[int], None] = lambda _: None
        self._created = 0
        self._listed: tuple[Placeholder, ...] | None = ()

    # pods

    def create_replica(self, workload: int, gpus: int, pools: tuple[int, ...]) -> Pod:
        """A new replica, pending."""
        pod = Pod(workload, gpus, pools, self.engine.now_s)
        self.replicas[workload].append(pod)
        self._create(pod)
        return pod

    def create_placeholder(self, workload: int, gpus: int, pool: int, slot: int) -> None:
        """The placeholder of this slot, pending; nothing where it exists."""
        key = (workload, pool, slot)
        if key not in self.placeholders:
            self.placeholders[key] = pod = Pod(workload, gpus, (pool,), self.engine.now_s, slot)
            self.journal.made[workload] += 1
            self._create(pod)

    def _create(self, pod: Pod) -> None:
        pod.number = self._created
        self._created += 1
        self.pending.append(pod)
        self._listed = None
        self.on_pods()

    def bind(self, pod: Pod, node: Node) -> None:
        """Gives the pod its GPUs on a usable node with room."""
        self.meter.to(self.engine.now_s)
        self.pending.remove(pod)
        pod.node, pod.bound_s, pod.awaits = node, self.engine.now_s, None
        node.free -= pod.gpus
        node.pods.append(pod)
        self._listed = None
        self.meter.held[pod.workload, node.pool] += pod.gpus
        if pod.is_placeholder:
            pod.state = PodState.READY
        else:
            pod.state = PodState.STARTING
            self.starting[pod.workload, node.pool] += 1
            self.starts[pod.workload] += 1

    def serve(self, pod: Pod) -> None:
        """A starting replica is ready."""
        assert pod.node is not None
        pod.state = PodState.READY
        pod.timer = None
        self.starting[pod.workload, pod.node.pool] -= 1
        self.ready[pod.workload, pod.node.pool] += 1
        self.on_ready(pod.workload)

    def stop(self, pod: Pod, drain_s: float) -> None:
        """A replica ends: it serves no more at once, and frees its GPUs when it has drained."""
        self._end_work(pod)
        if pod.node is None or drain_s <= 0.0:
            self._free(pod)
        else:
            pod.state = PodState.STOPPING
            pod.timer = self.engine.at(self.engine.now_s + drain_s, lambda: self._free(pod))

    def delete_placeholder(self, key: PlaceholderKey) -> None:
        """Deleted, preempted or lost: its GPUs are free at once. Nothing where it does not exist."""
        pod = self.placeholders.pop(key, None)
        if pod is not None:
            self._listed = None
            if pod.node is None:
                pod.over_s, pod.why = self.engine.now_s, "taken back"
                self.departures.add(pod)
            self._free(pod)

    def evict(self, pod: Pod) -> None:
        """Takes away a placeholder, found by the pod itself."""
        assert pod.node is not None
        assert pod.slot is not None
        self.delete_placeholder((pod.workload, pod.node.pool, pod.slot))

    def _end_work(self, pod: Pod) -> None:
        self.replicas[pod.workload].remove(pod)
        was_ready = pod.state is PodState.READY
        if not was_ready:
            pod.over_s, pod.why = self.engine.now_s, _ending(pod)
        self.departures.add(pod)
        if pod.timer is not None:
            pod.timer.cancelled = True
        if pod.node is None:
            return
        (self.ready if was_ready else self.starting)[pod.workload, pod.node.pool] -= 1
        if was_ready:
            self.on_ready(pod.workload)

    def _free(self, pod: Pod) -> None:
        if pod.state is PodState.GONE:
            return
        pod.state = PodState.GONE
        if pod.node is None:
            self.pending.remove(pod)
            return
        self.meter.to(self.engine.now_s)
        self.meter.held[pod.workload, pod.node.pool] -= pod.gpus
        pod.node.pods.remove(pod)
        pod.node.free += pod.gpus
        self._listed = None
        self.on_pods()

    def placeholder_list(self) -> tuple[Placeholder, ...]:
        """All placeholders as the cluster port shows them."""
        if self._listed is None:
            seats = sorted(self.placeholders.items())
            self._listed = tuple(Placeholder(*key, pod.node is not None, *_where(pod)) for key, pod in seats)
        return self._listed

    # nodes

    def grant(self, node: Node) -> None:
        """The cloud delivers a node that was asked for: it is billed from now on."""
        self.meter.to(self.engine.now_s)
        node.granted = True
        self.meter.up[node.pool] += node.gpus

    def usable(self, node: Node) -> None:
        """The node has booted, with its GPUs."""
        if not node.gone:
            node.usable = True
            if not node.leaving:
                node.came, node.asker = True, self.asker(node)
            self.on_pods()

    def asker(self, node: Node) -> Asker | None:
        """Whom it was bought for, while anybody waits for such a node; another may have taken a node before."""
        return node.bought_for if any(node.pool in pod.pools for pod in self.pending) else None

    def remove_node(self, node: Node) -> None:
        """The node is gone, and every pod that is still on it."""
        if node.gone:
            return
        node.gone, node.gone_s = True, self.engine.now_s
        if not node.came and not node.called_back:
            node.asker = self.asker(node)
        self.departures.add(node)
        self.nodes.remove(node)
        for pod in list(node.pods):
            if pod.is_placeholder:
                self.evict(pod)
            elif pod.state is PodState.STOPPING:
                self._free(pod)
            else:
                self.stop(pod, 0.0)
        if node.granted:
            self.meter.to(self.engine.now_s)
            self.meter.up[node.pool] -= node.gpus
        self.on_pods()


def _ending(pod: Pod) -> str:
    """Why it ends before it is ready, in words."""
    if pod.node is not None and pod.node.called_back:
        return SPOT_NOTICE
    if pod.node is not None and (pod.node.leaving or pod.node.gone):
        return "its node was let go"
    return "let go before it was ready"


def _where(placeholder: Pod) -> tuple[str, bool]:
    """Its node, and whether nothing but placeholders is there."""
    node = placeholder.node
    return ("", False) if node is None else (f"node-{node.number}", all(pod.is_placeholder for pod in node.pods))
