"""What the node agent costs its node: processor time and memory at 8 GPUs and 16 processes, a look a second.

The whole program runs, as a process of its own: looks over the real pynvml at a stand-in of the driver's library, a
kubelet that answers over gRPC, processes in a folder in place of /proc, two starts on the way, and a scrape every 15 s.
The stand-in runs inside of it and its time is counted too; what the real driver takes for its answers is not.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer
from rich.console import Console
from rich.table import Table

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.compose.agent import AgentSettings
from simulations.agent_on_stand_in import FIRST_PID, GPUS, PROCESSES, loader, starts
from tests.agent.kubelet_stand_in import Given, StandInProc, cgroup_of, kubelet

ROOT = Path(__file__).parents[1]
CLOCK = SystemClock()
MOST_SHARE, MOST_MB = 0.01, 60.0
"""The target: of a core, and resident, in 1e6 bytes."""
SCRAPE_S, SETTLE_S, LONGEST_S = 15.0, 5.0, 30.0


class Output(StrEnum):
    """What is printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Cost:
    """processor_share: of one core, after the first seconds. peak_mb: the most that was resident, in 1e6 bytes, and
    rest_mb at the end. start_s: processor time until it first answered. stamps: their series at the end.
    """

    seconds: float
    looks: int
    scrapes: int
    processor_share: float
    start_s: float
    peak_mb: float
    rest_mb: float
    stamps: int

    @property
    def is_within(self) -> bool:
        """Whether it keeps to the target."""
        return self.processor_share <= MOST_SHARE and self.peak_mb <= MOST_MB


def measure(seconds: float, every_s: float) -> Cost:
    """Runs it for so long."""
    with tempfile.TemporaryDirectory() as folder, kubelet(Path(folder), *_given()) as stand_in:
        proc = StandInProc(Path(folder) / "proc")
        port = _free_port()
        settings = AgentSettings("127.0.0.1", port, every_s, str(stand_in.socket), str(proc.root), "node-1")
        began_s = CLOCK.wall_s()
        for pid in _pids():
            proc.add(pid, began_s - 4000.0, cgroup_of(_uid(pid), f"{pid:064x}"), f"pod-{pid}")
        with _agent(settings) as process:
            return _watched(process, proc, f"http://127.0.0.1:{port}/metrics", seconds, began_s)


def _watched(process: subprocess.Popen[bytes], proc: StandInProc, page: str, seconds: float, began_s: float) -> Cost:
    _first_answer(page)
    start_s = _processor_s(process.pid)
    CLOCK.wait(SETTLE_S, Event())
    at_s, used_s, scrapes, metrics = CLOCK.monotonic_s(), _processor_s(process.pid), 0, {}
    until_s = at_s + seconds
    while (left_s := until_s - CLOCK.monotonic_s()) > 0.0:
        for pid in filter(starts, _pids()):
            now_s = CLOCK.wall_s()
            of = loader(began_s)
            proc.use(pid, of.resident(now_s), of.asked(now_s), of.fetched(now_s))
        CLOCK.wait(min(1.0, left_s), Event())
        if CLOCK.monotonic_s() - at_s >= SCRAPE_S * (scrapes + 1):
            metrics, scrapes = _metrics(page), scrapes + 1
    passed_s = CLOCK.monotonic_s() - at_s
    share = (_processor_s(process.pid) - used_s) / passed_s
    metrics = _metrics(page)
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return Cost(
        seconds=passed_s,
        looks=int(metrics["gpu_autoscaler_agent_looks_total"]),
        scrapes=scrapes,
        processor_share=share,
        start_s=start_s,
        peak_mb=_mb(status["VmHWM"]),
        rest_mb=_mb(status["VmRSS"]),
        stamps=sum(name.startswith("gpu_autoscaler_start_stage_timestamp_seconds") for name in metrics),
    )


def _given() -> list[Given]:
    return [
        Given("inference", f"pod-{pid}", "server", {"nvidia.com/gpu": [f"GPU-{(pid - FIRST_PID) // PROCESSES}::{pid}"]})
        for pid in _pids()
    ]


def _pids() -> range:
    return range(FIRST_PID, FIRST_PID + GPUS * PROCESSES)


def _uid(pid: int) -> str:
    return f"{pid:08x}-0000-4000-8000-000000000000"


@contextmanager
def _agent(settings: AgentSettings) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "simulations.agent_on_stand_in", json.dumps(asdict(settings))]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=LONGEST_S)


def _first_answer(page: str) -> None:
    until_s = CLOCK.monotonic_s() + LONGEST_S
    while True:
        try:
            _metrics(page)
            return
        except (URLError, ConnectionError):
            if CLOCK.monotonic_s() > until_s:
                raise
            CLOCK.wait(0.1, Event())


def _metrics(page: str) -> dict[str, float]:
    """Values by name with labels."""
    with urlopen(page, timeout=LONGEST_S) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _mb(kibibytes: str) -> float:
    return int(kibibytes.split()[0]) * 1024 / 1e6


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def table(cost: Cost) -> Table:
    """One row."""
    drawn = Table(title=f"node agent, {GPUS} GPUs, {GPUS * PROCESSES} processes, {cost.seconds:.0f} s")
    for heading in (
        "looks",
        "scrapes",
        "% of a core",
        "at most",
        "peak MB",
        "at most",
        "MB at the end",
        "start, cpu s",
        "stamps",
    ):
        drawn.add_column(heading, justify="right")
    drawn.add_row(
        str(cost.looks), str(cost.scrapes), f"{100.0 * cost.processor_share:.2f}", f"{100.0 * MOST_SHARE:.0f}",
        f"{cost.peak_mb:.1f}", f"{MOST_MB:.0f}", f"{cost.rest_mb:.1f}", f"{cost.start_s:.2f}",
        str(cost.stamps),
    )  # fmt: skip
    return drawn


def bench(
    seconds: Annotated[float, typer.Option(min=1, help="How long it is watched.")] = 60.0,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    output: Annotated[Output, typer.Option("--format", help="Output.")] = Output.TEXT,
) -> None:
    """Measures the agent, and ends with exit code 1 where it takes more than it may."""
    cost = measure(seconds, every)
    if output is Output.JSON:
        print(json.dumps(asdict(cost) | {"is_within": cost.is_within}))
    else:
        Console().print(table(cost))
    raise typer.Exit(0 if cost.is_within else 1)


if __name__ == "__main__":
    typer.run(bench)
