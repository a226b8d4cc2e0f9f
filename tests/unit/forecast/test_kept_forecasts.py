"""A forecast that somebody keeps stays what it was, whatever is learned afterwards."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_array_equal

from autoscaler.domain.forecast import WHOLE_LEAD
from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.history import History

MINUTES = 240


def test_what_is_learned_later_does_not_change_a_forecast_that_was_made() -> None:
    forecaster = Forecaster.fresh(History.fresh(2, 60.0), np.array([[120.0, 300.0], [60.0, 180.0]]))
    demand = np.random.default_rng(5).gamma(4.0, 2.0, (2 * MINUTES, 2))
    for minute in range(MINUTES):
        forecaster.learn(60.0 * (minute + 1), demand[minute])
    kept = forecaster.forecast()
    parts = [part.copy() for part in (kept.centre, kept.scale, kept.errors, kept.ceiling)]
    high = kept.quantile(np.array([0.9, 0.99]), WHOLE_LEAD)
    for minute in range(MINUTES, 2 * MINUTES):
        forecaster.learn(60.0 * (minute + 1), demand[minute])
    later = forecaster.forecast()
    assert not np.array_equal(later.errors, parts[2])
    for part, before in zip((kept.centre, kept.scale, kept.errors, kept.ceiling), parts, strict=True):
        assert_array_equal(part, before)
    assert_array_equal(kept.quantile(np.array([0.9, 0.99]), WHOLE_LEAD), high)
