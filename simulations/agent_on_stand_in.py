"""The node agent as a program, on a stand-in of the driver's library: 8 GPUs, two processes each, of which every
eighth begins a start a few seconds after the agent.

It holds what the agent holds and the stand-in, and nothing else: it is what `bench_agent` measures.
"""

from __future__ import annotations

import sys

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.compose.agent import main
from tests.agent.loaders import Loader, Streamed
from tests.agent.nvml_stand_in import GIB, StandInGpu, StandInLibrary, StandInProcess, loaded

CLOCK = SystemClock()
GPUS, PROCESSES, STARTS_EVERY = 8, 2, 8
FIRST_PID = 1000
AFTER_S, SIZE = 10.0, 30 * GIB


class LiveLibrary(StandInLibrary):
    """Its time is the machine's."""

    @property
    def now_s(self) -> float:
        return CLOCK.wall_s()

    @now_s.setter
    def now_s(self, now_s: float) -> None:
        """It cannot be set."""


def starts(pid: int) -> bool:
    """Whether this process begins a start while it is looked at; the others serve."""
    return pid % STARTS_EVERY == 0


def library(began_s: float) -> StandInLibrary:
    """GPUs and processes as they are from this time on."""
    gpus = []
    for number in range(GPUS):
        pids = range(FIRST_PID + PROCESSES * number, FIRST_PID + PROCESSES * (number + 1))
        gpu = StandInGpu(f"GPU-{number}", util=(80, 40), processes=[_process(pid, began_s) for pid in pids])
        gpus.append(gpu)
    return LiveLibrary(*gpus)


def loader(began_s: float) -> Loader:
    """Of those that start."""
    return Streamed(began_s + AFTER_S, SIZE)


def _process(pid: int, began_s: float) -> StandInProcess:
    return StandInProcess(pid, loader(began_s).gpu if starts(pid) else 30 * GIB, sm=0 if starts(pid) else 40)


if __name__ == "__main__":
    with loaded(library(CLOCK.wall_s())):
        raise SystemExit(main(sys.argv[1:]))
