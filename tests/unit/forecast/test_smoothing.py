"""Exponential smoothing with unknowns on either side."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autoscaler.forecast.smoothing import smoothed_toward

NAN = math.nan


@pytest.mark.parametrize(
    ("level", "value", "expected"),
    [
        pytest.param([2.0, 4.0], [6.0, 4.0], [3.0, 4.0], id="all known"),
        pytest.param([2.0, NAN], [6.0, 5.0], [3.0, 5.0], id="the first value is the level"),
        pytest.param([2.0, 4.0], [NAN, 8.0], [2.0, 5.0], id="an unknown value keeps the level"),
        pytest.param([NAN, 4.0], [NAN, 8.0], [NAN, 5.0], id="nothing known yet"),
    ],
)
def test_a_level_moves_by_the_rate_where_both_are_known(
    level: list[float], value: list[float], expected: list[float]
) -> None:
    moved = smoothed_toward(np.array(level), np.array(value), 0.25)
    assert moved.tolist() == pytest.approx(expected, nan_ok=True)
