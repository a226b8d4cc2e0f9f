"""Recurring rises: told for many bins at once, they are what a look at each bin alone would tell."""

from __future__ import annotations

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.history import History
from autoscaler.forecast.recurrence import BEFORE_BINS, DAYS, EARLY_BINS, LATE_BINS, most_origins, recurring_rises

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


def plainly(demand: Floats, last_bin: int, ahead: int) -> list[list[float]]:
    """The law in plain loops: rises of each day, the least first, by series."""
    found = []
    for row in demand:
        rises = []
        for day in range(1, DAYS + 1):
            now = last_bin - 24 * day
            before = [row[b] if 0 <= b < row.size else np.nan for b in range(now - BEFORE_BINS + 1, now + 1)]
            then = range(now + ahead - EARLY_BINS, now + ahead + LATE_BINS + 1)
            most = max([0.0, *(row[b] for b in then if 0 <= b < row.size and np.isfinite(row[b]))])
            rises.append(max(most - min(before), 0.0) if np.isfinite(before).all() else 0.0)
        found.append(sorted(rises))
    return found


@pytest.mark.parametrize("bins", [20, 30, 24 * 5, 24 * 16 + 7])
@pytest.mark.parametrize("ahead", [1, 2, 5])
def test_many_bins_at_once_are_what_each_alone_would_be(bins: int, ahead: int) -> None:
    history, demand = filled(bins)
    origins = most_origins(history, ahead)
    told = recurring_rises(history, ahead, origins)
    for later in range(origins):
        expected = plainly(demand, history.last_bin + later, ahead)
        assert told[:, later].T.tolist() == [pytest.approx(rises) for rises in expected], later


def test_a_lead_of_a_day_leaves_one_bin_at_a_time() -> None:
    history, _ = filled(24)
    assert most_origins(history, 24) == 1
    assert most_origins(history, 2) == 24 - 2 - LATE_BINS
