"""Online mixture of experts by discounted inverse error, with a fixed share for the last value.

weight_k ~ (best_error / error_k) ** POWER for each series and horizon: it has no learning rate, and a shift of level
is followed at once because the last value always has a share.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints

POWER = 8.0
ERROR_HALF_LIFE_S = 12 * 3600.0
LAST_VALUE_SHARE = 0.01
REWEIGH_EVERY = 5
"""Bins between two computations of the weights: errors are discounted over half a day."""
YOUNG_S = 2 * 3600.0
"""A series younger than this is forecast by its last value alone."""


@dataclass(slots=True)
class Mixture:
    """errors: float [E, R, H], discounted mean absolute error of each expert; age: int [R], bins seen."""

    decay: float
    young_bins: int
    errors: Floats
    cached: Floats | None
    age: Ints
    scored: int = 0

    @staticmethod
    def fresh(experts: int, series: int, horizons: int, bin_s: float) -> Mixture:
        """A mixture that has scored nothing."""
        return Mixture(
            decay=float(0.5 ** (bin_s / ERROR_HALF_LIFE_S)),
            young_bins=int(YOUNG_S / bin_s),
            errors=np.zeros((experts, series, horizons)),
            cached=None,
            age=np.zeros(series, dtype=np.int64),
        )

    def score(self, forecasts: Floats, actual: Floats) -> None:
        """Scores forecasts [E, R, H] made for the newest bin against `actual` [R]; NaN scores nothing."""
        error = np.abs(forecasts - actual[:, None])
        known: Bools = np.isfinite(error[0])
        moved = self.decay * self.errors + (1 - self.decay) * error
        if np.count_nonzero(known) == known.size:
            self.errors = moved
            self.age += 1
        else:
            self.errors = np.where(known, moved, self.errors)
            self.age += np.isfinite(actual)
        self.scored += 1

    def weights(self) -> Floats:
        """Weights of the experts, float [E, R, H], each column summing to 1."""
        young = self.age < self.young_bins
        any_young = np.count_nonzero(young)
        if self.cached is not None and self.scored % REWEIGH_EVERY and not any_young:
            return self.cached
        floor = self.errors.min(axis=0) + 1e-9
        weight: Floats = (floor / (self.errors + 1e-9)) ** POWER
        weight /= weight.sum(axis=0)
        weight *= 1.0 - LAST_VALUE_SHARE
        weight[0] += LAST_VALUE_SHARE
        if any_young:
            weight[:, young] = 0.0
            weight[0, young] = 1.0
        self.cached = weight
        return weight
