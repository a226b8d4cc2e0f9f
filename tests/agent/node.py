"""A node for tests of the loop: GPUs, a kubelet, processes that load, and a clock that moves when it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from prometheus_client import CollectorRegistry

from autoscaler.adapters.kubelet.processes import ProcProcesses
from autoscaler.adapters.nvml.gpus import NvmlGpus
from autoscaler.agent.exposition import Exposition
from autoscaler.agent.looker import Looker
from autoscaler.agent.loop import Loop
from autoscaler.agent.view import View
from autoscaler.domain.device_holder import DeviceHolder
from autoscaler.domain.lead_time import Stage
from autoscaler.ports.errors import PortError
from tests.agent.kubelet_stand_in import StandInProc, cgroup_of
from tests.agent.loaders import Loader
from tests.agent.nvml_stand_in import StandInGpu, StandInLibrary, StandInProcess, loaded
from tests.stepped_clock import SteppedClock

BEGAN_S = 1_800_000_000.37


class Holders:
    """The kubelet: what it answers, or the error in place of it."""

    def __init__(self) -> None:
        self.given: list[DeviceHolder] = []
        self.error: PortError | None = None

    def holders(self) -> Sequence[DeviceHolder]:
        if self.error is not None:
            raise self.error
        return list(self.given)


class Said:
    """The log."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.errors: list[Exception] = []

    def problems(self, lines: list[str]) -> None:
        self.lines = lines

    def failed(self, error: Exception) -> None:
        self.errors.append(error)


class SetClock(SteppedClock):
    """One whose wall time can be set."""

    def set_by(self, seconds: float) -> None:
        self._wall_s += seconds


class Node:
    """library, proc, holders, clock: the world. It is looked at once a second."""

    def __init__(self, library: StandInLibrary, proc: StandInProc, clock: SetClock) -> None:
        self.library, self.proc, self.clock = library, proc, clock
        self.holders, self.said = Holders(), Said()
        self._loaders: dict[int, Loader] = {}
        self.restart_agent()

    def restart_agent(self) -> None:
        """Another agent, that knows nothing."""
        looker = Looker(NvmlGpus(), self.holders, ProcProcesses(self.proc.root), self.clock, "node-1")
        self.loop = Loop(looker.look, self.clock, 1.0, self.said)
        self.registry = CollectorRegistry()
        self.registry.register(Exposition(self.loop, self.clock))

    @property
    def view(self) -> View:
        assert self.loop.view is not None
        return self.loop.view

    def start(
        self, pid: int, gpu: StandInGpu, loader: Loader, uid: str, container: str, hostname: str | None = None
    ) -> None:
        """A process of a container begins, and loads."""
        self.proc.add(pid, loader.began_s, cgroup_of(uid, container), hostname)
        gpu.processes.append(StandInProcess(pid, lambda now_s: loader.gpu(now_s)))
        gpu.received_kb_s = loader.received_kb_s
        self._loaders[pid] = loader

    def end(self, pid: int) -> None:
        """It ends."""
        self.proc.remove(pid)
        self._loaders.pop(pid, None)
        for gpu in self.library.gpus:
            gpu.processes = [one for one in gpu.processes if one.pid != pid]

    def run(self, seconds: float) -> None:
        """Looks once a second for so long; nothing may fail in the agent."""
        for _ in range(round(seconds)):
            now_s = self.library.now_s = self.clock.wall_s()
            for pid, loader in self._loaders.items():
                self.proc.use(pid, loader.resident(now_s), loader.asked(now_s), loader.fetched(now_s))
                for process in (one for gpu in self.library.gpus for one in gpu.processes if one.pid == pid):
                    process.sm = loader.sm(now_s)
            self.loop.look()
            self.clock.wait(1.0, Event())
        assert self.said.errors == []

    def stages(self, pod: str, container: str = "server") -> dict[Stage, tuple[float | None, float | None]]:
        """Begin and end of each stage that is told of a container."""
        return {
            one.stage: (one.from_s, one.until_s)
            for one in self.view.stamps
            if (one.name.pod, one.name.container) == (pod, container)
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Of the one series at /metrics that has these labels; None where there is none."""
        found = [
            sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) <= 1
        return found[0] if found else None


@contextmanager
def node(folder: Path, *gpus: StandInGpu) -> Iterator[Node]:
    """A node with these GPUs."""
    library = StandInLibrary(*gpus)
    with loaded(library):
        yield Node(library, StandInProc(folder / "proc"), SetClock(BEGAN_S))
