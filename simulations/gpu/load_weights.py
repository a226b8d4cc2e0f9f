"""Loads weights of a known size onto a real GPU, and compares what its memory tells with what the process says.

    python -m simulations.gpu.load_weights --manner eager --gigabytes 14

A process of its own loads (`loader`); this one looks at the GPU as the node agent does, through NVML and /proc, records
the curve under `--out`, and says how far each stage is off. Exit codes: 0 all stages that are sure are within
`--within`, 1 one is not, 3 no driver or GPU here, or it refused.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from autoscaler.adapters.kubelet.processes import ProcProcesses
from autoscaler.adapters.nvml.gpus import NvmlGpus
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.coldstart.memory_sample import MemorySample
from autoscaler.domain.gpu import Gpu, GpuState
from autoscaler.domain.lead_time import Stage
from simulations.gpu.curves import GB, Manner
from simulations.gpu.recording import Compared, Recording, compare, write

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results"
CLOCK = SystemClock()
NO_GPU, NOT_WITHIN = 3, 1
BLOCK_BYTES = 64 << 20


class NoGpu(Exception):
    """The text says why."""


class Looks:
    """At one GPU and the process on it. Where the driver does not know the process by our number of it, as within a
    container, memory is what the whole GPU uses above what it used at first."""

    def __init__(self, number: int) -> None:
        self._gpus, self._processes, self._number = NvmlGpus(), ProcProcesses(Path("/proc")), number
        self.gpu, self.driver = self._look(())
        self._used_before = self.gpu.memory.used_bytes if self.gpu.memory else 0

    def at(self, pid: int, steady_s: float, at_s: float) -> MemorySample:
        """One look at it."""
        gpu, _ = self._look((self.gpu.uuid,))
        own = next((one for one in gpu.processes or () if one.pid == pid), None)
        use = self._processes.use(pid)
        read = [one for one in (use.asked_bytes, use.fetched_bytes) if one is not None] if use else []
        return MemorySample(
            at_s,
            steady_s,
            self._above(gpu) if own is None else own.used_bytes,
            gpu.receive_bytes_s,
            None if own is None or own.sm_percent is None else own.sm_percent / 100,
            use.resident_bytes if use else None,
            max(read, default=None),
        )

    def _above(self, gpu: Gpu) -> int | None:
        return max(0, gpu.memory.used_bytes - self._used_before) if gpu.memory else None

    def _look(self, transferring: tuple[str, ...]) -> tuple[Gpu, str]:
        sight = self._gpus.look(CLOCK.wall_s(), transferring)
        gpu = next((one for one in sight.gpus if one.index == self._number), None)
        if gpu is None or gpu.state is not GpuState.OK:
            why = sight.why or (gpu.why if gpu else "") or "no such GPU"
            raise NoGpu(f"GPU {self._number} cannot be asked: {why}")
        return gpu, sight.driver


def weights_of(size: int, path: Path) -> None:
    """A file that is not in the page cache, of bytes that no file system leaves out."""
    block = os.urandom(BLOCK_BYTES)
    with path.open("wb") as file:
        for start in range(0, size, BLOCK_BYTES):
            file.write(block[: min(BLOCK_BYTES, size - start)])
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def recorded(looks: Looks, command: list[str], every_s: float, about: dict[str, str]) -> Recording:
    """Runs the loader to its end and looks at it meanwhile. Raises `NoGpu` where it fails."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        samples = list(_samples(looks, process, every_s))
        lines = process.communicate()[0].splitlines()
    finally:
        process.kill()
    if process.returncode:
        raise NoGpu(f"the loader failed with code {process.returncode}")
    said = [json.loads(line) for line in lines]
    return Recording(about, {Stage(one["stage"]): (one["from_s"], one["until_s"]) for one in said}, samples)


def _samples(looks: Looks, process: subprocess.Popen[str], every_s: float) -> Iterator[MemorySample]:
    gone, due_s = Event(), CLOCK.monotonic_s()
    while process.poll() is None:
        yield looks.at(process.pid, CLOCK.monotonic_s(), CLOCK.wall_s())
        due_s += every_s
        CLOCK.wait(due_s - CLOCK.monotonic_s(), gone)


def shown(found: list[Compared], about: dict[str, str]) -> Table:
    """A row a stage."""
    table = Table("stage", "took", "off", "sure", title=", ".join(about.values()))
    for one in found:
        off = "not told" if one.off_s is None else f"{one.off_s:.2f} s"
        table.add_row(one.stage.value, f"{one.stamp[1] - one.stamp[0]:.2f} s", off, "yes" if one.is_sure else "no")
    return table


def main(
    manner: Annotated[Manner, typer.Option(help="How it loads.")] = Manner.STREAMED,
    gigabytes: Annotated[float, typer.Option(help="Size of the weights, in 1e9 bytes.")] = 14.0,
    cache_gigabytes: Annotated[float, typer.Option(help="KV cache, allocated at once after the load.")] = 20.0,
    every_s: Annotated[float, typer.Option("--every", help="Seconds between looks.")] = 1.0,
    within_s: Annotated[float, typer.Option("--within", help="Seconds that a sure stage may be off.")] = 1.0,
    device: Annotated[int, typer.Option(help="Number of the GPU.")] = 0,
    folder: Annotated[Path | None, typer.Option(help="Where the weights are written for a while.")] = None,
    out: Annotated[Path, typer.Option(help="Where the curve is kept.")] = RESULTS,
) -> None:
    """Loads weights of a known size and compares the curve's stages with the process's own stamps."""
    console = Console()
    try:
        looks = Looks(device)
        about = {
            "card": looks.gpu.model, "driver": looks.driver, "manner": manner.value,
            "weights": f"{gigabytes:g} GB", "looks": f"every {every_s:g} s",
        }  # fmt: skip
        with TemporaryDirectory(dir=folder) as place:
            weights = Path(place) / "weights"
            weights_of(int(gigabytes * GB), weights)
            cache = ["--cache-bytes", str(int(cache_gigabytes * GB)), "--device", str(device)]
            command = [sys.executable, "-m", "simulations.gpu.loader", manner.value, str(weights), *cache]
            recording = recorded(looks, command, every_s, about)
    except NoGpu as error:
        print(error, file=sys.stderr)
        raise typer.Exit(NO_GPU) from error
    out.mkdir(parents=True, exist_ok=True)
    name = "-".join([looks.gpu.model, looks.driver, manner.value, f"{gigabytes:g}GB"]).replace(" ", "_")
    write(recording, out / f"{name}.csv")
    found = compare(recording)
    console.print(shown(found, about))
    if any(one.is_sure and (one.off_s is None or one.off_s > within_s) for one in found):
        raise typer.Exit(NOT_WITHIN)


if __name__ == "__main__":
    typer.run(main)
