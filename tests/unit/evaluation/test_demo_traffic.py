"""Minutes drawn inside real hours."""

from __future__ import annotations

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.demo_traffic import hourly_to_minutes, load_burstgpt
from autoscaler.evaluation.trace import TraceError


def drawn(dispersion: float, memory_min: float = 8.0) -> Floats:
    return hourly_to_minutes(np.full(400, 60_000.0), np.random.default_rng(3), dispersion, memory_min)


def test_hours_keep_their_counts_and_gaps() -> None:
    hourly = np.array([600.0, np.nan, 0.0, 7.0])
    minutes = hourly_to_minutes(hourly, np.random.default_rng(0)).reshape(-1, 60)
    np.testing.assert_array_equal(minutes.sum(axis=1), hourly)
    assert np.isnan(minutes[1]).all()
    np.testing.assert_array_equal(hourly_to_minutes(hourly, np.random.default_rng(0)), minutes.reshape(-1))


def test_dispersion_and_memory_show() -> None:
    plain, rough, unsteady = drawn(0.0), drawn(0.15), drawn(0.15, 0.0)
    assert plain.var() / plain.mean() == pytest.approx(1.0, abs=0.15)
    assert rough.var() / rough.mean() > 20
    assert np.corrcoef(rough[:-1], rough[1:])[0, 1] > 0.6
    assert abs(np.corrcoef(unsteady[:-1], unsteady[1:])[0, 1]) < 0.1
    assert unsteady.std() / unsteady.mean() == pytest.approx(0.15**0.5, rel=0.1)


def test_burstgpt_is_the_real_count() -> None:
    assert load_burstgpt("burstgpt-conversation", 0, 3).tolist() == [38, 11, 23]
    assert load_burstgpt("burstgpt-api").size == 42 * 24
    with pytest.raises(ValueError, match="choose within 0 to 1008"):
        load_burstgpt("burstgpt-api", 1000, 9)
    with pytest.raises(TraceError, match="choose one of burstgpt-"):
        load_burstgpt("chat")


def test_unusable_counts_are_refused() -> None:
    for hourly in ([-1.0], [1.5]):
        with pytest.raises(ValueError, match="whole numbers"):
            hourly_to_minutes(np.array(hourly), np.random.default_rng(0))
    with pytest.raises(ValueError, match="must not be negative"):
        hourly_to_minutes(np.array([1.0]), np.random.default_rng(0), -0.1)
