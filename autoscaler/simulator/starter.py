"""Starts of replicas, stage by stage, from their binding to serving."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from autoscaler.domain.lead_time import Stage, StartPath
from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.delays import Delays, restart_wait_s
from autoscaler.simulator.journal import ReplicaStart, node_part
from autoscaler.simulator.objects import Node, Pod, Trouble
from autoscaler.simulator.settings import IMAGE, WORKLOAD_STAGES, WorkloadSetting

LOADING = (Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER, Stage.WARM_UP)
"""What the stages of a workload are, where there is more than one."""


@dataclass(frozen=True, slots=True)
class _Load:
    """What a replica does once its image is there. lengths_s: of the work of its stages. hangs: until when it hangs, by
    the name of a stage. crashes: the shares of all work after which it crashes, each time that it will; restarts: how
    often it did.
    """

    lengths_s: tuple[float, ...]
    hangs: Mapping[str, float]
    crashes: tuple[float, ...]
    restarts: int = 0


class Starter:
    """Draws the stages of each start; a node pulls a workload's image once, for all replicas there that wait for it."""

    def __init__(
        self, cluster: Cluster, workloads: tuple[WorkloadSetting, ...], rng: np.random.Generator, delays: Delays
    ) -> None:
        self._cluster, self._workloads, self._rng, self._delays = cluster, workloads, rng, delays

    def begin(self, pod: Pod, node: Node) -> None:
        """A replica that was bound begins its stages."""
        setting, delays = self._workloads[pod.workload], self._delays
        now_s = self._cluster.engine.now_s
        lengths_s = delays.slowed(WORKLOAD_STAGES, setting.stages, self._rng, now_s)
        hangs, crashes = delays.hangs(pod.workload, now_s), delays.crashes(pod.workload, now_s)
        begin_s = hangs.get(IMAGE, now_s)
        if pod.workload not in node.images:
            (pull_s,) = delays.slowed((IMAGE,), (setting.image,), self._rng, now_s)
            node.images[pod.workload] = begin_s + pull_s
        had_image = node.images[pod.workload] <= now_s
        begin_s = max(begin_s, node.images[pod.workload])
        if IMAGE in hangs:
            pod.troubles = [Trouble(now_s, hangs[IMAGE], "its image does not come")]
        start = _start(pod, node, begin_s - now_s, lengths_s)
        pod.path = StartPath.IMAGE_PRESENT if start.was_up and had_image else StartPath.COLD_NODE
        pod.ends = ((Stage.IMAGE, begin_s),)
        self._load(pod, start, _Load(lengths_s, hangs, crashes), begin_s)

    def _load(self, pod: Pod, start: ReplicaStart, load: _Load, begin_s: float) -> None:
        """Its container begins to run, or runs again."""
        engine, lengths_s = self._cluster.engine, load.lengths_s
        if load.hangs:
            lengths_s = _hung(lengths_s, load.hangs, begin_s)
            begins_s = dict(zip(WORKLOAD_STAGES, accumulate(lengths_s, initial=begin_s), strict=False))
            in_stages = [name for name in load.hangs if name in begins_s]
            hung = [Trouble(begins_s[name], load.hangs[name], f"it hangs in {name}") for name in in_stages]
            pod.troubles = [*pod.troubles, *hung]
        pod.ends = (*pod.ends, *_ends(begin_s, lengths_s))
        if load.restarts < len(load.crashes):
            crash_s = begin_s + load.crashes[load.restarts] * sum(load.lengths_s)
            pod.timer = engine.at(crash_s, lambda: self._crash(pod, start, load))
        else:
            done = replace(start, replica_s=lengths_s)
            pod.timer = engine.at(begin_s + sum(lengths_s), lambda: self._serve(pod, done))

    def _crash(self, pod: Pod, start: ReplicaStart, load: _Load) -> None:
        """What it did so far, and the wait, is of no stage in particular."""
        now_s = self._cluster.engine.now_s
        again_s = now_s + restart_wait_s(load.restarts)
        pulled = pod.ends[0]
        restarts = load.restarts + 1
        times = "once" if restarts == 1 else f"{restarts} times"
        pod.troubles = [Trouble(now_s, math.inf, f"crashed while loading, started again {times}")]
        pod.ends = (pulled, (Stage.START, again_s))
        self._load(pod, replace(start, lost_s=again_s - pulled[1]), replace(load, restarts=restarts), again_s)

    def _serve(self, pod: Pod, start: ReplicaStart) -> None:
        self._cluster.serve(pod)
        self._cluster.journal.add_start(start)


def _hung(lengths_s: Sequence[float], hangs: Mapping[str, float], begin_s: float) -> tuple[float, ...]:
    """The lengths of stages of which the first begins at `begin_s`, with the time that the replica hangs in each."""
    lengths: list[float] = []
    at_s = begin_s
    for number, length_s in enumerate(lengths_s):
        name = WORKLOAD_STAGES[number] if number < len(WORKLOAD_STAGES) else ""
        lengths.append(max(hangs.get(name, at_s) - at_s, 0.0) + length_s)
        at_s += lengths[-1]
    return tuple(lengths)


def _ends(begin_s: float, lengths_s: Sequence[float]) -> tuple[tuple[Stage, float], ...]:
    """The stages of a container that begins to run, and when each ends."""
    names = LOADING if len(lengths_s) > 1 else (Stage.START,)
    ends_s = list(accumulate(lengths_s, initial=begin_s))[1:]
    return tuple((names[min(number, len(names) - 1)], end_s) for number, end_s in enumerate(ends_s))


def _start(pod: Pod, node: Node, image_s: float, lengths_s: tuple[float, ...]) -> ReplicaStart:
    """What the journal says of a replica that was bound."""
    was_up = not node.edges_s or node.edges_s[-1] <= pod.created_s
    node_s, waited_s = node_part(pod.created_s, pod.bound_s, node.edges_s)
    return ReplicaStart(
        pod.workload, node.pool, node.zone, pod.created_s, was_up, waited_s, node_s, image_s, lengths_s
    )  # fmt: skip
