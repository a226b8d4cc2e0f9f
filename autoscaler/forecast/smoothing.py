"""Exponential smoothing that begins at the first known value and passes over unknown ones."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats


def smoothed_toward(level: Floats, value: Floats, rate: Floats | float) -> Floats:
    """`level` moved toward `value` by `rate`: the value itself where there is no level, the level where no value."""
    moved: Floats = level + rate * (value - level)
    unknown = np.isnan(moved)
    if np.count_nonzero(unknown):
        moved = np.where(unknown, np.where(np.isnan(level), value, level), moved)
    return moved
