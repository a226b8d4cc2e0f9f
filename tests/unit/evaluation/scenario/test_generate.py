"""Generated traffic: each component has the shape that its description says, by the local clock; the seed decides."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.scenario.components import Component
from autoscaler.evaluation.scenario.generate import Minutes, generated

MONDAY, SATURDAY = date(2026, 3, 2), date(2026, 3, 7)
PER_MINUTE = 240.0
HOUR = 60


def replicas(
    *components: dict[str, Any], start: date = MONDAY, days: int = 1, zone: str = "UTC", dispersion: float = 0.0,
    seed: int = 1,
) -> Floats:  # fmt: skip
    parsed = [Component.model_validate(component) for component in components]
    minutes = Minutes.of(start, days * 24 * HOUR, ZoneInfo(zone), PER_MINUTE)
    return generated(parsed, minutes, dispersion, (seed, 0))


def test_a_level_is_the_same_at_all_times_and_levels_add_up() -> None:
    assert_array_equal(replicas({"level": {"replicas": 3}}, {"level": {"replicas": 0.5}}), np.full(1440, 3.5))


def test_a_shape_first_begins_from_one() -> None:
    assert replicas({"daily": {"peakHour": 12}}).max() == pytest.approx(1.0, abs=1e-4)


def test_what_multiplies_does_so_with_what_stands_above_it() -> None:
    launch, level = {"launch": {"at": "0s", "factor": 2}}, {"level": {"replicas": 3}}
    assert replicas(level, launch, level)[100] == 9.0


@pytest.mark.parametrize(
    ("shape", "hour", "share"),
    [
        pytest.param("wave", 14, 1.0, id="wave at its peak"),
        pytest.param("wave", 2, 0.2, id="wave at its trough"),
        pytest.param("wave", 8, 0.6, id="wave between"),
        pytest.param("office", 10, 1.0, id="office begins"),
        pytest.param("office", 17, 1.0, id="office is flat"),
        pytest.param("office", 9, 0.6, id="office on its slope"),
        pytest.param("office", 20, 0.2, id="office is closed"),
    ],
)
def test_a_day_has_its_shape(shape: str, hour: int, share: float) -> None:
    day = replicas({"daily": {"shape": shape, "peakHour": 14, "trough": "20%"}})
    assert day[hour * HOUR] == pytest.approx(share, abs=0.01)


def test_a_day_follows_the_local_clock_when_clocks_change() -> None:
    days = replicas({"daily": {"peakHour": 12}}, start=date(2026, 3, 28), days=2, zone="Europe/Berlin")
    assert [int(day.argmax()) // HOUR for day in (days[:1440], days[1440:])] == [10, 9]


def test_days_off_are_those_of_the_week_and_the_dates_that_are_said() -> None:
    week = replicas({"weekly": {"weekend": "25%", "holidays": ["2026-03-04"]}}, days=7).reshape(7, -1)
    assert week[:, 700].tolist() == [1.0, 1.0, 0.25, 1.0, 1.0, 0.25, 0.25]
    friday = replicas({"weekly": {"weekend": "0%", "days": ["fri"]}}, days=7).reshape(7, -1)
    assert friday[:, 700].tolist() == [1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0]


def test_a_burst_rises_lasts_and_falls() -> None:
    burst = replicas({"burst": {"at": ["2h"], "height": 8, "rise": "10m", "length": "20m", "fall": "40m"}})
    at = {minute: burst[2 * HOUR + minute] for minute in (-1, 0, 4, 10, 29, 50, 69, 70)}
    assert list(at.values()) == pytest.approx([0.0, 0.4, 3.6, 8.0, 8.0, 3.9, 0.1, 0.0])


def test_bursts_come_by_cron_in_local_time_also_those_from_before_the_begin() -> None:
    at_nine = replicas({"burst": {"every": "0 9 * * *", "height": 1, "length": "1h"}}, zone="Europe/Berlin")
    assert np.flatnonzero(at_nine).tolist() == list(range(8 * HOUR, 9 * HOUR))
    before = replicas({"burst": {"every": "30 0 * * *", "height": 1, "length": "2h"}}, zone="Europe/Berlin")
    assert np.flatnonzero(before)[:90].tolist() == list(range(90))


def test_of_bursts_by_chance_some_come() -> None:
    hourly = {"burst": {"every": "0 * * * *", "height": 1, "length": "1m", "chance": "50%"}}
    came = [int(replicas(hourly, seed=seed).sum()) for seed in range(8)]
    assert 8 * 24 * 0.35 < sum(came) < 8 * 24 * 0.65
    assert len(set(came)) > 1


def test_a_batch_window_has_its_requests_evenly() -> None:
    batch = replicas({"batchWindow": {"start": "0 2 * * *", "length": "50m", "requests": 24_000}})
    assert (batch * PER_MINUTE).sum() == pytest.approx(24_000)
    assert np.flatnonzero(batch).tolist() == list(range(120, 170))
    assert len(set(batch[120:170].tolist())) == 1


def test_batches_are_spread_within_the_share() -> None:
    daily = {"batchWindow": {"start": "0 2 * * *", "length": "60m", "requests": 60, "spread": "20%"}}
    sizes = (replicas(daily, days=20) * PER_MINUTE).reshape(20, -1).sum(axis=1)
    assert (sizes >= 48.0).all()
    assert (sizes <= 72.0).all()
    assert np.ptp(sizes) > 12.0


def test_a_launch_is_for_good_and_may_take_its_time() -> None:
    at_once = replicas({"launch": {"at": "1h", "factor": 3}})
    assert (at_once[59], at_once[60], at_once[-1]) == (1.0, 3.0, 3.0)
    slow = replicas({"launch": {"at": "1h", "factor": 3, "ramp": "2h"}})
    assert_allclose(slow[[59, 120, 180]], [1.0, 2.0, 3.0], atol=0.02)


def test_an_outage_takes_all_and_some_of_it_comes_again() -> None:
    level = {"level": {"replicas": 6}}
    lost = replicas(level, {"outage": {"at": "1h", "for": "30m"}})
    assert (lost[59], lost[60], lost[89], lost[90]) == (6.0, 0.0, 0.0, 6.0)
    again = replicas(level, {"outage": {"at": "1h", "for": "30m", "retries": "50%", "over": "10m"}})
    assert (again - lost)[90:100].sum() == pytest.approx(0.5 * 6.0 * 30.0)
    assert (np.diff(again[90:100]) < 0.0).all()
    assert_array_equal(again[100:], lost[100:])


def test_drift_grows_by_its_factor_each_day() -> None:
    days = replicas({"drift": {"factorADay": 1.5}}, days=3).reshape(3, -1)
    assert_allclose(days[1:] / days[:-1], 1.5)
    assert days[0, 0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize(
    ("shape", "first", "middle", "last"),
    [
        pytest.param("square", 2.0, 10.0, 10.0, id="square"),
        pytest.param("wave", 2.0, 10.0, 2.0, id="wave"),
        pytest.param("sawtooth", 2.0, 6.0, 10.0, id="sawtooth"),
    ],
)
def test_a_wave_of_any_period_repeats(shape: str, first: float, middle: float, last: float) -> None:
    wave = replicas({"periodic": {"period": "40m", "low": 2, "high": 10, "shape": shape}})
    assert_allclose(wave[[0, 20, 39]], [first, middle, last], atol=0.2)
    assert_allclose(wave[40:], wave[:-40])


def test_a_seed_decides_everything_that_is_drawn() -> None:
    level = {"level": {"replicas": 10}}
    one, same, other = (replicas(level, dispersion=0.05, seed=seed) for seed in (1, 1, 2))
    assert_array_equal(one, same)
    assert (one != other).any()


def test_drawn_minutes_are_whole_requests_around_what_is_said() -> None:
    minutes = replicas({"level": {"replicas": 10}}, days=20, dispersion=0.05)
    requests = minutes * PER_MINUTE
    assert_allclose(requests, requests.round(), atol=1e-6)
    assert minutes.mean() == pytest.approx(10.0, rel=0.03)
    assert minutes.var() / 100.0 == pytest.approx(0.05, rel=0.3)


def test_one_more_component_changes_no_luck_of_those_above_it() -> None:
    bursts = {"burst": {"every": "0 * * * *", "height": 1, "length": "1m", "chance": "50%"}}
    assert_array_equal(replicas(bursts), replicas(bursts, {"level": {"replicas": 1}}) - 1.0)
