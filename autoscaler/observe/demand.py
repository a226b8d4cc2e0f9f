"""Demand in replica units, from the best healthy signal.

Order: arrivals; growth of the queue + what is served; running requests; GPU utilization. Served throughput alone is
never demand: it saturates at the capacity that is there.
"""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Bools, Codes, Floats, Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.observation import NO_SOURCE
from autoscaler.domain.signal import ARRIVALS, GPU_UTILIZATION, MISSING, QUEUE, RECOVERING, RUNNING, SERVED, ZERO

DRAIN_S = 60.0
"""A standing queue counts as the demand that would drain it in this time."""

SOURCES = (ARRIVALS, QUEUE, RUNNING, GPU_UTILIZATION)


def demand_by_source(values: Floats, growth: Floats, ready: Floats, unserved: Bools, fleet: Fleet) -> Floats:
    """Demand as each of `SOURCES` tells it, float [4, W], NaN where it cannot.

    growth: float [W], of the queue a second. unserved: see `nobody_serves`. Utilization tells nothing of GPUs that
    nobody is ready on.
    """
    arrivals = values[:, ARRIVALS] / fleet.arrivals_per_replica
    busy = np.where(ready > 0.0, ready, np.nan) * values[:, GPU_UTILIZATION] / fleet.utilization_per_replica
    queue = values[:, QUEUE]
    served = values[:, SERVED] / fleet.arrivals_per_replica
    served = np.where(np.isnan(served), np.where(unserved, 0.0, busy), served)
    waiting = np.fmax(growth, queue / DRAIN_S) / fleet.arrivals_per_replica
    from_queue = np.maximum(served + waiting, 0.0)
    running = values[:, RUNNING] / fleet.concurrency_per_replica
    return np.stack([arrivals, from_queue, running, busy])


def nobody_serves(queue: Floats, ready: Floats, asked: Ints) -> Bools:
    """Where nothing is served, whatever else is unknown, bool [W]: the way back from zero begins here.

    asked: int [W], replicas asked for. Where there should be some and none is ready, an empty queue tells nothing: who
    finds nobody ready may not even queue.
    """
    out: Bools = (ready == 0.0) & ((queue > 0.0) | (asked == 0))
    return out


def source_states(states: Codes, unserved: Bools) -> Codes:
    """`SignalState` codes [4, W] of `SOURCES`: the worst state among the signals that a source needs."""
    queue, gpu = states[:, QUEUE], states[:, GPU_UTILIZATION]
    served = states[:, SERVED]
    served = np.where(served == MISSING, np.where((gpu == MISSING) & unserved, queue, gpu), served)
    from_queue = np.where(queue == MISSING, queue, np.maximum(queue, served))
    from_queue = np.where(served == MISSING, served, from_queue)
    return np.stack([states[:, ARRIVALS], from_queue, states[:, RUNNING], gpu])


def best_demand(candidates: Floats, states: Codes) -> tuple[Floats, Codes, Codes]:
    """(demand, state, source) [W] of the first healthy source, else the first recovering one, else nothing."""
    usable = (states != MISSING) & np.isfinite(candidates)
    rank = np.where(usable, np.where(states == RECOVERING, 1, 0), 2) * len(SOURCES)
    rank = rank + np.arange(len(SOURCES))[:, None]
    pick = rank.argmin(axis=0)
    columns = np.arange(candidates.shape[1])
    known = usable[pick, columns]
    demand = np.where(known, candidates[pick, columns], np.nan)
    state = states[pick, columns]
    state = np.where(known & (state != RECOVERING), np.where(demand == 0.0, 1, 0), state)
    state = np.where(known, state, MISSING).astype(np.int8)
    source = np.where(known, np.array(SOURCES, dtype=np.int8)[pick], NO_SOURCE).astype(np.int8)
    return demand, state, source


def demand_now(
    states: Codes, values: Floats, growth: Floats, ready: Floats, unserved: Bools, fleet: Fleet
) -> tuple[Floats, Codes, Codes]:
    """(demand, state, source) [W]; the other sources are looked at only where some arrivals are not healthy."""
    arrivals = values[:, ARRIVALS] / fleet.arrivals_per_replica
    healthy = (states[:, ARRIVALS] <= ZERO) & np.isfinite(arrivals)
    if np.count_nonzero(healthy) == healthy.size:
        return arrivals, states[:, ARRIVALS], np.full(arrivals.size, ARRIVALS, dtype=np.int8)
    candidates = demand_by_source(values, growth, ready, unserved, fleet)
    return best_demand(candidates, source_states(states, unserved))
