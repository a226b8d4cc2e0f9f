"""A recency-weighted seasonal profile: the usual demand at each bin of a day or a week, smoothed over neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.forecast.history import History
from autoscaler.forecast.smoothing import smoothed_toward

SMOOTHING_BINS = 11
LEARNING_RATE = 0.4


@dataclass(slots=True)
class Profile:
    """values: float [period, R], NaN where that bin of the season was never seen. rows: int [R, 1], 0..R-1."""

    values: Floats
    rows: Ints

    @staticmethod
    def fresh(series: int, period: int) -> Profile:
        """A profile that has seen nothing."""
        return Profile(np.full((period, series), np.nan), np.arange(series)[:, None])

    def learn(self, at_bin: int, mean: Floats) -> None:
        """Moves one bin toward the smoothed demand there, float [R]; NaN teaches nothing."""
        at = at_bin % self.values.shape[0]
        self.values[at] = smoothed_toward(self.values[at], mean, LEARNING_RATE)

    def at(self, bins: Ints) -> Floats:
        """Usual demand at the bins [R, H] (absolute numbers), float [R, H]."""
        period, series = self.values.shape
        out: Floats = self.values.take(bins % period * series + self.rows)
        return out

    def now(self, bin_number: int) -> Floats:
        """Usual demand at one bin, float [R], not to be written to."""
        out: Floats = self.values[bin_number % self.values.shape[0]]
        return out


def smoothed(history: History, bin_number: int) -> tuple[int, Floats]:
    """The bin half a smoothing window before this one and the mean of its neighbourhood, float [R]; NaN where half of
    it is gap."""
    window = history.span(bin_number - SMOOTHING_BINS + 1, SMOOTHING_BINS)
    at_bin = bin_number - SMOOTHING_BINS // 2
    mean: Floats = np.add.reduce(window, axis=1) / SMOOTHING_BINS
    if not np.count_nonzero(np.isnan(mean)):
        return at_bin, mean
    known = np.isfinite(window)
    count = known.sum(axis=1)
    mean = np.where(known, window, 0.0).sum(axis=1) / np.maximum(count, 1)
    return at_bin, np.where(count > SMOOTHING_BINS // 2, mean, np.nan)
