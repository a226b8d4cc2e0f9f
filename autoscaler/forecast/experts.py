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


@dataclass(slots=True)
class Experts:
    """levels: float [len(EWMA_RATES), R]. recent, expected: float [R], half-hour means of demand and of its profile."""

    levels: Floats
    recent: Floats
    expected: Floats
    day: Profile
    week: Profile

    @staticmethod
    def fresh(series: int, bins_a_day: int) -> Experts:
        """Experts that have seen nothing."""
        return Experts(
            levels=np.full((len(EWMA_RATES), series), np.nan),
            recent=np.full(series, np.nan),
            expected=np.full(series, np.nan),
            day=Profile.fresh(series, bins_a_day),
            week=Profile.fresh(series, 7 * bins_a_day),
        )

    def update(self, history: History, value: Floats) -> None:
        """Learns the newest closed bin (float [R], NaN = gap: nothing is learned)."""
        rates = np.array(EWMA_RATES)[:, None]
        moved = self.levels + rates * (value - self.levels)
        moved = np.where(np.isnan(self.levels), value, moved)
        self.levels = np.where(np.isnan(value), self.levels, moved)
        usual = self.day.now(history.last_bin)
        self.recent = _move(self.recent, value)
        self.expected = _move(self.expected, usual)
        at_bin, mean = smoothed(history)
        self.day.learn(at_bin, mean)
        self.week.learn(at_bin, mean)

    def predict(self, history: History, horizons: Ints) -> Floats:
        """Forecasts of all `NAMES`, float [E, R, H], for `horizons` (int [R, H], bins after the newest closed one)."""
        bins = history.last_bin + horizons
        level = self.levels[:, :, None]
        last, soft, fast, slow = level[0], level[1], level[2], level[4]
        slope = (fast - slow) / (1.0 / EWMA_RATES[4] - 1.0 / EWMA_RATES[2])
        then, usual = self.day.at(bins), self.day.now(history.last_bin)[:, None]
        step = then - usual
        out = np.empty((len(NAMES), *horizons.shape))
        out[:4] = level[:4]
        out[4] = fast + TREND_DAMPING * slope * (horizons + 1.0 / EWMA_RATES[2])
        out[5] = last + step
        out[6] = soft + 0.5 * step
        out[7] = soft * _ratio(then, usual)
        out[8] = then * _ratio(self.recent, self.expected)[:, None]
        out[9] = last + (self.week.at(bins) - self.week.now(history.last_bin)[:, None])
        return np.where(np.isnan(out), last, out)


def _ratio(part: Floats, whole: Floats) -> Floats:
    ratio = part / np.maximum(whole, 1e-9)
    out: Floats = np.minimum(np.maximum(ratio, RATIO_LIMITS[0]), RATIO_LIMITS[1])
    return out


def _move(level: Floats, value: Floats) -> Floats:
    moved = np.where(np.isnan(level), value, level + RECENT_RATE * (value - level))
    return np.where(np.isnan(value), level, moved)
