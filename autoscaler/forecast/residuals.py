"""Empirical quantiles of volatility-scaled residuals.

    r = actual - forecast;  a, b = discounted mean |r|, half-lives 90 min and 2 days, known when the forecast was made
    s = sqrt(max(a, b / 4) * b);  z = r / s, the last three days;  quantile = forecast + s * quantile of z

Scaled by the recent absolute error and never by the forecast itself, which explodes where demand falls to zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.forecast.smoothing import smoothed_toward

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


def are_learned(errors: Floats) -> bool:
    """Whether distributions of standardised errors, float [..., LEVELS_KEPT], were all learned: none is the prior."""
    return not bool((errors == _prior()).all(axis=-1).any())


@dataclass(slots=True)
class Residuals:
    """R series, H horizons.

    sizes: float [2, R, H], the mean absolute errors a and b, NaN before the first; rates: float [2, 1, 1] of a bin.
    kept: float32 [R, H, N], a ring of z; place: int [R, H], where each ring begins in `kept` as one row.
    count: int [R], how many z were kept; turn: int [R], the same since the last refresh of `sorted`, which begins
    apart so that the series take turns.
    sorted: float [R, H, LEVELS_KEPT].
    """

    rates: Floats
    refresh_bins: int
    sizes: Floats
    kept: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
    place: Ints
    count: Ints
    turn: Ints
    sorted: Floats

    @staticmethod
    def fresh(series: int, horizons: int, bin_s: float) -> Residuals:
        """No residuals yet: a Laplace law stands in until there are `MINIMUM_SAMPLES`."""
        shape, length = (series, horizons), int(KEPT_S / bin_s)
        half_lives, refresh_bins = np.array([FAST_HALF_LIFE_S, SLOW_HALF_LIFE_S]), max(1, int(REFRESH_S / bin_s))
        return Residuals(
            rates=(1.0 - 0.5 ** (bin_s / half_lives))[:, None, None],
            refresh_bins=refresh_bins,
            sizes=np.full((2, *shape), np.nan),
            kept=np.full((*shape, length), np.nan, dtype=np.float32),
            place=np.arange(series * horizons).reshape(shape) * length,
            count=np.zeros(series, dtype=np.int64),
            turn=np.arange(series) % refresh_bins,
            sorted=np.broadcast_to(_prior(), (*shape, LEVELS_KEPT)).copy(),
        )

    def scale(self) -> Floats:
        """The scale s of errors now, float [R, H]; 0 before the first error."""
        fast, slow = self.sizes[0], self.sizes[1]
        out: Floats = np.sqrt(np.maximum(fast, 0.25 * slow) * slow)
        unknown = np.isnan(out)
        if np.count_nonzero(unknown):
            out[unknown] = 0.0
        return out

    def learn(self, forecast: Floats, scale: Floats, actual: Floats) -> None:
        """Learns the error of forecasts [R, H] (made with `scale`) for the newest bin; unknown ones teach nothing.

        A series is kept from when every horizon has a scale: the longer one begins later.
        """
        error = actual[:, None] - forecast
        self.sizes = smoothed_toward(self.sizes, np.abs(error), self.rates)
        usable = np.logical_and.reduce(np.isfinite(error) & (scale > 0.0), axis=1)
        if np.count_nonzero(usable):
            self._keep(error / np.maximum(scale, 1e-9), usable)

    def _keep(self, z: Floats, usable: Bools) -> None:
        place = self.place + (self.count % self.kept.shape[2])[:, None]
        kept: Bools | int = 1
        if np.count_nonzero(usable) < usable.size:
            place, z, kept = place[usable], z[usable], usable
        self.kept.put(place, z)
        self.count += kept
        self.turn += kept
        due = (self.turn == self.refresh_bins).nonzero()[0]
        self.turn[due] = 0
        if due.size:
            self.sorted = self.sorted.copy()  # forecasts that were made keep the old one
        for row in due.tolist():
            self._refresh(row)

    def _refresh(self, row: int) -> None:
        if self.count[row] < MINIMUM_SAMPLES:
            return
        n = min(int(self.count[row]), self.kept.shape[2])
        ordered = np.sort(self.kept[row, :, :n], axis=1)  # NaN last
        known = n - int(np.isnan(ordered).sum(axis=1).max())
        if known >= MINIMUM_SAMPLES // 2:
            low, high, part = _positions(known)
            below = ordered.take(low, axis=1)
            self.sorted[row] = below + part * (ordered.take(high, axis=1) - below)


@lru_cache(maxsize=64)
def _positions(samples: int) -> tuple[Ints, Ints, Floats]:
    """Where the stored levels lie among sorted samples: the neighbours, and the part of the way between them."""
    at = np.linspace(0, samples - 1, LEVELS_KEPT)
    low = at.astype(np.int64)
    return low, np.minimum(low + 1, samples - 1), at - low
