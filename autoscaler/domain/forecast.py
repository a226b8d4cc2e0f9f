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

    def quantile(self, level: Floats) -> Floats:
        """Demand that is not exceeded with probability `level` (float [R], 0..1) at each horizon, float [R, H].

        Monotone in the level, within [0, ceiling]; NaN where nothing was ever seen.
        """
        n = self.errors.shape[2]
        at = np.clip(level, 0.0, 1.0) * (n - 1)
        low = np.minimum(at.astype(np.int64), n - 2)
        part = (at - low)[:, None]
        rows = np.arange(level.shape[0])
        z_low, z_high = self.errors[rows, :, low], self.errors[rows, :, low + 1]
        value = self.centre + self.scale * (z_low + part * (z_high - z_low))
        out: Floats = np.minimum(np.maximum(value, 0.0), self.ceiling[:, None])
        return out
