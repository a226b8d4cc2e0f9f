"""A recency-weighted seasonal profile: the usual demand at each bin of a day or a week, smoothed over neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.forecast.history import History

SMOOTHING_BINS = 11
LEARNING_RATE = 0.4


@dataclass(slots=True)
class Profile:
    """values: float [R, period], NaN where that bin of the season was never seen."""

    values: Floats

    @staticmethod
    def fresh(series: int, period: int) -> Profile:
        """A profile that has seen nothing."""
        return Profile(np.full((series, period), np.nan))

    def learn(self, at_bin: int, mean: Floats) -> None:
        """Moves one bin toward the smoothed demand there, float [R]; NaN teaches nothing."""
        at = at_bin % self.values.shape[1]
        old = self.values[:, at]
        moved = np.where(np.isnan(old), mean, old + LEARNING_RATE * (mean - old))
        self.values[:, at] = np.where(np.isnan(mean), old, moved)

    def at(self, bins: Ints) -> Floats:
        """Usual demand at the bins [R, H] (absolute numbers), float [R, H]."""
        rows = np.arange(self.values.shape[0])[:, None]
        out: Floats = self.values[rows, bins % self.values.shape[1]]
        return out

    def now(self, bin_number: int) -> Floats:
        """Usual demand at one bin, float [R]."""
        out: Floats = self.values[:, bin_number % self.values.shape[1]]
        return out


def smoothed(history: History) -> tuple[int, Floats]:
    """The bin half a smoothing window ago and the mean of its neighbourhood, float [R]; NaN where half of it is gap."""
    window = history.span(history.last_bin - SMOOTHING_BINS + 1, SMOOTHING_BINS)
    known = np.isfinite(window)
    count = known.sum(axis=1)
    mean = np.where(known, window, 0.0).sum(axis=1) / np.maximum(count, 1)
    return history.last_bin - SMOOTHING_BINS // 2, np.where(count > SMOOTHING_BINS // 2, mean, np.nan)
