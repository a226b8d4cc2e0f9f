"""Starts of nodes and replicas, worked out from the times that pods, nodes and node claims carry in themselves.

So the objects that stand after a restart tell the same starts again, by the same uids; when their news came plays no
part. Only how long one had waited that went before it was ready is as our clock says.

A node's start is told by who asked for it: of the pods of ours on it the one that was created first, before the node
was ordered, and was bound as soon as any. Pods that were created later only joined. It is one start, however many pods
came with it. A node that no pod of ours asked for tells nothing. A pod that was seen held back by a scheduling gate did
not ask when it was created, and counts for no node; nor does one that waits for a pool that cannot be had: nothing is
on its way. Of all that wait for a pool at one time the longest speaks for all: one supply keeps them waiting.

A replica's start goes on until it is ready, however often its containers end before. Of a pod that is seen for the
first time when it has been ready already, and is no more, nothing is told: what its times are of is not its start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from threading import Lock

from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.cluster.hindrance import MOST_TEXT
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.pulls import Images
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenNode, SeenPod
from autoscaler.adapters.kubernetes.cluster.start_stages import node_stages, replica_stages
from autoscaler.adapters.kubernetes.cluster.times import ClaimTimes
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath, longest_waiting
from autoscaler.placeholder.selector import matches
from autoscaler.ports.clock import ClockPort

AT_ONCE_S = 5.0
"""Pods for which a node was ordered are bound within so many seconds of one another."""
MOST_SKEW_S = 60.0
"""A pod that was bound so much before its node was there came to the one that had this name before."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen at one moment. claims: by the name of their node. unobtainable: indices of pools. images: what is
    known of those of pods, by uid.
    """

    standing: Standing
    scales: Sequence[Scale | None]
    claims: Mapping[str, ClaimTimes]
    unobtainable: Set[int]
    now_s: float
    images: Mapping[str, Images] = field(default_factory=dict)

    def is_asker(self, pod: SeenPod, node: SeenNode) -> bool:
        """Whether it was there before the node was ordered, as far as anything tells when that was."""
        claim, times = self.claims.get(pod.node), pod.times
        if claim is not None:
            return times.created_s <= claim.created_s
        is_of_before = times.bound_s is not None and times.bound_s < node.times.created_s - MOST_SKEW_S
        return times.created_s <= node.times.created_s and not is_of_before

    def path(self, pod: SeenPod, node: SeenNode) -> StartPath:
        """What was there when it came to the node. That a later run of a container finds its image tells nothing."""
        images = self.images.get(pod.uid, Images())
        if images.pulled or pod.unpulled:
            return StartPath.COLD_NODE
        if not pod.times.restarted and not images.found.isdisjoint(("", pod.main)):
            return StartPath.IMAGE_PRESENT
        return StartPath.COLD_NODE if self.is_asker(pod, node) else StartPath.WARM_NODE


@dataclass(slots=True)
class _Life:
    """A pod that has not told all of its start yet. over_s: when it began to go before it was ready. looked_s: when its
    start was told last, with its node as it was then. started_s: as of `PodTimes`, which after two crashes tells it no
    more.
    """

    pod: SeenPod
    over_s: float | None = None
    looked_s: float | None = None
    started_s: float | None = None
    node: SeenNode | None = None
    was_gated: bool = False
    was_under_way: bool = False
    node_is_told: bool = False


class Starts:
    """Collects between two calls of `take`; keeps nothing of pods that have told all but their uids."""

    def __init__(self, seats: Seats, clock: ClockPort) -> None:
        self._seats, self._clock = seats, clock
        self._spaces = {policy.model.workload.namespace for policy in seats.policies}
        self._lives: dict[str, _Life] = {}
        self._told: set[str] = set()
        self._lock = Lock()

    def told(self, change: Change[SeenPod]) -> None:
        """Handler of the watch of pods, in its thread."""
        pod, went = change.now, change.happened is Happened.DELETED
        if pod.whole is None and pod.namespace not in self._spaces:
            return
        with self._lock:
            is_told = pod.uid in self._told
            is_over = went or pod.leaving or pod.ended
            if went:
                self._told.discard(pod.uid)
            elif is_over or _has_started(pod) or self._was_started(pod):
                self._told.add(pod.uid)
            if not is_told:
                self._follow(change, is_over)
            elif went and pod.uid in self._lives:
                self._end(self._lives[pod.uid], pod)

    def _follow(self, change: Change[SeenPod], is_over: bool) -> None:
        """News of a pod that has not told all: ready or not, it may be over."""
        pod = change.now
        is_late = is_over and change.before is None and not _has_started(pod)
        if change.unseen:
            self._lose(pod.uid)
            return
        if is_late and pod.times.over_s is None:
            return  # nobody knows when it ended
        life = self._lives.setdefault(pod.uid, _Life(pod))
        life.pod, life.was_gated = pod, life.was_gated or pod.times.gated
        life.was_under_way |= pod.times.was_ready is False
        life.started_s = life.started_s or pod.times.started_s
        if is_over:
            self._end(life, pod)

    def _lose(self, uid: str) -> None:
        """It went while nobody watched: its start took at least until it was told last."""
        life = self._lives.get(uid)
        if life is not None and life.looked_s is not None:
            life.over_s = life.looked_s
        else:
            self._lives.pop(uid, None)

    def _end(self, life: _Life, pod: SeenPod) -> None:
        """At the time that the pod tells, else now; the first time counts."""
        if life.over_s is None:
            life.over_s = self._clock.wall_s() if pod.times.over_s is None else pod.times.over_s

    def _was_started(self, pod: SeenPod) -> bool:
        """Whether it was ready before anybody looked."""
        life = self._lives.get(pod.uid)
        return pod.times.was_ready is True and not (life and life.was_under_way)

    def take(self, look: Look) -> list[Start]:
        """Starts that ended since the last call, and those that are under way now."""
        found: list[Start] = []
        came: list[SeenPod] = []
        with self._lock:
            for uid, life in list(self._lives.items()):
                starts, stays = self._read(life, look, came)
                life.looked_s = look.now_s
                found += starts
                life.was_under_way |= life.pod.times.was_ready is not True
                if not stays:
                    del self._lives[uid]
        return [*longest_waiting(found), *self._of_nodes(came, look)]

    def _read(self, life: _Life, look: Look, came: list[SeenPod]) -> tuple[list[Start], bool]:
        """What a pod tells now, and whether it may tell more later. Adds it to `came` when it is seen on a node."""
        pod, is_over = life.pod, life.over_s is not None
        workload = self._workload(pod, look.scales)
        if workload is None:
            return [], not is_over and self._is_unread(pod, look.scales)
        if not pod.node:
            return self._without_node(life, workload, look), not is_over
        life.node = look.standing.nodes.get(Key("", pod.node), life.node)
        if life.node is None:
            return [], not is_over  # the two watches are of different moments
        if life.node.pool is None:
            return [], False
        if not (life.node_is_told or life.was_gated):
            came.append(pod)
        life.node_is_told = True
        if pod.whole is not None:
            return [], False
        return self._of_replica(life, self._seats.policies[workload].name, look, life.node)

    def _of_replica(self, life: _Life, policy: str, look: Look, node: SeenNode) -> tuple[list[Start], bool]:
        pod, times = life.pod, life.pod.times
        is_of_another = (times.restarted or times.was_ready is True) and not life.was_under_way
        bound_s = times.bound_s
        if bound_s is None or is_of_another or node.pool is None:
            return [], False  # which of its starts its times are of, nobody knows
        end, until_s = StartEnd.WAITING, look.now_s
        if times.ready_s is not None:
            end, until_s = StartEnd.COMPLETE, times.ready_s
        elif life.over_s is not None:
            end, until_s = StartEnd.FAILED, life.over_s
        is_ready = end is StartEnd.COMPLETE
        times = replace(times, started_s=times.started_s or life.started_s)
        stages, last = replica_stages(times, bound_s, until_s, is_ready)
        start = Start(
            pod.uid, Part.REPLICA, policy, self._seats.pins[node.pool].pool, look.path(pod, node), stages, until_s, end,
            image=pod.image, in_stage=None if is_ready else last, zone=node.zone, digest=pod.digest,
            model_format=pod.model_format, pod=f"{pod.namespace}/{pod.name}", why=_why(life, end),
        )  # fmt: skip
        return [start], end is StartEnd.WAITING

    def _without_node(self, life: _Life, workload: int, look: Look) -> list[Start]:
        """It waits for a node of a pool, or did."""
        pool = self._awaited(life.pod, workload)
        if pool is None or pool in look.unobtainable or life.was_gated or not life.pod.times.unschedulable:
            return []
        end, until_s = (StartEnd.WAITING, look.now_s) if life.over_s is None else (StartEnd.FAILED, life.over_s)
        stages = {Stage.ORDERED: max(until_s - life.pod.times.created_s, 0.0)}
        names = self._seats.policies[workload].name, self._seats.pins[pool].pool
        why = _why(life, end)
        return [Start(life.pod.uid, Part.NODE, *names, StartPath.COLD_NODE, stages, until_s, end, why=why)]

    def _of_nodes(self, came: Iterable[SeenPod], look: Look) -> list[Start]:
        """One start for each node that pods came to and that one of ours had asked for."""
        on = {pod.node: {pod.uid: pod} for pod in came}
        for pod in (*came, *(look.standing.pods.values() if on else ())):
            if pod.node in on and self._workload(pod, look.scales) is not None:
                on[pod.node].setdefault(pod.uid, pod)
        return [start for name, pods in on.items() for start in self._of_node(name, pods.values(), look)]

    def _of_node(self, name: str, pods: Iterable[SeenPod], look: Look) -> list[Start]:
        node = look.standing.nodes[Key("", name)]
        bound = [(pod.times.bound_s, pod) for pod in pods if pod.times.bound_s is not None]
        first_s = min((at_s for at_s, _ in bound), default=0.0)
        askers = [(pod.times.created_s, pod.uid, at_s, pod) for at_s, pod in bound
                  if at_s <= first_s + AT_ONCE_S and look.is_asker(pod, node)]  # fmt: skip
        if not askers or node.pool is None:
            return []
        asked_s, _, usable_s, pod = min(askers)
        stages = node_stages(asked_s, node.times, look.claims.get(name), usable_s)
        workload = self._workload(pod, look.scales)
        assert workload is not None
        names = self._seats.policies[workload].name, self._seats.pins[node.pool].pool
        end, zone = StartEnd.COMPLETE, node.zone
        return [Start(node.times.uid, Part.NODE, *names, StartPath.COLD_NODE, stages, usable_s, end, zone=zone)]

    def _workload(self, pod: SeenPod, scales: Sequence[Scale | None]) -> int | None:
        """The first workload that it is of, or holds the place for."""
        if pod.whole is not None:
            place = self._seats.place(pod.whole)
            return None if place is None else place.workload
        for w, (policy, scale) in enumerate(zip(self._seats.policies, scales, strict=True)):
            is_there = scale is not None and policy.model.workload.namespace == pod.namespace
            if is_there and scale is not None and all(matches(r, pod.labels) for r in scale.selector):
                return w
        return None

    def _is_unread(self, pod: SeenPod, scales: Sequence[Scale | None]) -> bool:
        """Whether it may be of a workload that could not be read just now."""
        named = zip(self._seats.policies, scales, strict=True)
        return any(scale is None and policy.model.workload.namespace == pod.namespace for policy, scale in named)

    def _awaited(self, pod: SeenPod, workload: int) -> int | None:
        """The pool whose node it waits for; None where that may be any of several."""
        if pod.whole is not None:
            place = self._seats.place(pod.whole)
            return None if place is None else place.pool
        pools = self._seats.policies[workload].model.pools
        return self._seats.home(workload) if len({*pools.primary, *pools.burst}) == 1 else None


def _has_started(pod: SeenPod) -> bool:
    """A placeholder has where it holds a place."""
    return bool(pod.node) if pod.whole is not None else pod.times.ready_s is not None


def _why(life: _Life, end: StartEnd) -> str:
    """What its object tells, and that it went, where nothing else ended it."""
    said = life.pod.why
    if end is StartEnd.FAILED and not (life.pod.ended or life.pod.leaving):
        said = f"{said}; deleted" if said else "deleted"
    return said[:MOST_TEXT]
