"""Quantile: floors and room at a level of the forecast that the knob moves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.plan.quantile import Quantile, quantile_level

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Tick

KNOBS = st.floats(*Quantile.knob_limits)


def room(tick: Tick, knob: float) -> float:
    """Of a forecast that is uniform from 10 to 30."""
    view = tick.view([3.0], level=knob, forecast=tick.forecast([20.0], 10.0))
    return float(Quantile(shared_nodes=False).propose(view).room[0])


@pytest.mark.parametrize(("z", "level"), [(-2.0, 0.0228), (0.0, 0.5), (1.0, 0.8413), (1.645, 0.95), (2.6, 0.9953)])
def test_a_normal_score_is_a_level(z: float, level: float) -> None:
    assert quantile_level(np.array(z)) == pytest.approx(level, abs=2e-4)


@pytest.mark.parametrize(
    ("knob", "wanted"),
    [
        pytest.param(0.0, 10.0 + 20.0 * 0.8413, id="its own setting: one score above the middle"),
        pytest.param(-1.0, 20.0, id="the middle"),
        pytest.param(1.6, 10.0 + 20.0 * 0.9953, id="the highest level"),
        pytest.param(5.6, (10.0 + 20.0 * 0.9953) * 2.0, id="headroom beyond it"),
        pytest.param(-3.0, 10.0 + 20.0 * 0.0548, id="the lowest level"),
    ],
)
def test_the_knob_moves_the_level_and_then_headroom(tick: Tick, knob: float, wanted: float) -> None:
    assert room(tick, knob) == pytest.approx(wanted, abs=0.02)


@given(low=KNOBS, high=KNOBS)
def test_more_knob_is_never_less_room(tick: Tick, low: float, high: float) -> None:
    assert room(tick, min(low, high)) <= room(tick, max(low, high)) + 1e-9


def test_on_shared_nodes_the_floor_waits_for_the_replica_lead(tick: Tick) -> None:
    view = tick.view([3.0, 3.0], forecast=tick.forecast([[5.0, 12.0], [9.0, 4.0]]))
    proposal = Quantile(shared_nodes=True).propose(view)
    assert proposal.room.tolist() == [12.0, 4.0]
    assert proposal.floor.tolist() == [5.0, 4.0]
    assert Quantile(shared_nodes=False).propose(view).floor.tolist() == [12.0, 4.0]


def test_without_a_forecast_it_wants_the_demand_now(tick: Tick) -> None:
    view = tick.view([3.0, 6.0], forecast=tick.forecast([math.nan, 9.0]))
    proposal = Quantile(shared_nodes=True).propose(view)
    assert proposal.floor.tolist() == proposal.room.tolist() == [3.0, 9.0]


def test_no_quantile_leaves_the_ceiling_of_the_forecast(tick: Tick) -> None:
    view = tick.view([3.0], level=1.6, forecast=tick.forecast([20.0], 10.0, ceiling=24.0))
    assert Quantile(shared_nodes=False).propose(view).room.tolist() == [24.0]
