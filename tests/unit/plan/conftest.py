"""What planners and guards look at in one tick, from plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import Forecast
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.observation import Observation
from autoscaler.domain.signal import MISSING, SIGNALS, ZERO
from autoscaler.forecast.history import History
from autoscaler.plan.planner import View

if TYPE_CHECKING:
    from tests.unit.conftest import Core

TICK_S = 60.0
STEPS = 401


class Tick:
    """One tick at `now_s` of a fleet. Demand is known and healthy where it is a number, nothing is late."""

    def __init__(self, core: Core) -> None:
        self._core = core

    @staticmethod
    def forecast(centre: Any, deviation: float = 0.0, ceiling: float = 1e6) -> Forecast:
        """centre: [R] for both horizons, or [R, 2]. Errors are uniform within the deviation on either side."""
        middle = np.array(centre, dtype=np.float64)
        middle = np.stack([middle, middle], axis=1) if middle.ndim == 1 else middle
        errors = np.broadcast_to(np.linspace(-1.0, 1.0, STEPS), (*middle.shape, STEPS)).copy()
        return Forecast(middle, np.full(middle.shape, deviation), errors, np.full(middle.shape[0], ceiling))

    @staticmethod
    def history(demand: Any, from_s: float = 0.0, tick_s: float = TICK_S) -> History:
        """The demand of each tick, [T] or [W, T], the first of which ends at `from_s` + `tick_s`."""
        rows = np.atleast_2d(np.array(demand, dtype=np.float64))
        history = History.fresh(rows.shape[0], tick_s)
        for tick, column in enumerate(rows.T):
            history.add(from_s + (tick + 1) * tick_s, column)
        return history

    def observation(self, demand: Sequence[float], inventory: Inventory | None = None, now_s: float = 0.0,
                    late: Sequence[float] | None = None, state: Sequence[int] | None = None,
                    measured: bool = False) -> Observation:  # fmt: skip
        wanted: Floats = np.array(demand, dtype=np.float64)
        n, unknown = wanted.size, np.isnan(wanted)
        told = np.where(unknown, MISSING, np.where(wanted == 0.0, ZERO, 0)) if state is None else np.array(state)
        came_late = np.where(unknown, np.nan, 0.0) if late is None else np.array(late, dtype=np.float64)
        return Observation(
            now_s=now_s,
            states=np.zeros((n, SIGNALS), dtype=np.int8),
            values=np.zeros((n, SIGNALS)),
            demand=wanted,
            demand_state=told.astype(np.int8),
            demand_source=np.zeros(n, dtype=np.int8),
            late=came_late,
            late_is_measured=np.full(n, measured),
            pressed=came_late > 0.0,
            inventory=inventory or self._core.inventory([0] * n),
        )

    def view(self, demand: Sequence[float], fleet: Fleet | None = None, now_s: float = 0.0, level: Any = 0.0,
             history: History | None = None, forecast: Forecast | None = None, inventory: Inventory | None = None,
             tick_s: float = TICK_S) -> View:  # fmt: skip
        wanted: Floats = np.array(demand, dtype=np.float64)
        return View(
            now_s=now_s,
            tick_s=tick_s,
            fleet=fleet or self._core.fleet(wanted.size),
            observation=self.observation(demand, inventory, now_s),
            history=history or History.fresh(wanted.size, tick_s),
            forecast=forecast,
            demand=wanted,
            level=np.broadcast_to(np.array(level, dtype=np.float64), np.shape(level) or wanted.shape),
            severity=np.ones(wanted.size),
        )


@pytest.fixture(scope="session")
def tick(core: Core) -> Tick:
    """Builds views, observations, histories and forecasts."""
    return Tick(core)
