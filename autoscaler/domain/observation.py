"""What one tick knows of every workload, after the raw answers were judged."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.domain.arrays import Bools, Codes, Floats
from autoscaler.domain.inventory import Inventory

NO_SOURCE = -1


@dataclass(frozen=True, slots=True)
class Observation:
    """One tick, W workloads and S signals.

    states: `SignalState` codes [W, S]. values: float [W, S], NaN where missing.
    demand: float [W], offered work in replica units, NaN where no signal tells it.
    demand_state: `SignalState` codes [W] of the demand as a whole.
    demand_source: `SignalKind` codes [W] of the signal the demand was read from, `NO_SOURCE` where none.
    late: float [W], work that came late in this tick, in replica units; NaN where unknown.
    late_is_measured: bool [W], from telemetry, a late share or the wait in a queue (True), or estimated as
    max(0, demand - ready).
    pressed: bool [W], requests are late or the queue grows.
    """

    now_s: float
    states: Codes
    values: Floats
    demand: Floats
    demand_state: Codes
    demand_source: Codes
    late: Floats
    late_is_measured: Bools
    pressed: Bools
    inventory: Inventory
