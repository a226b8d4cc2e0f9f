"""Puts one observation together: states, demand, late work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.observation import Observation
from autoscaler.domain.signal import LATE_SHARE, QUEUE, VALUE, ZERO, SignalReadings
from autoscaler.observe.demand import demand_now, nobody_serves
from autoscaler.observe.signals import SignalMemory, judge

SAME_SAMPLE_S = 1e-3
"""Samples nearer than this are one and the same: their times are worked out from ages, which rounds."""


def observe(
    now_s: float, readings: SignalReadings, inventory: Inventory, fleet: Fleet, memory: SignalMemory
) -> Observation:
    """The observation of this tick; updates the memory.

    Late work is the measured share of the demand where the policy names a query; else all of it while the queue is
    longer than what is ready serves within the time from which a request is late; else max(0, demand - ready): what
    came while capacity was not ready. Signals tell of the time since the last tick, so what counts as ready is what was
    so at both ends of it.
    """
    states, values = judge(readings, memory, now_s, fleet.stale_after_s)
    ready = _ready_since(np.add.reduce(inventory.ready, axis=1, dtype=np.float64), memory, fleet)
    growth = queue_growth(values[:, QUEUE], readings.age_s[:, QUEUE], memory, now_s)
    unserved = nobody_serves(values[:, QUEUE], ready, inventory.floor)
    demand, demand_state, source = demand_now(states, values, growth, ready, unserved, fleet)
    measured = values[:, LATE_SHARE]
    is_measured = np.isfinite(measured)
    late = np.maximum(demand - ready, 0.0)
    waits = _waits(values[:, QUEUE], ready, fleet)
    if np.count_nonzero(waits):
        late = np.where(waits, demand, late)
    if np.count_nonzero(is_measured):
        late = np.where(is_measured, np.minimum(measured, 1.0) * demand, late)
    pressed = (late > 0.0) | (measured > 0.0) | waits | (growth > 0.0)
    return Observation(
        now_s=now_s,
        states=states,
        values=values,
        demand=demand,
        demand_state=demand_state,
        demand_source=source,
        late=late,
        late_is_measured=is_measured | waits,
        pressed=pressed,
        inventory=inventory,
    )


def unknown_as_zero(observation: Observation) -> Observation:
    """The observation of who does not tell unknown from zero: a missing demand is none, one that comes back is true."""
    demand = np.nan_to_num(observation.demand)
    state = np.where(demand == 0.0, ZERO, VALUE).astype(np.int8)
    return replace(observation, demand=demand, demand_state=state, late=np.nan_to_num(observation.late))


def _ready_since(now: Floats, memory: SignalMemory, fleet: Fleet) -> Floats:
    """Replicas that were ready since the last tick; those that start in no time may have been so at once."""
    then = np.where(fleet.lead_s > 0.0, np.fmin(now, memory.ready), now)
    memory.ready = now
    return then


def _waits(queue: Floats, ready: Floats, fleet: Fleet) -> Bools:
    """Where who comes now waits so long in the queue that they are late."""
    out: Bools = queue > ready * fleet.arrivals_per_replica * fleet.late_after_s
    return out


def queue_growth(queue: Floats, age_s: Floats, memory: SignalMemory, now_s: float) -> Floats:
    """Requests a second by which each queue grew between its last two samples, NaN where unknown; remembers both.

    A sample that is read again says what it said before: ticks may be shorter than the time between two scrapes.
    """
    known = np.isfinite(queue)
    if not np.count_nonzero(known):
        return queue
    at_s = now_s - age_s
    elapsed_s = at_s - memory.queue_at_s
    fresh = known & ~(elapsed_s < SAME_SAMPLE_S)
    with np.errstate(invalid="ignore", divide="ignore"):
        memory.growth = np.where(fresh, (queue - memory.queue) / elapsed_s, memory.growth)
    memory.queue = np.where(fresh, queue, memory.queue)
    memory.queue_at_s = np.where(fresh, at_s, memory.queue_at_s)
    return np.where(known, memory.growth, np.nan)
