"""Bins of demand: of one tick or of several, with gaps that stay gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autoscaler.forecast.history import History

NAN = math.nan


def closed(history: History, tick_s: float, demand: list[float]) -> list[tuple[int, float]]:
    seen = []
    for tick, value in enumerate(demand):
        seen += [(number, float(mean[0])) for number, mean in history.add((tick + 1) * tick_s, np.array([value]))]
    return seen


@pytest.mark.parametrize(
    ("tick_s", "demand", "bins"),
    [
        pytest.param(60.0, [1.0, NAN, 3.0], [1.0, NAN, 3.0], id="one tick a bin"),
        pytest.param(300.0, [1.0, NAN], [1.0, NAN], id="long ticks are bins"),
        pytest.param(20.0, [1.0, 2.0, 6.0, NAN, NAN, NAN, 5.0, NAN, 7.0], [3.0, NAN, 6.0], id="three ticks a bin"),
        pytest.param(30.0, [1.0, 3.0, 5.0], [2.0], id="an open bin is not told"),
    ],
)
def test_a_bin_is_the_mean_of_what_was_known(tick_s: float, demand: list[float], bins: list[float]) -> None:
    history = History.fresh(1, tick_s)
    seen = closed(history, tick_s, demand)
    assert [number for number, _ in seen] == list(range(len(bins)))
    assert [mean for _, mean in seen] == pytest.approx(bins, nan_ok=True)
    assert history.span(0, len(bins))[0].tolist() == pytest.approx(bins, nan_ok=True)


def test_bins_that_were_jumped_over_are_gaps() -> None:
    history = History.fresh(1, 60.0)
    history.add(60.0, np.array([4.0]))
    told = history.add(240.0, np.array([8.0]))
    assert [number for number, _ in told] == [1, 2, 3]
    assert history.span(-1, 5)[0].tolist() == pytest.approx([NAN, 4.0, NAN, NAN, 8.0], nan_ok=True)


def test_time_going_backwards_adds_nothing() -> None:
    history = History.fresh(1, 60.0)
    history.add(120.0, np.array([4.0]))
    assert history.add(60.0, np.array([9.0])) == []
    assert history.span(0, 2)[0].tolist() == pytest.approx([NAN, 4.0], nan_ok=True)


def test_only_the_newest_bins_are_kept() -> None:
    history = History.fresh(1, 21_600.0)
    length = history.ring.shape[1]
    closed(history, 21_600.0, [float(k) for k in range(length + 3)])
    span = history.span(0, length + 3)[0]
    assert np.isnan(span[:3]).all()
    assert span[3:].tolist() == [float(k) for k in range(3, length + 3)]
