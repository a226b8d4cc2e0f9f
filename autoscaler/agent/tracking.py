"""All processes that are on GPUs, and those that are about to be."""

from __future__ import annotations

from collections.abc import Mapping

from autoscaler.agent.naming import fits
from autoscaler.agent.process import DeviceUse, Moment, TrackedProcess
from autoscaler.agent.uses import UseReader
from autoscaler.coldstart.memory_sample import Phase
from autoscaler.domain.device_holder import ProcessOwner
from autoscaler.domain.gpu import GpuSight
from autoscaler.ports.holders import ProcessesPort

MOST_WATCHED = 64
"""Processes that are on no GPU yet, of containers that hold one."""
EARLY_S = 10.0
"""The kubelet is asked now and then: a pod may have had its devices for so long before we see it."""
SAME_PROCESS_S = 2.0
"""When a process began is told to the hundredth of a second, by a clock that may be set."""
NOTHING: Mapping[str, DeviceUse] = {}


class Tracker:
    """`tracked`: by pid; those that went are in it no more."""

    def __init__(self, processes: ProcessesPort) -> None:
        self._processes = processes
        self._reader = UseReader()
        self._listed: dict[str, Moment] = {}
        self._looked_at: set[int] = set()
        self._awaited: frozenset[str] = frozenset()
        self.tracked: dict[int, TrackedProcess] = {}

    @property
    def transferring(self) -> frozenset[str]:
        """GPUs on which a start goes on."""
        return frozenset(
            process.uses[device].gpu
            for process in self.tracked.values()
            for device, phase in process.phases.items()
            if phase in (Phase.CONTEXT, Phase.LOADING) and not process.curves[device].is_final
        )

    def look(self, now: Moment, sight: GpuSight, awaited: Mapping[str, float]) -> None:
        """awaited: names of pods that hold a device and have loaded nothing yet, with the time since when they do, in
        seconds since the epoch: their processes are tracked from now on."""
        uses = self._reader.read(sight)
        for pid, on in uses.by_process.items():
            if pid not in self.tracked or on.keys() - self.tracked[pid].curves.keys():
                self._recognise(pid)
        self._watch(awaited)
        for pid, process in list(self.tracked.items()):
            on = uses.by_process.get(pid, NOTHING)
            host = self._processes.use(pid) if process.is_starting or not on else None
            if not on and (host is None or not host.resident_bytes):
                del self.tracked[pid]  # one that ended and that nobody waited for has no memory
                continue
            new = on.keys() - process.curves.keys()
            before = min((self._listed[on[one].gpu] for one in new if on[one].gpu in self._listed),
                         key=lambda moment: moment.steady_s, default=None)  # fmt: skip
            process.look(now, before, on, uses.unseen, host)
        self._listed |= dict.fromkeys(uses.listed, now)

    def _recognise(self, pid: int) -> None:
        """Takes a process that is new on a device; another one of the same number is forgotten."""
        owner = self._processes.owner(pid) or ProcessOwner(pid)
        known = self.tracked.get(pid)
        if known is None or not _is_same(known.owner, owner):
            self.tracked[pid] = TrackedProcess(owner)

    def _watch(self, awaited: Mapping[str, float]) -> None:
        if not awaited:
            self._looked_at.clear()
            return
        there = set(self._processes.pids())
        self._looked_at &= there if awaited.keys() <= self._awaited else set()
        self._awaited = frozenset(awaited)
        watched = self._watched(awaited)
        for pid in sorted(there - self._looked_at - self.tracked.keys()):
            self._looked_at.add(pid)
            owner = self._processes.owner(pid)
            if owner is not None and _may_be_of(owner, awaited) and watched < MOST_WATCHED:
                self.tracked[pid] = TrackedProcess(owner)
                watched += 1

    def _watched(self, awaited: Mapping[str, float]) -> int:
        """How many are on no GPU yet. Where there is no room for more, those that nobody waits for any more are let go:
        launchers and helpers of servers live as long as these."""
        waiting = [pid for pid, one in self.tracked.items() if not one.curves]
        if len(waiting) < MOST_WATCHED:
            return len(waiting)
        unawaited = [pid for pid in waiting if not _may_be_of(self.tracked[pid].owner, awaited)]
        for pid in unawaited:
            del self.tracked[pid]
        return len(waiting) - len(unawaited)


def _may_be_of(owner: ProcessOwner, awaited: Mapping[str, float]) -> bool:
    """By the host name that it sees; where we may not read that, by when it began."""
    if not owner.uid:
        return False
    if not owner.hostname:
        return owner.began_s is not None and any(owner.began_s >= since_s - EARLY_S for since_s in awaited.values())
    return any(fits(owner, pod) for pod in awaited)


def _is_same(one: ProcessOwner, other: ProcessOwner) -> bool:
    if one.began_s is None or other.began_s is None:
        return one.began_s == other.began_s
    return one.container_id == other.container_id and abs(one.began_s - other.began_s) < SAME_PROCESS_S
