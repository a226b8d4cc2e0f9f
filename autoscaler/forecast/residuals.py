"""Empirical quantiles of volatility-scaled residuals.

    r = actual - forecast;  a, b = discounted mean |r|, half-lives 90 min and 2 days, known when the forecast was made
    s = sqrt(max(a, b / 4) * b);  z = r / s, the last three days;  quantile = forecast + s * quantile of z

Scaled by the recent absolute error and never by the forecast itself, which explodes where demand falls to zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints

FAST_HALF_LIFE_S = 90 * 60.0
SLOW_HALF_LIFE_S = 2 * 86_400.0
KEPT_S = 3 * 86_400.0
REFRESH_S = 30 * 60.0
MINIMUM_SAMPLES = 120
LEVELS_KEPT = 401
"""Points of the stored error distribution: the levels 0, 1/400, ... 1."""


def _prior() -> Floats:
    level = np.linspace(0.0, 1.0, LEVELS_KEPT)
    side = np.maximum(1.0 - 2.0 * np.abs(level - 0.5), 2e-3)
    out: Floats = -np.sign(level - 0.5) * np.log(side)
    return out


@dataclass(slots=True)
class Residuals:
    """fast, slow: float [R, H]. begun: bool [R, H], an error was seen. kept: float32 [R, H, N], a ring of z.

    sorted: float [R, H, LEVELS_KEPT].
    """

    bin_s: float
    fast: Floats
    slow: Floats
    kept: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    count: Ints
    begun: Bools
    sorted: Floats

    @staticmethod
    def fresh(series: int, horizons: int, bin_s: float) -> Residuals:
        """No residuals yet: a Laplace law stands in until there are `MINIMUM_SAMPLES`."""
        shape = (series, horizons)
        return Residuals(
            bin_s=bin_s,
            fast=np.zeros(shape),
            slow=np.zeros(shape),
            kept=np.full((*shape, int(KEPT_S / bin_s)), np.nan, dtype=np.float32),
            count=np.zeros(series, dtype=np.int64),
            begun=np.zeros(shape, dtype=bool),
            sorted=np.broadcast_to(_prior(), (*shape, LEVELS_KEPT)).copy(),
        )

    def scale(self) -> Floats:
        """The scale s of errors now, float [R, H]."""
        out: Floats = np.sqrt(np.maximum(self.fast, 0.25 * self.slow) * self.slow)
        return out

    def learn(self, forecast: Floats, scale: Floats, actual: Floats) -> None:
        """Learns the error of forecasts [R, H] (made with `scale`) for the newest bin; unknown ones teach nothing."""
        error = actual[:, None] - forecast
        known = np.isfinite(error)
        size = np.abs(np.where(known, error, 0.0))
        first = known & ~self.begun
        self.begun |= known
        for name, half_life in (("fast", FAST_HALF_LIFE_S), ("slow", SLOW_HALF_LIFE_S)):
            old = getattr(self, name)
            rate = 1.0 - 0.5 ** (self.bin_s / half_life)
            setattr(self, name, np.where(first, size, np.where(known, old + rate * (size - old), old)))
        usable = known[:, 0] & (scale[:, 0] > 0.0)
        if usable.any():
            self._keep(error, scale, usable)

    def _keep(self, error: Floats, scale: Floats, usable: Bools) -> None:
        rows = np.flatnonzero(usable)
        slot = self.count[rows] % self.kept.shape[2]
        z = error[rows] / np.maximum(scale[rows], 1e-9)
        self.kept[rows, :, slot] = np.where(np.isfinite(z), z, np.nan)
        self.count[rows] += 1
        every = max(1, int(REFRESH_S / self.bin_s))
        due = rows[(self.count[rows] >= MINIMUM_SAMPLES) & ((self.count[rows] + rows) % every == 0)]
        for row in due:
            self._refresh(int(row))

    def _refresh(self, row: int) -> None:
        n = min(int(self.count[row]), self.kept.shape[2])
        ordered = np.sort(self.kept[row, :, :n], axis=1)
        ordered = ordered[:, : n - int(np.isnan(ordered).sum(axis=1).max())]
        if ordered.shape[1] >= MINIMUM_SAMPLES // 2:
            at = np.linspace(0, ordered.shape[1] - 1, LEVELS_KEPT)
            low = at.astype(np.int64)
            high = np.minimum(low + 1, ordered.shape[1] - 1)
            self.sorted[row] = ordered[:, low] + (at - low) * (ordered[:, high] - ordered[:, low])
