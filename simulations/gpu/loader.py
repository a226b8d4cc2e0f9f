"""A process that loads weights of a known size onto a GPU in one of the manners, and says when each stage was.

    python -m simulations.gpu.loader eager WEIGHTS --cache-bytes 20000000000

Each stage is one line of JSON on standard output, once it is over: {"stage": "cuda", "from_s": ..., "until_s": ...},
seconds since the epoch. Exit code 3 where there is no driver, or it refuses.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.domain.lead_time import Stage
from autoscaler.ports.clock import ClockPort
from simulations.gpu.cuda import Cuda, CudaFailed, GpuMemory
from simulations.gpu.curves import Manner

TENSOR_BYTES = 64 << 20
"""So much is allocated and copied at a time, as a loader does tensor by tensor."""
NO_GPU = 3


class Loader:
    """Loads `weights`, a file, onto `gpu`. tell: takes each stage once it is over, with its beginning and end."""

    def __init__(
        self, weights: Path, gpu: GpuMemory, clock: ClockPort, tell: Callable[[Stage, float, float], None]
    ) -> None:
        self._weights, self._gpu, self._clock, self._tell = weights, gpu, clock, tell
        self._size = weights.stat().st_size

    def load(self, manner: Manner) -> None:
        """All stages, in that manner."""
        loads = {
            Manner.EAGER: self._eager, Manner.STREAMED: self._streamed,
            Manner.MAPPED: self._mapped, Manner.INTO_EMPTY: self._into_empty,
        }  # fmt: skip
        loads[manner]()

    def _eager(self) -> None:
        with mmap.mmap(-1, self._size) as memory, self._weights.open("rb") as file:
            with self._stage(Stage.WEIGHTS):
                view = memoryview(memory)
                for start, size in self._tensors():
                    file.readinto(view[start : start + size])
                view.release()
            self._context()
            with self._stage(Stage.TRANSFER), _address(memory) as source:
                for start, size in self._tensors():
                    self._gpu.copy(self._gpu.allocate(size), source + start, size)

    def _streamed(self) -> None:
        self._context()
        with self._stage(Stage.WEIGHTS, Stage.TRANSFER):
            self._stream(lambda start, size: self._gpu.allocate(size))

    def _into_empty(self) -> None:
        self._context()
        empty = {start: self._gpu.allocate(size) for start, size in self._tensors()}
        with self._stage(Stage.WEIGHTS, Stage.TRANSFER):
            self._stream(lambda start, size: empty[start])

    def _mapped(self) -> None:
        self._context()
        with (
            self._weights.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as memory,
            self._stage(Stage.WEIGHTS, Stage.TRANSFER),
            _address(memory) as source,
        ):
            for start, size in self._tensors():
                self._gpu.copy(self._gpu.allocate(size), source + start, size)

    def _stream(self, room: Callable[[int, int], int]) -> None:
        with mmap.mmap(-1, TENSOR_BYTES) as memory, self._weights.open("rb") as file, _address(memory) as source:
            view = memoryview(memory)
            for start, size in self._tensors():
                file.readinto(view[:size])
                self._gpu.copy(room(start, size), source, size)
            view.release()

    def _context(self) -> None:
        with self._stage(Stage.CUDA):
            self._gpu.make_context()

    def _tensors(self) -> Iterator[tuple[int, int]]:
        for start in range(0, self._size, TENSOR_BYTES):
            yield start, min(TENSOR_BYTES, self._size - start)

    @contextmanager
    def _stage(self, *stages: Stage) -> Iterator[None]:
        from_s = self._clock.wall_s()
        yield
        until_s = self._clock.wall_s()
        for stage in stages:
            self._tell(stage, from_s, until_s)


@contextmanager
def _address(memory: mmap.mmap) -> Iterator[int]:
    """Where it lies. It cannot be closed before this ends."""
    held = ctypes.c_char.from_buffer(memory)
    try:
        yield ctypes.addressof(held)
    finally:
        del held


def _print(stage: Stage, from_s: float, until_s: float) -> None:
    print(json.dumps({"stage": stage.value, "from_s": from_s, "until_s": until_s}), flush=True)


def main(
    manner: Manner,
    weights: Path,
    device: Annotated[int, typer.Option(help="Number of the GPU.")] = 0,
    cache_bytes: Annotated[int, typer.Option(help="Allocated at once after the load, as a KV cache.")] = 0,
    rest_s: Annotated[float, typer.Option(help="Between the load and the cache.")] = 5.0,
    hold_s: Annotated[float, typer.Option(help="How long it stays after that.")] = 25.0,
) -> None:
    """Loads, allocates a cache, stays for a while and goes."""
    clock, gone = SystemClock(), Event()
    try:
        gpu = Cuda(device)
        Loader(weights, gpu, clock, _print).load(manner)
        clock.wait(rest_s, gone)
        if cache_bytes:
            gpu.allocate(cache_bytes)
        clock.wait(hold_s, gone)
    except CudaFailed as error:
        print(error, file=sys.stderr)
        raise typer.Exit(NO_GPU) from error


if __name__ == "__main__":
    typer.run(main)
