"""The ledger of a run: what it was billed in dollars, tick by tick, and what became of its placeholders."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.domain.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """Of T ticks and W workloads.

    dollars: float [T, W], billed in the tick. held_gpus: float [T], GPUs that placeholders held at the begin of the
    tick, held_dollars: float [T], what these cost in it, a part of `dollars`. made, used: float [T, W], placeholders
    created up to the begin of the tick, and of them the ones that a replica took the room of.
    """

    dollars: Floats
    held_gpus: Floats
    held_dollars: Floats
    made: Floats
    used: Floats
