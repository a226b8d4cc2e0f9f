"""Curves of a process on a GPU, GENERATED from stated rates: no GPU made any of them, and each says so in its label.

A curve is a row of pieces; within each everything grows evenly. Beside the curve stands the truth: when each stage
began and ended. The manners of loading, as serving engines do it: eager (weights to host memory, then the context, then
one copy), streamed (context, then from storage straight to the GPU), memory-mapped (the same in uneven bursts, with
rests while pages come), into empty (weights are allocated at once, and copied into). After each come a rest, the
allocation of the KV cache at once, and graphs, which grow slowly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from autoscaler.coldstart.memory_sample import MemorySample
from autoscaler.domain.lead_time import Stage

GB = 1e9
ALLOCATION_S = 0.05
LEAST_RESIDENT_BYTES = 0.05 * GB


class Manner(StrEnum):
    """How a process loads."""

    EAGER = "eager"
    STREAMED = "streamed"
    MAPPED = "memory-mapped"
    INTO_EMPTY = "into empty"


@dataclass(frozen=True, slots=True)
class Piece:
    """So many seconds in which the memory of the GPU, of the host and the bytes read grow by as much, evenly."""

    seconds: float
    gpu_bytes: float = 0.0
    received_bytes: float = 0.0
    resident_bytes: float = 0.0
    read_bytes: float = 0.0
    sm_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What a curve is generated from. Bytes and bytes a second are of one GPU and its process.

    weights_bytes: on this GPU. storage, bus: of reads and of copies to the GPU. rest_s: between the load and the KV
    cache. cache_bytes: the KV cache.
    """

    weights_bytes: float
    storage_bytes_s: float = 2 * GB
    bus_bytes_s: float = 25 * GB
    imports_s: float = 8.0
    context_s: float = 0.4
    context_bytes: float = 0.45 * GB
    rest_s: float = 4.0
    cache_bytes: float = 20 * GB
    graphs_s: float = 12.0
    graph_bytes_s: float = 0.06 * GB
    idle_s: float = 60.0


class Curve:
    """Pieces from one moment on; `truth` has the stages' times in seconds since the first piece."""

    def __init__(self, label: str, pieces: Sequence[Piece], truth: dict[Stage, tuple[float, float]]) -> None:
        self.label, self.truth, self._pieces = label, truth, tuple(pieces)
        self._starts = [0.0]
        self._levels = [(0.0, LEAST_RESIDENT_BYTES, 0.0)]
        for piece in self._pieces:
            gpu, resident, read = self._levels[-1]
            self._starts.append(self._starts[-1] + piece.seconds)
            self._levels.append((gpu + piece.gpu_bytes, resident + piece.resident_bytes, read + piece.read_bytes))

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self._starts[-1]

    def at(self, after_s: float) -> MemorySample:
        """What a look at that moment tells, with everything told; its times are seconds since the first piece."""
        number = min(bisect_right(self._starts, max(0.0, after_s)) - 1, len(self._pieces) - 1)
        piece, (gpu, resident, read) = self._pieces[number], self._levels[number]
        part = min(1.0, (max(0.0, after_s) - self._starts[number]) / piece.seconds)
        return MemorySample(
            after_s,
            after_s,
            int(gpu + part * piece.gpu_bytes),
            piece.received_bytes / piece.seconds,
            piece.sm_share,
            int(resident + part * piece.resident_bytes),
            int(read + part * piece.read_bytes),
        )

    def looks(self, every_s: float = 1.0, late_s: float = 0.0, first_s: float = 0.0, seed: int = 0) -> Iterator[float]:
        """Moments of looks: each up to `late_s` late, the first at `first_s`."""
        random = np.random.default_rng(seed)
        due_s = first_s
        while due_s <= self.seconds:
            yield due_s + float(random.uniform(0.0, late_s))
            due_s += every_s


class _Building:
    """Pieces and the truth, as they come."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.truth: dict[Stage, tuple[float, float]] = {}
        self.now_s = 0.0

    def add(self, piece: Piece, *stages: Stage) -> None:
        """One more piece, which is of these stages."""
        if piece.seconds <= 0:
            return
        self.pieces.append(piece)
        until_s = self.now_s + piece.seconds
        for stage in stages:
            self.truth[stage] = (self.truth.get(stage, (self.now_s, 0.0))[0], until_s)
        self.now_s = until_s


def curve(manner: Manner, rates: Rates, seed: int = 0) -> Curve:
    """A process that starts, loads in that manner, allocates its cache and idles."""
    to = _Building()
    to.add(Piece(rates.imports_s, resident_bytes=0.3 * GB))
    _LOADS[manner](to, rates, seed)
    to.add(Piece(rates.rest_s, sm_share=0.3))
    to.add(Piece(ALLOCATION_S, gpu_bytes=rates.cache_bytes))
    to.add(Piece(rates.graphs_s, gpu_bytes=rates.graphs_s * rates.graph_bytes_s, sm_share=0.5))
    to.add(Piece(rates.idle_s))
    label = (
        f"generated, {manner}: {rates.weights_bytes / GB:.3g} GB, storage {rates.storage_bytes_s / GB:.3g} GB/s, "
        f"bus {rates.bus_bytes_s / GB:.3g} GB/s"
    )
    return Curve(label, to.pieces, to.truth)


def _context(to: _Building, rates: Rates) -> None:
    to.add(Piece(rates.context_s, gpu_bytes=rates.context_bytes, sm_share=0.0), Stage.CUDA)


def _eager(to: _Building, rates: Rates, seed: int) -> None:
    size = rates.weights_bytes
    to.add(Piece(size / rates.storage_bytes_s, resident_bytes=size, read_bytes=size), Stage.WEIGHTS)
    _context(to, rates)
    to.add(Piece(size / rates.bus_bytes_s, gpu_bytes=size, received_bytes=size), Stage.TRANSFER)


def _streamed(to: _Building, rates: Rates, seed: int) -> None:
    _context(to, rates)
    to.add(Piece(1.5))
    size, rate = rates.weights_bytes, min(rates.storage_bytes_s, rates.bus_bytes_s)
    to.add(Piece(size / rate, size, size, read_bytes=size), Stage.WEIGHTS, Stage.TRANSFER)


def _mapped(to: _Building, rates: Rates, seed: int) -> None:
    """Bursts at one to two times the pace of storage, rests of up to four seconds in which pages are read ahead."""
    _context(to, rates)
    random = np.random.default_rng(seed)
    left = rates.weights_bytes
    while left > 0:
        rate = min(rates.bus_bytes_s, rates.storage_bytes_s * float(random.uniform(1.0, 2.0)))
        seconds = min(left / rate, float(random.uniform(0.4, 3.0)))
        burst = seconds * rate
        to.add(Piece(seconds, burst, burst, 0.6 * burst, 0.6 * burst), Stage.WEIGHTS, Stage.TRANSFER)
        left -= burst if left - burst > 0.2 * GB else left
        if left > 0:
            ahead = 0.4 * burst
            to.add(Piece(float(random.uniform(0.3, 4.0)), 0.0, 0.0, ahead, ahead))


def _into_empty(to: _Building, rates: Rates, seed: int) -> None:
    _context(to, rates)
    to.add(Piece(2.0))
    to.add(Piece(ALLOCATION_S, gpu_bytes=rates.weights_bytes))
    size, rate = rates.weights_bytes, min(rates.storage_bytes_s, rates.bus_bytes_s)
    to.add(Piece(size / rate, 0.0, size, read_bytes=size), Stage.WEIGHTS, Stage.TRANSFER)


_LOADS = {Manner.EAGER: _eager, Manner.STREAMED: _streamed, Manner.MAPPED: _mapped, Manner.INTO_EMPTY: _into_empty}


def idle(seconds: float = 600.0, gpu_bytes: float = 0.45 * GB) -> Curve:
    """A process that makes a context and does nothing."""
    pieces = [Piece(3.0), Piece(0.4, gpu_bytes=gpu_bytes), Piece(seconds)]
    return Curve("generated, idle", pieces, {Stage.CUDA: (3.0, 3.4)})


def serving(seconds: float = 600.0, held_bytes: float = 30 * GB, seed: int = 0) -> Curve:
    """A loaded process under load: memory goes up and down by up to 2 GB in steps, kernels run, little on the bus."""
    random = np.random.default_rng(seed)
    pieces, above = [Piece(ALLOCATION_S, gpu_bytes=held_bytes)], 0.0
    for _ in range(int(seconds / 2)):
        level = float(random.uniform(0.0, 2 * GB))
        pieces.append(Piece(ALLOCATION_S, gpu_bytes=level - above, sm_share=0.6))
        pieces.append(Piece(2.0 - ALLOCATION_S, received_bytes=0.01 * GB, sm_share=float(random.uniform(0.2, 0.9))))
        above = level
    return Curve("generated, serving", pieces, {})
