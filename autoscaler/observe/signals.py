"""Judges raw readings: value, true zero, missing, or recovering. Unknown never becomes zero here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Codes, Floats
from autoscaler.domain.signal import GPU_UTILIZATION, MISSING, RECOVERING, SIGNALS, SignalReadings

UTILIZATION_UNIT_LIMIT = 1.5
"""A GPU utilization above this is in another unit (percent), so it is no reading at all."""
_LARGEST: Floats = np.full(SIGNALS, np.finfo(np.float64).max)
_LARGEST[GPU_UTILIZATION] = UTILIZATION_UNIT_LIMIT


@dataclass(slots=True)
class SignalMemory:
    """What the judgement remembers between ticks; owned by the loop.

    missing, seen: bool [W, S]. recovering_until_s: float [W, S]; recovered_s: when the last of them has recovered.
    queue, queue_at_s, growth: float [W], the last known queue, when it was sampled, and by how much it grew a second
    since the sample before. ready: float [W], ready replicas at the last tick.
    """

    missing: Bools
    seen: Bools
    recovering_until_s: Floats
    recovered_s: float
    queue: Floats
    queue_at_s: Floats
    growth: Floats
    ready: Floats

    @staticmethod
    def fresh(workloads: int) -> SignalMemory:
        """The memory of a loop that has seen nothing."""
        shape = (workloads, SIGNALS)
        return SignalMemory(
            missing=np.ones(shape, dtype=bool),
            seen=np.zeros(shape, dtype=bool),
            recovering_until_s=np.full(shape, -np.inf),
            recovered_s=-np.inf,
            queue=np.full(workloads, np.nan),
            queue_at_s=np.full(workloads, np.nan),
            growth=np.full(workloads, np.nan),
            ready=np.full(workloads, np.nan),
        )


def judge(readings: SignalReadings, memory: SignalMemory, now_s: float, stale_after_s: Floats) -> tuple[Codes, Floats]:
    """`SignalState` codes and cleaned values, both [W, S]; updates the memory.

    Missing are: no number, infinite, negative, older than `stale_after_s` [W], or a utilization in another unit. A
    signal that was there before and comes back is recovering for `stale_after_s`.
    """
    values = readings.values
    good = (values >= 0.0) & (values <= _LARGEST) & (readings.age_s <= stale_after_s[:, None])
    back = good & memory.missing & memory.seen
    if np.count_nonzero(back):
        until_s = np.broadcast_to(now_s + stale_after_s[:, None], back.shape)
        memory.recovering_until_s[back] = until_s[back]
        memory.recovered_s = float(memory.recovering_until_s.max())
    memory.missing = ~good
    memory.seen |= good
    states = (values == 0.0).astype(np.int8)  # VALUE or ZERO
    if memory.recovered_s > now_s:
        np.copyto(states, RECOVERING, where=memory.recovering_until_s > now_s)
    np.copyto(states, MISSING, where=memory.missing)
    return states, np.where(good, values, np.nan)
