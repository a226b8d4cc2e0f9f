"""After a restart: history from what the metric store remembers, and nothing let go that stands.

History goes through the same update path as live demand, so that a loop which has just begun forecasts like one that
was there all the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from autoscaler.controller.cycle import LoopState, teach
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.signal import SignalReadings
from autoscaler.forecast.history import DAY_S, DAYS_KEPT
from autoscaler.observe.past import past_demand
from autoscaler.observe.signals import SignalMemory
from autoscaler.ports.past import PastPort, PastReadings


def recall(
    state: LoopState, fleet: Fleet, past: PastPort, now_s: float, within_s: float, days: float = DAYS_KEPT
) -> tuple[str, ...]:
    """Fills a state that has learned nothing, bin by bin, up to now; what could not be read, one line each.

    within_s: how long the metric store may take. Raises `Unavailable` where it says nothing at all: the state is then
    as it was.
    """
    step_s = state.history.bin_s
    until_s = math.floor(now_s / step_s) * step_s
    found = past.past(until_s - days * DAY_S + step_s, until_s, step_s, within_s)
    memory = SignalMemory.fresh(fleet.size)
    for at_s, readings in _readings(found, fleet.size):
        demand, demand_state = past_demand(at_s, readings, fleet, memory)
        teach(state, fleet, at_s, demand, demand_state)
    return found.problems


def stand_by(state: LoopState, fleet: Fleet, inventory: Inventory, now_s: float) -> None:
    """Whoever begins to lead takes what stands for wanted a tick ago: it is released after its hold, not at once."""
    bound, pending = inventory.placeholder_counts()
    floor = inventory.floor.astype(np.float64)
    before_s = now_s - state.tick_s
    state.planning.floor_hold.keep(before_s, floor, fleet.whole_hold_s)
    state.planning.room_hold.keep(before_s, floor + (bound + pending).sum(axis=1), fleet.whole_hold_s)


def _readings(found: PastReadings, workloads: int) -> Iterator[tuple[float, SignalReadings]]:
    """Every moment from the first at which anything is known."""
    if not found.values:
        return
    rows, kinds = (np.array(part) for part in zip(*found.values, strict=True))
    grid = np.stack(list(found.values.values()))
    known = np.isfinite(grid).any(axis=0)
    first = int(known.argmax()) if known.any() else known.size
    for n in range(first, known.size):
        readings = SignalReadings.empty(workloads)
        readings.values[rows, kinds] = grid[:, n]
        readings.age_s[rows, kinds] = np.where(np.isfinite(grid[:, n]), 0.0, np.inf)
        yield float(found.at_s[n]), readings
