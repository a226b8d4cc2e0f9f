"""Demand as the signals told it in the past, where nobody knows any more how many replicas were ready."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Codes, Floats
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.signal import QUEUE, SignalReadings
from autoscaler.observe.demand import demand_now
from autoscaler.observe.observation import queue_growth
from autoscaler.observe.signals import SignalMemory, judge


def past_demand(
    at_s: float, readings: SignalReadings, fleet: Fleet, memory: SignalMemory
) -> tuple[Floats, Codes]:  # fmt: skip
    """(demand, its state) [W] at one moment; updates the memory, which must not be that of the present.

    What cannot be told without the number of ready replicas (utilization alone, a queue without served requests) is
    missing.
    """
    states, values = judge(readings, memory, at_s, fleet.stale_after_s)
    growth = queue_growth(values[:, QUEUE], readings.age_s[:, QUEUE], memory, at_s)
    unknown = np.full(fleet.size, np.nan)
    demand, state, _ = demand_now(states, values, growth, unknown, np.zeros(fleet.size, dtype=bool), fleet)
    return demand, state
