"""Puts one observation together: states, demand, late work."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.observation import Observation
from autoscaler.domain.signal import LATE_SHARE, QUEUE, SignalReadings
from autoscaler.observe.demand import demand_now
from autoscaler.observe.signals import SignalMemory, judge


def observe(
    now_s: float, readings: SignalReadings, inventory: Inventory, fleet: Fleet, memory: SignalMemory
) -> Observation:
    """The observation of this tick; updates the memory.

    Late work is the measured share of the demand where the policy names a query, else max(0, demand - ready): what
    came while capacity was not ready.
    """
    states, values = judge(readings, memory, now_s, fleet.stale_after_s)
    ready = inventory.ready.sum(axis=1).astype(np.float64)
    demand, demand_state, source = demand_now(states, values, ready, memory, fleet, now_s)
    measured = values[:, LATE_SHARE]
    is_measured = np.isfinite(measured)
    late = np.where(is_measured, np.minimum(measured, 1.0) * demand, np.maximum(demand - ready, 0.0))
    queue = values[:, QUEUE]
    known = np.isfinite(queue)
    with np.errstate(invalid="ignore"):
        growing = known & (queue > memory.queue)
        pressed = growing | (late > 0.0)
    memory.queue = np.where(known, queue, memory.queue)
    memory.queue_at_s = np.where(known, now_s, memory.queue_at_s)
    return Observation(
        now_s=now_s,
        states=states,
        values=values,
        demand=demand,
        demand_state=demand_state,
        demand_source=source,
        late=late,
        late_is_measured=is_measured,
        pressed=pressed,
        inventory=inventory,
    )
