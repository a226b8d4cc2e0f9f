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
    """What a replica does once its image is there. lengths_s: of its stages. crashes: the shares of them after which it
    crashes, each time that it will; restarts: how often it did.
    """

    lengths_s: tuple[float, ...]
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
        if hangs:
            lengths_s = _hung(lengths_s, hangs, begin_s)
            begins_s = {IMAGE: now_s} | dict(zip(WORKLOAD_STAGES, accumulate(lengths_s, initial=begin_s), strict=False))
            pod.troubles = [Trouble(begins_s[stage], until_s, _words(stage)) for stage, until_s in hangs.items()]
        start = _start(pod, node, begin_s - now_s, lengths_s)
        pod.path = StartPath.IMAGE_PRESENT if start.was_up and had_image else StartPath.COLD_NODE
        pod.ends = ((Stage.IMAGE, begin_s),)
        self._load(pod, start, _Load(lengths_s, crashes), begin_s)

    def _load(self, pod: Pod, start: ReplicaStart, load: _Load, begin_s: float) -> None:
        """Its container begins to run, or runs again."""
        engine, load_s = self._cluster.engine, sum(load.lengths_s)
        pod.ends = (*pod.ends, *_ends(begin_s, load.lengths_s))
        if load.restarts < len(load.crashes):
            crash_s = begin_s + load.crashes[load.restarts] * load_s
            pod.timer = engine.at(crash_s, lambda: self._crash(pod, start, load))
        else:
            pod.timer = engine.at(begin_s + load_s, lambda: self._serve(pod, start))

    def _crash(self, pod: Pod, start: ReplicaStart, load: _Load) -> None:
        """What it did so far, and the wait, is of no stage in particular."""
        now_s = self._cluster.engine.now_s
        again_s = now_s + restart_wait_s(load.restarts)
        pulled = pod.ends[0]
        restarts = load.restarts + 1
        times = "once" if restarts == 1 else f"{restarts} times"
        hangs = [trouble for trouble in pod.troubles if trouble.until_s < math.inf]
        pod.troubles = [*hangs, Trouble(now_s, math.inf, f"crashed while loading, started again {times}")]
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


def _words(stage: str) -> str:
    """What is the matter with a replica that hangs in this stage."""
    return "its image does not come" if stage == IMAGE else f"it hangs in {stage}"


def _start(pod: Pod, node: Node, image_s: float, lengths_s: tuple[float, ...]) -> ReplicaStart:
    """What the journal says of a replica that was bound."""
    was_up = not node.edges_s or node.edges_s[-1] <= pod.created_s
    node_s, waited_s = node_part(pod.created_s, pod.bound_s, node.edges_s)
    return ReplicaStart(
        pod.workload, node.pool, node.zone, pod.created_s, was_up, waited_s, node_s, image_s, lengths_s
    )  # fmt: skip
