"""Starts of a simulated cluster, as the objects of a real one would tell them.

A node's start is from when the first of the pods that it was bought for was created until it can take them. A node
that comes when nobody waits any more tells nothing, nor does a pod that waits where no node can be had: nothing is on
its way. A node that was lost before it came is a failed start; one that was refused is one from its order, since what
waits for it goes on to wait for another. Those who stood at the start of the run have none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath, longest_waiting
from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.node_autoscaler import NodeAutoscaler
from autoscaler.simulator.objects import Asker, Node, Pod, PodState
from autoscaler.simulator.settings import ClusterSetting
from autoscaler.simulator.start_stages import Ends, node_ends, passed

NAMESPACE = "simulated"
"""Of pods, which have none."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """How far a start came: complete, or at its end or the time of the look."""

    end: StartEnd
    until_s: float = math.inf


_COMPLETE = _Reach(StartEnd.COMPLETE)


class StartsReader:
    """`StartsPort` on a simulated cluster, in one life of a controller; another reader is the next life, and tells all
    that stands anew. Keeps the numbers of what it told and still stands; of what went between two calls, the newest of
    very many. Times are seconds since the start of the run, cut to `time_resolution_s` of the setting.
    """

    def __init__(self, cluster: Cluster, setting: ClusterSetting, autoscaler: NodeAutoscaler) -> None:
        self._cluster, self._setting, self._autoscaler = cluster, setting, autoscaler
        self._gone = cluster.departures.count
        self._told_nodes: set[int] = set()
        self._told_pods: set[int] = set()

    def starts(self, now_s: float) -> list[Start]:
        """As `StartsPort`."""
        cluster, look = self._cluster, _Reach(StartEnd.WAITING, now_s)
        gone = cluster.departures.since(self._gone)
        self._gone = cluster.departures.count
        found = [self._of_gone_node(one) if isinstance(one, Node) else self._of_gone_pod(one) for one in gone]
        came = [node for node in cluster.nodes if node.came]
        found += [self._of_node(node) for node in came if node.number not in self._told_nodes]
        self._told_nodes = {node.number for node in came}
        began = [pod for pods in cluster.replicas for pod in pods if pod.ends]
        ready = {pod.number for pod in began if pod.state is PodState.READY}
        untold = [pod for pod in began if pod.number not in self._told_pods]
        found += [self._of_replica(pod, _COMPLETE if pod.number in ready else look) for pod in untold]
        self._told_pods = ready
        found += [self._awaiting(pod, look) for pod in cluster.pending]
        return longest_waiting(start for start in found if start is not None)

    def _of_gone_node(self, node: Node) -> Start | None:
        if node.came:
            return None if node.number in self._told_nodes else self._of_node(node)
        if node.asker is None:
            return None
        since_s = node.asker.created_s if node.granted else node.edges_s[0]
        return self._for_node(_name(node), node.asker, node, _Reach(StartEnd.FAILED, node.gone_s), since_s)

    def _of_gone_pod(self, pod: Pod) -> Start | None:
        if pod.over_s is None:
            return None if pod.number in self._told_pods or not pod.ends else self._of_replica(pod, _COMPLETE)
        reach = _Reach(StartEnd.FAILED, pod.over_s)
        return self._awaiting(pod, reach) if pod.node is None else self._of_replica(pod, reach)

    def _of_node(self, node: Node) -> Start | None:
        """One that came."""
        return None if node.asker is None else self._for_node(_name(node), node.asker, node, _COMPLETE)

    def _awaiting(self, pod: Pod, reach: _Reach) -> Start | None:
        """A pod that waits for a node, or did. None before the scheduler has looked for room, and where it may be a
        node of any pool, or none is to be had.
        """
        if reach.until_s - pod.created_s <= self._setting.bind_s:
            return None
        if _has_just_come(pod.awaits, reach.until_s - self._setting.bind_s):
            return None
        node = self._coming(pod, reach.until_s)
        if node is not None:
            is_there = node.granted and reach.end is StartEnd.WAITING
            told = self._for_node(_name(node) if is_there else _uid(pod.asker), pod.asker, node, reach)
            return replace(told, why=told.why or pod.why)
        (pool, *others) = pod.pools
        if others or not self._autoscaler.obtainable(pool):
            return None
        why = pod.why or self._hindrance(pool)
        return replace(self._start(pod.asker, pool, ((Stage.ORDERED, math.inf),), reach), why=why)

    def _coming(self, pod: Pod, at_s: float) -> Node | None:
        """The node that was bought for it, or any that it may take, where another took that one."""
        if pod.awaits is not None and _is_on_its_way(pod.awaits, at_s):
            return pod.awaits
        others = (node for node in self._cluster.nodes if node.pool in pod.pools and not node.leaving)
        return next((node for node in others if _is_on_its_way(node, at_s)), None)

    def _for_node(self, uid: str, asker: Asker, node: Node, reach: _Reach, since_s: float | None = None) -> Start:
        """The start of a node, as the pod that asked for it sees it."""
        told = self._start(asker, node.pool, node_ends(node), reach, since_s)
        return replace(told, uid=uid, zone=self._zone(node), why=node.why)

    def _of_replica(self, pod: Pod, reach: _Reach) -> Start:
        assert pod.node is not None
        is_there = reach.end is not StartEnd.FAILED and pod.state is not PodState.GONE
        policy = self._setting.workloads[pod.workload].name
        return replace(
            self._start(pod.asker, pod.node.pool, pod.ends, reach, pod.bound_s),
            part=Part.REPLICA,
            path=pod.path,
            image=f"revision-{pod.revision}",
            zone=self._zone(pod.node),
            pod=f"{NAMESPACE}/{policy}-{pod.number}" if is_there else "",
            why=_why(pod, reach),
        )

    def _start(self, asker: Asker, pool: int, ends: Ends, reach: _Reach, begin_s: float | None = None) -> Start:
        """Of a node for a pod, from its creation, where nothing else is said."""
        is_complete = reach.end is StartEnd.COMPLETE
        ends = ends if is_complete else (*ends[:-1], (ends[-1][0], math.inf))
        begin_s = asker.created_s if begin_s is None else begin_s
        found = passed(begin_s, ends, reach.until_s, self._setting.time_resolution_s)
        names = self._setting.workloads[asker.workload].name, self._setting.pools[pool].pool.name
        return Start(
            _uid(asker), Part.NODE, *names, StartPath.COLD_NODE, found.stages, found.until_s, reach.end,
            in_stage=found.in_stage,
        )  # fmt: skip

    def _zone(self, node: Node) -> str:
        return self._setting.pools[node.pool].pool.zones[node.zone]

    def _hindrance(self, pool: int) -> str:
        """Why no node was bought yet, in words; empty where it is only that nobody has looked."""
        if self._autoscaler.is_full(pool):
            return "the pool has as many nodes as it may"
        zones = self._setting.pools[pool].pool.zones
        refused = ", ".join(zones[zone] for zone in self._autoscaler.backed_off(pool))
        return f"no stock in {refused}; asked again later" if refused else ""


def _has_just_come(node: Node | None, since_s: float) -> bool:
    return node is not None and node.came and not node.gone and node.edges_s[-1] >= since_s


def _is_on_its_way(node: Node, at_s: float) -> bool:
    """A node that stood at the start of the run has no stages."""
    ends = node_ends(node)
    return bool(ends) and ends[-1][1] > at_s and (not node.gone or node.gone_s >= at_s)


def _why(pod: Pod, reach: _Reach) -> str:
    """What holds a replica up at that time, and what ended it; empty where it is ready."""
    if reach.end is StartEnd.COMPLETE:
        return ""
    known = [trouble.what for trouble in pod.troubles if trouble.from_s <= reach.until_s < trouble.until_s]
    return "; ".join([*known, pod.why] if pod.why else known)


def _name(node: Node) -> str:
    return f"node-{node.number}"


def _uid(asker: Asker) -> str:
    return f"pod-{asker.number}"
