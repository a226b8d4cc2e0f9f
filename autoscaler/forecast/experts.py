"""The experts: cheap forecasts of every series at every horizon, updated once a bin.

Each row of `NAMES` is one forecast; where an expert has nothing to say yet it repeats the level, so that a young
series is forecast by its last values alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.forecast.history import History
from autoscaler.forecast.profile import Profile, smoothed
from autoscaler.forecast.smoothing import smoothed_toward

EWMA_RATES = (1.0, 0.5, 0.25, 0.1, 0.05)
"""The first is the last value itself."""
RECENT_RATE = 0.07
TREND_DAMPING = 0.6
RATIO_LIMITS = (0.2, 5.0)
NAMES = (
    "last",
    "ewma-0.5",
    "ewma-0.25",
    "ewma-0.1",
    "trend",
    "day-increment",
    "day-half-increment",
    "day-ratio",
    "day-profile-level",
    "week-increment",
)


_RATES: Floats = np.array([*EWMA_RATES, RECENT_RATE])[:, None]
_MEAN_AGES_APART = 1.0 / EWMA_RATES[4] - 1.0 / EWMA_RATES[2]


@dataclass(slots=True)
class Experts:
    """levels: float [len(EWMA_RATES) + 1, R], the last the half-hour mean of demand. expected: float [R], the same of
    its daily profile.
    """

    levels: Floats
    expected: Floats
    day: Profile
    week: Profile

    @staticmethod
    def fresh(series: int, bins_a_day: int) -> Experts:
        """Experts that have seen nothing."""
        return Experts(
            levels=np.full((_RATES.size, series), np.nan),
            expected=np.full(series, np.nan),
            day=Profile.fresh(series, bins_a_day),
            week=Profile.fresh(series, 7 * bins_a_day),
        )

    def update(self, history: History, bin_number: int, value: Floats) -> None:
        """Learns a closed bin (float [R], NaN = gap: nothing is learned)."""
        self.levels = smoothed_toward(self.levels, value, _RATES)
        self.expected = smoothed_toward(self.expected, self.day.now(bin_number), RECENT_RATE)
        at_bin, mean = smoothed(history, bin_number)
        self.day.learn(at_bin, mean)
        self.week.learn(at_bin, mean)

    def predict(self, bin_number: int, horizons: Ints) -> Floats:
        """Forecasts of all `NAMES`, float [E, R, H], for `horizons` (int [R, H], bins after the last one learned)."""
        level = self.levels[:, :, None]
        last, soft, fast, slow, recent = level[0], level[1], level[2], level[4], level[5]
        bins = bin_number + horizons
        then, usual = self.day.at(bins), self.day.now(bin_number)[:, None]
        step = then - usual
        out = np.empty((len(NAMES), *horizons.shape))
        out[:4] = level[:4]
        out[4] = fast + TREND_DAMPING * ((fast - slow) / _MEAN_AGES_APART) * (horizons + 1.0 / EWMA_RATES[2])
        out[5] = last + step
        out[6] = soft + 0.5 * step
        out[7] = soft * _ratio(then, usual)
        out[8] = then * _ratio(recent, self.expected[:, None])
        out[9] = last + (self.week.at(bins) - self.week.now(bin_number)[:, None])
        unknown = np.isnan(out)
        return np.where(unknown, last, out) if np.count_nonzero(unknown) else out


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio = part / np.maximum(whole, 1e-9)
    out: Floats = np.minimum(np.maximum(ratio, RATIO_LIMITS[0]), RATIO_LIMITS[1])
    return out
