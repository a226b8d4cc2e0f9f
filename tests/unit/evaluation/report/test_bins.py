"""Bins of a chart: what they keep of the ticks, and that gaps stay gaps."""

from __future__ import annotations

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.report.bins import Bins

TIME_S: Floats = 60.0 * np.arange(100, dtype=np.float64)


def test_sums_means_and_largest_of_known_ticks() -> None:
    values = np.arange(100.0)
    values[[12, 20, 21, 22, 23, 24]] = np.nan
    bins = Bins.over(TIME_S, 600.0, 98 * 60.0, most=18)
    assert (bins.first, bins.end, bins.ticks, bins.from_s) == (10, 98, 5, 600.0)
    assert bins.total(values)[:3] == pytest.approx([10 + 11 + 13 + 14, 85, np.nan], nan_ok=True)
    assert bins.mean(values)[:3] == pytest.approx([12.0, 17.0, np.nan], nan_ok=True)
    assert bins.largest(values)[:3] == pytest.approx([14.0, 19.0, np.nan], nan_ok=True)
    assert bins.mean(values)[-1] == pytest.approx(96.0)  # 95, 96, 97: the last bin is shorter


@pytest.mark.parametrize("most", [1, 7, 88, 2000])
def test_a_total_survives_and_points_are_bounded(most: int) -> None:
    values = np.random.default_rng(1).random(100)
    bins = Bins.over(TIME_S, 600.0, 98 * 60.0, most)
    assert len(bins.total(values)) <= most
    assert bins.total(values).sum() == pytest.approx(values[10:98].sum())
    assert bins.overall_mean(values) == pytest.approx(values[10:98].mean())


@pytest.mark.parametrize(
    ("step_s", "ticks", "bin_ticks"),
    [
        pytest.param(60.0, 2000, 1, id="few enough"),
        pytest.param(60.0, 14_000, 10, id="seven minutes become ten"),
        pytest.param(15.0, 40_320, 24, id="five and a quarter minutes become six"),
        pytest.param(7.0, 6000, 3, id="no even length fits"),
        pytest.param(86_400.0, 6000, 3, id="longer than all of them"),
    ],
)
def test_a_bin_is_as_long_as_a_clock_divides(step_s: float, ticks: int, bin_ticks: int) -> None:
    time_s = step_s * np.arange(ticks, dtype=np.float64)
    assert Bins.over(time_s, 0.0, ticks * step_s).ticks == bin_ticks


def test_a_part_without_ticks_is_refused() -> None:
    with pytest.raises(ValueError, match="no tick from 9000 s"):
        Bins.over(TIME_S, 9000.0, 9900.0)
