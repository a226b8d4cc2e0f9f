"""What a process reads: its resident memory and its own count of bytes read, each where it is told."""

from __future__ import annotations

from autoscaler.coldstart.memory_growth import Growth, Run
from autoscaler.coldstart.memory_sample import GIB, Edge, MemorySample

LEAST_JUMP_BYTES = 32.0 * (1 << 20)
FASTER = 2.0
"""Imports turn into reads of weights without a rest, and those are so much faster."""
LONGEST_REST_S = 15.0
SMALL, SLOWER = 0.3, 2.0
"""A first run below that share of all, and so many times slower, is libraries, not weights."""


class Host:
    """Growth of both counters. Times are of the steady clock."""

    def __init__(self) -> None:
        self._resident, self._read = Growth(LEAST_JUMP_BYTES, FASTER), Growth(LEAST_JUMP_BYTES, FASTER)

    def add(self, sample: MemorySample) -> None:
        """One look."""
        if sample.resident_bytes is not None:
            self._resident.add(sample.steady_s, sample.resident_bytes)
        if sample.read_bytes is not None:
            self._read.add(sample.steady_s, sample.read_bytes)

    @property
    def is_told(self) -> bool:
        """Either counter was told at least once."""
        return self._resident.at_s is not None or self._read.at_s is not None

    @property
    def last_read_s(self) -> float:
        """When it read last."""
        return max(self._resident.last_grown_s, self._read.last_grown_s)

    def held_bytes(self, until_s: float) -> float:
        """By how much resident memory had grown until then."""
        return sum(run.grown_bytes for run in self._resident.runs if run.before_s <= until_s)

    def weights(self, loaded_bytes: float, context_s: float) -> tuple[Edge, Edge] | None:
        """When it read weights of that size; None where neither counter grew by about as much. context_s: of the look
        that saw memory first: libraries are read before it."""
        chains = [_chain(growth.runs, context_s) for growth in (self._resident, self._read)]
        chain = max(chains, key=lambda runs: sum(run.grown_bytes for run in runs))
        if sum(run.grown_bytes for run in chain) < max(GIB / 2, loaded_bytes / 2):
            return None
        return chain[0].begin, chain[-1].end


def _chain(runs: list[Run], context_s: float) -> list[Run]:
    """The last runs with no long rest between them, less small ones before the large."""
    first = 0
    for number in range(1, len(runs)):
        if runs[number].before_s - runs[number - 1].until_s > LONGEST_REST_S:
            first = number
    chain = runs[first:]
    whole = sum(run.grown_bytes for run in chain)
    peak = max((run.peak_bytes_s for run in chain), default=0.0)
    while len(chain) > 1 and chain[0].until_s <= context_s and _is_small(chain[0], whole, peak):
        chain = chain[1:]
    return chain


def _is_small(run: Run, whole: float, peak: float) -> bool:
    return run.grown_bytes < SMALL * whole and run.peak_bytes_s * SLOWER < peak
