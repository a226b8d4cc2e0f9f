"""Starts of containers, as stamps: when their processes had a context, and the weights on the host and the GPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from autoscaler.agent.naming import ContainerKey, PodName
from autoscaler.agent.process import Moment, TrackedProcess
from autoscaler.coldstart.memory_sample import StageSpan
from autoscaler.domain.lead_time import Stage

KEPT_S = 600.0
"""Stamps stay so long after the last process went: two scrapes at least, and a look at what failed."""
MOST = 256
JOIN_S = 120.0
"""A process that comes so long after its container had loaded is of no start."""


@dataclass(frozen=True, slots=True)
class StageStamps:
    """One stage of the start of a container. from_s, until_s: seconds since the epoch, None where that is not told."""

    uid: str
    name: PodName
    stage: Stage
    from_s: float | None
    until_s: float | None


@dataclass(slots=True)
class _Start:
    """processes: by pid and when they began; of those that died while others live only such as had loaded. over_s: when
    all was loaded. gone_s: when its last process went; both of the clock that never steps."""

    began_s: float
    name: PodName
    processes: dict[tuple[int, float | None], TrackedProcess] = field(default_factory=dict)
    over_s: float | None = None
    gone_s: float | None = None

    def look(self, now: Moment, alive: Mapping[tuple[int, float | None], TrackedProcess], name: PodName) -> None:
        self.name = name if name.pod else self.name
        self.gone_s = None
        if self.over_s is None or now.steady_s - self.over_s <= JOIN_S:
            self.processes |= alive
        self.processes = {key: one for key, one in self.processes.items() if key in alive or _has_loaded(one)}
        curves = [curve for process in self.processes.values() for curve in process.curves.values()]
        if self.over_s is None and curves and all(curve.is_final for curve in curves):
            self.over_s = now.steady_s

    def spans(self, stage: Stage) -> list[StageSpan]:
        """Those of the processes that loaded something, else of all."""
        curves = [spans for process in self.processes.values() for spans in process.spans]
        loading = [spans for spans in curves if any(span.stage is Stage.TRANSFER for span in spans)]
        told = [span for spans in loading or curves for span in spans if span.stage is stage]
        return told if all(span.is_sure for span in told) else []


def _has_loaded(process: TrackedProcess) -> bool:
    return any(span.stage is Stage.TRANSFER and span.until_s is not None for spans in process.spans for span in spans)


class Starts:
    """All starts of this node that are told of."""

    def __init__(self) -> None:
        self._starts: dict[ContainerKey, _Start] = {}

    def look(self, now: Moment, tracked: Iterable[TrackedProcess], names: Mapping[ContainerKey, PodName]) -> None:
        """Takes what a look found; processes of no pod are left out."""
        by_container: dict[ContainerKey, dict[tuple[int, float | None], TrackedProcess]] = {}
        for one in tracked:
            if one.owner.uid and one.curves:
                key = one.owner.uid, one.owner.container_id
                by_container.setdefault(key, {})[one.owner.pid, one.owner.began_s] = one
        for key, alive in by_container.items():
            start = self._starts.setdefault(key, _Start(now.steady_s, PodName()))
            start.look(now, alive, names.get(key, PodName()))
        for key, start in self._starts.items():
            if key not in by_container and start.gone_s is None:
                start.gone_s = now.steady_s
        self._forget(now)

    def is_over(self, key: ContainerKey) -> bool:
        """Whether a container has loaded what it loads."""
        return key in self._starts and self._starts[key].over_s is not None

    def stamps(self) -> list[StageStamps]:
        """One for each stage of a container that is told; where it was restarted, of the last time."""
        found: dict[tuple[str, PodName, Stage], StageStamps] = {}
        for (uid, _), start in sorted(self._starts.items(), key=lambda one: one[1].began_s):
            for stage in (Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER):
                found.pop((uid, start.name, stage), None)
                spans = start.spans(stage)
                if spans:
                    edges = _first([one.from_s for one in spans]), _last([one.until_s for one in spans])
                    found[uid, start.name, stage] = StageStamps(uid, start.name, stage, *edges)
        return list(found.values())

    def _forget(self, now: Moment) -> None:
        """Those that went long ago, those of which the container was restarted, and the oldest of too many."""
        for (uid, container), start in list(self._starts.items()):
            later = any(
                of == uid and one.began_s > start.began_s and one.name.container in ("", start.name.container)
                for (of, _), one in self._starts.items()
            )
            if start.gone_s is not None and (later or now.steady_s - start.gone_s >= KEPT_S):
                del self._starts[uid, container]
        gone = sorted((one.gone_s, key) for key, one in self._starts.items() if one.gone_s is not None)
        for _, key in gone[: max(0, len(self._starts) - MOST)]:
            del self._starts[key]


def _first(times: list[float | None]) -> float | None:
    """None where one began before anybody looked."""
    known = [one for one in times if one is not None]
    return min(known) if len(known) == len(times) else None


def _last(times: list[float | None]) -> float | None:
    """None while one goes on."""
    known = [one for one in times if one is not None]
    return max(known) if len(known) == len(times) else None
