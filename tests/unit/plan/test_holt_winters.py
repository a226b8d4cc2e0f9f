"""Holt-Winters: fitted once a day; without a usable fit it wants the demand now."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.holt_winters import SEASON, fit
from autoscaler.plan.holt_winters import TARGET_UTILIZATION, HoltWinters

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Tick

SAMPLE_S, DAY_S = 600.0, 86_400.0
NAN = math.nan


def wave(days: float) -> Floats:
    """Samples of ten minutes around 20, highest at six in the morning."""
    at = np.arange(round(days * SEASON))
    return 20.0 + 10.0 * np.sin(at / SEASON * 2.0 * np.pi)


def wanted(tick: Tick, planner: HoltWinters, samples: Floats, now_s: float, demand: float = 7.0) -> float:
    history = tick.history(np.atleast_2d(samples), tick_s=SAMPLE_S)
    view = tick.view([demand], now_s=now_s, history=history, tick_s=SAMPLE_S)
    return float(planner.propose(view).floor[0]) * TARGET_UTILIZATION


@pytest.mark.parametrize("days", [0.0, 1.0, 1.9])
def test_with_less_than_two_days_it_wants_the_demand_now(tick: Tick, days: float) -> None:
    assert wanted(tick, HoltWinters(), wave(days), days * DAY_S) == pytest.approx(7.0)


@pytest.mark.parametrize("hour", [0.0, 6.0, 18.0])
def test_it_forecasts_the_day_for_the_time_of_serving(tick: Tick, hour: float) -> None:
    days = 3.0 + hour / 24.0
    lead_samples = 300.0 / SAMPLE_S
    expected = 20.0 + 10.0 * math.sin((hour / 24.0 + lead_samples / SEASON) * 2.0 * math.pi)
    assert wanted(tick, HoltWinters(), wave(days), days * DAY_S) == pytest.approx(expected, abs=0.5)


def test_a_gap_after_the_fit_moves_time_on(tick: Tick) -> None:
    samples = wave(3.25)
    samples[3 * SEASON :] = NAN
    assert wanted(tick, HoltWinters(), samples, 3.25 * DAY_S) == pytest.approx(30.0, abs=0.5)


def test_where_only_a_gap_was_seen_it_wants_the_demand_now(tick: Tick) -> None:
    assert wanted(tick, HoltWinters(), np.full(3 * SEASON, NAN), 3 * DAY_S) == pytest.approx(7.0)


def test_it_never_wants_less_than_nothing(tick: Tick) -> None:
    samples = np.maximum(wave(3.75) - 25.0, 0.0)
    assert wanted(tick, HoltWinters(), samples, 3.75 * DAY_S) >= 0.0


@pytest.mark.parametrize(
    ("size", "fits"),
    [pytest.param(1e300, True, id="a fit that did not converge"), pytest.param(1e307, False, id="none")],
)
def test_numbers_that_cannot_be_fitted_leave_a_finite_wish(tick: Tick, size: float, fits: bool) -> None:
    samples = np.where(np.arange(2 * SEASON) % 7 == 0, size, 0.0)
    fitted = fit(samples)
    assert (fitted is not None) is fits
    assert fitted is None or not fitted.converged
    told = wanted(tick, HoltWinters(), samples, 2 * DAY_S)
    assert (0.0 <= told <= size) if fits else told == pytest.approx(7.0)


def test_it_begins_with_what_is_kept_where_time_counts_from_1970(tick: Tick) -> None:
    began_s = 20_000 * DAY_S
    history = tick.history(wave(3.0), began_s, SAMPLE_S)
    view = tick.view([7.0], now_s=began_s + 3 * DAY_S, history=history, tick_s=SAMPLE_S)
    assert HoltWinters().propose(view).floor[0] * TARGET_UTILIZATION == pytest.approx(20.0, abs=0.5)
