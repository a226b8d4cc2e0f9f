"""A loop that observes and does nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.observation import Observation
from autoscaler.domain.signal import SignalReadings
from autoscaler.observe.observation import observe
from autoscaler.observe.signals import SignalMemory

Watch = Callable[[Fleet], "Watching"]
"""(fleet) -> a loop that has seen nothing."""


class Watching:
    """Observes one fleet tick by tick."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet, self._memory = fleet, SignalMemory.fresh(fleet.size)

    def see(self, now_s: float, readings: SignalReadings, inventory: Inventory) -> Observation:
        return observe(now_s, readings, inventory, self._fleet, self._memory)


@pytest.fixture(scope="session")
def watch() -> Watch:
    """Begins to observe a fleet."""
    return Watching
