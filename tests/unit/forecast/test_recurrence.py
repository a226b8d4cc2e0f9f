"""Recurring bursts: told for many bins at once, they are what a look at each bin alone would tell."""

from __future__ import annotations

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.history import History
from autoscaler.forecast.recurrence import DAYS, EARLY_BINS, LATE_BINS, QUANTILE, most_origins, recurring_demand

TICK_S = 3600.0


def filled(bins: int) -> tuple[History, Floats]:
    rng = np.random.default_rng(bins)
    demand = rng.gamma(2.0, 3.0, (2, bins))
    demand[1, rng.random(bins) < 0.1] = np.nan
    history = History.fresh(2, TICK_S)
    for number in range(bins):
        history.add((number + 1) * TICK_S, demand[:, number])
    assert history.last_bin == bins - 1
    return history, demand


def plainly(demand: Floats, last_bin: int, ahead: int) -> list[float]:
    """The law in plain loops."""
    found = []
    for row in demand:
        peaks = []
        for day in range(1, DAYS + 1):
            first = last_bin + 1 - EARLY_BINS - 24 * day
            bins = range(max(first, 0), first + EARLY_BINS + ahead + LATE_BINS)
            peaks.append(max([0.0, *(row[b] for b in bins if b < row.size and np.isfinite(row[b]))]))
        found.append(float(np.quantile(peaks, QUANTILE)))
    return found


@pytest.mark.parametrize("bins", [20, 30, 24 * 5, 24 * 16 + 7])
@pytest.mark.parametrize("ahead", [0, 1, 4])
def test_many_bins_at_once_are_what_each_alone_would_be(bins: int, ahead: int) -> None:
    history, demand = filled(bins)
    origins = most_origins(history, ahead)
    told = recurring_demand(history, ahead, origins)
    for later in range(origins):
        expected = plainly(demand, history.last_bin + later, ahead)
        assert told[later].tolist() == pytest.approx(expected), later


def test_a_lead_of_a_day_leaves_one_bin_at_a_time() -> None:
    history, _ = filled(24)
    assert most_origins(history, 24) == 1
    assert most_origins(history, 2) == 24 - EARLY_BINS - 2 - LATE_BINS
