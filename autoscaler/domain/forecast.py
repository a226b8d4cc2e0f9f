"""Forecasts as data: a centre, a scale, and the empirical distribution of standardised errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats


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

    def quantile(self, level: Floats, first: int = 0) -> Floats:
        """Demand of the n series from `first` that is not exceeded with probability `level` at each horizon.

        level: float [..., n], 0..1. The answer, float [..., n, H], is monotone in the level and within [0, ceiling];
        NaN where nothing was ever seen.
        """
        rows = np.arange(first, first + level.shape[-1])
        last = self.errors.shape[2] - 1
        at = np.minimum(np.maximum(level, 0.0), 1.0) * last
        low = np.minimum(at.astype(np.int64), last - 1)
        z_low, z_high = self.errors[rows, :, low], self.errors[rows, :, low + 1]
        z = z_low + (at - low)[..., None] * (z_high - z_low)
        value = self.centre[rows] + self.scale[rows] * z
        out: Floats = np.minimum(np.maximum(value, 0.0), self.ceiling[rows, None])
        return out
