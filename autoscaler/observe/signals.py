"""Judges raw readings: value, true zero, missing, or recovering. Unknown never becomes zero here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Codes, Floats
from autoscaler.domain.signal import GPU_UTILIZATION, MISSING, RECOVERING, SIGNALS, VALUE, ZERO, SignalReadings

UTILIZATION_UNIT_LIMIT = 1.5
"""A GPU utilization above this is in another unit (percent), so it is no reading at all."""


@dataclass(slots=True)
class SignalMemory:
    """What the judgement remembers between ticks; owned by the loop.

    missing, seen: bool [W, S]. recovering_until_s: float [W, S]. queue: float [W], the last known queue.
    """

    missing: Bools
    seen: Bools
    recovering_until_s: Floats
    queue: Floats
    queue_at_s: Floats

    @staticmethod
    def fresh(workloads: int) -> SignalMemory:
        """The memory of a loop that has seen nothing."""
        shape = (workloads, SIGNALS)
        return SignalMemory(
            missing=np.ones(shape, dtype=bool),
            seen=np.zeros(shape, dtype=bool),
            recovering_until_s=np.full(shape, -np.inf),
            queue=np.full(workloads, np.nan),
            queue_at_s=np.full(workloads, np.nan),
        )


def judge(readings: SignalReadings, memory: SignalMemory, now_s: float, stale_after_s: Floats) -> tuple[Codes, Floats]:
    """`SignalState` codes and cleaned values, both [W, S]; updates the memory.

    Missing are: no number, infinite, negative, older than `stale_after_s` [W], or a utilization in another unit. A
    signal that was there before and comes back is recovering for `stale_after_s`.
    """
    values = readings.values
    utilization = values[:, GPU_UTILIZATION]
    with np.errstate(invalid="ignore"):
        good = (values >= 0.0) & (values < np.inf) & (readings.age_s <= stale_after_s[:, None])
        good[:, GPU_UTILIZATION] &= utilization <= UTILIZATION_UNIT_LIMIT
    back = good & memory.missing & memory.seen
    if back.any():
        until = np.broadcast_to(now_s + stale_after_s[:, None], back.shape)
        memory.recovering_until_s[back] = until[back]
    memory.missing = ~good
    memory.seen |= good
    recovering = memory.recovering_until_s > now_s
    states = np.where(values == 0.0, ZERO, VALUE)
    states[recovering] = RECOVERING
    states[memory.missing] = MISSING
    clean = np.where(good, values, np.nan)
    return states, clean
