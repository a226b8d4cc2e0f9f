"""Ours: candidates run in shadow, the cheapest that meets the objective leads, with its knob."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.domain.observation import Observation
from autoscaler.forecast.history import History
from autoscaler.plan.ours import Ours
from autoscaler.plan.parts import PlanPart
from autoscaler.plan.planner import Proposal, View
from autoscaler.plan.reactive import Reactive

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick

TICK_S, DAY_S = 300.0, 86_400.0
DAY = round(DAY_S / TICK_S)
NO_RECURRING = frozenset({PlanPart.RECURRING})
"""The demand now is left against the forecast."""


@dataclass
class Lived:
    """Proposals of ours tick by tick on two workloads, the knob of the real loop at 0 all the time."""

    tick: Tick
    core: Core
    shared_nodes: bool = False
    without: frozenset[PlanPart] = frozenset()

    def run(self, ticks: int, demand: Callable[[int], list[float]], forecast: Floats, state: int = 0) -> list[Proposal]:
        ours, fleet = Ours(self.shared_nodes, self.without), self.core.fleet(2, node_lead_s=600.0, replica_lead_s=300.0)
        history, out = History.fresh(2, TICK_S), []
        for n in range(ticks):
            now = demand(n)
            history.add((n + 1) * TICK_S, np.array(now))
            seen: Observation = self.tick.observation(now, now_s=n * TICK_S, state=[state, state])
            view = View(
                n * TICK_S, TICK_S, fleet, seen, history, self.tick.forecast(forecast), np.array(now), np.zeros(2),
                np.ones(2),
            )  # fmt: skip
            out.append(ours.propose(view))
        return out


@pytest.fixture
def lived(tick: Tick, core: Core) -> Lived:
    return Lived(tick, core)


def steady(_: int) -> list[float]:
    return [5.0, 5.0]


def test_the_forecast_leads_until_a_day_has_shown_who_is_cheaper(lived: Lived) -> None:
    """For the first workload the forecast is far too high, for the second it is right."""
    told = lived.run(DAY + 1, steady, np.array([40.0, 5.0]))
    assert {float(p.floor[0]) for p in told[:DAY]} == {40.0}
    assert told[DAY].floor[0] < 8.0
    assert {float(p.floor[1]) for p in told} == {5.0}


def test_the_real_loop_goes_on_from_the_knob_of_the_new_leader(tick: Tick, core: Core) -> None:
    told = Lived(tick, core, without=NO_RECURRING).run(DAY + 2, steady, np.array([40.0, 5.0]))
    assert {p.knob is None for p in told[:DAY]} == {True}
    knob = told[DAY].knob
    assert knob is not None
    assert knob[0] != 0.0
    assert Reactive.knob_limits[0] <= knob[0] <= Reactive.knob_limits[1]
    assert knob[1] == 0.0  # the leader is the same there
    assert told[DAY + 1].knob is None


def test_a_new_leader_asks_at_once_for_what_its_own_knob_says(tick: Tick, core: Core) -> None:
    """The knob of the old leader, here at 0, would be another headroom: for one tick the floor would jump."""
    told = Lived(tick, core, without=NO_RECURRING).run(DAY + 1, steady, np.array([40.0, 5.0]))
    knob = told[DAY].knob
    assert knob is not None
    assert abs(knob[0]) > 0.1
    assert told[DAY].floor[0] == pytest.approx(5.0 * (1.0 + knob[0]), rel=0.02)


def test_a_forecast_that_is_too_low_loses_although_it_is_cheap(lived: Lived) -> None:
    told = lived.run(DAY + 1, lambda n: [5.0 + 5.0 * (n % 12 > 5)] * 2, np.array([0.5, 10.0]))
    assert told[0].floor[0] == 0.5
    assert told[DAY].floor[0] > 2.0
    assert told[DAY].floor[1] == 10.0


@pytest.mark.parametrize("state", [2, 3], ids=["missing", "recovering"])
def test_nobody_is_judged_on_what_is_not_known(lived: Lived, state: int) -> None:
    told = lived.run(DAY + 1, steady, np.array([40.0, 5.0]), state)
    assert told[DAY].floor[0] == 40.0


def test_unknown_demand_from_the_start_is_no_opinion(lived: Lived) -> None:
    told = lived.run(3, lambda _: [math.nan, 5.0], np.array([math.nan, 5.0]))
    assert np.isnan([p.floor[0] for p in told]).all()
    assert [p.floor[1] for p in told] == [5.0] * 3


def test_room_beyond_the_floor_is_the_forecasts_whoever_leads(tick: Tick, core: Core) -> None:
    told = Lived(tick, core, shared_nodes=True).run(DAY + 1, steady, np.array([[40.0, 46.0], [5.0, 8.0]]))
    assert (told[0].floor.tolist(), told[0].room.tolist()) == ([40.0, 5.0], [46.0, 8.0])
    assert told[DAY].floor[0] < 8.0
    assert told[DAY].room[0] - told[DAY].floor[0] == pytest.approx(6.0)
