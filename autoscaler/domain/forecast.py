"""Forecasts as data: a centre, a scale, and the empirical distribution of standardised errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autoscaler.domain.arrays import Floats, Ints

REPLICA_LEAD, WHOLE_LEAD = 0, 1
"""The horizons that planners ask for: when a replica on a warm node would serve, and one on a new node."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Demand of R series at H horizons.

    centre, scale: float [R, H], replica units (GPUs for pooled series); NaN where nothing was ever seen.
    errors: float [R, H, N], sorted standardised errors (actual - centre) / scale.
    ceiling: float [R], no quantile leaves above it.
    """

    centre: Floats
    scale: Floats
    errors: Floats
    ceiling: Floats

    def quantile(self, level: Floats, horizon: int, first: int = 0) -> Floats:
        """Demand at a horizon of the n series from `first`, not exceeded with probability `level`.

        level: float [..., n], 0..1. The answer has its shape, is monotone in the level and within [0, ceiling]; NaN
        where nothing was ever seen.
        """
        rows = slice(first, first + level.shape[-1])
        errors = self.errors[rows]
        last = errors.shape[2] - 1
        at = np.minimum(np.maximum(level, 0.0), 1.0) * last
        low = np.minimum(at.astype(np.int64), last - 1)
        below = _begins(errors.shape)[:, horizon] + low
        z_low, z_high = errors.take(below), errors.take(below + 1)
        z = z_low + (at - low) * (z_high - z_low)
        value = self.centre[rows, horizon] + self.scale[rows, horizon] * z
        out: Floats = np.minimum(np.maximum(value, 0.0), self.ceiling[rows])
        return out


@lru_cache(maxsize=16)
def _begins(shape: tuple[int, ...]) -> Ints:
    """Where each distribution of an array [R, H, N] begins in it as one row, int [R, H]."""
    return np.arange(0, shape[0] * shape[1] * shape[2], shape[2]).reshape(shape[:2])
