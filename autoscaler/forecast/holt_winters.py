"""Holt-Winters from statsmodels: fitted once a day, then updated with its fitted parameters as demand comes in.

statsmodels is imported when the first fit is due, and nowhere else.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoscaler.domain.arrays import Floats

SAMPLE_S = 600.0
SEASON = int(86_400 / SAMPLE_S)
DAYS_FITTED = 7
FITTED = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")


@dataclass(slots=True)
class HoltWintersFit:
    """Additive, damped trend, daily season; `season` holds the next SEASON indices, the next one first."""

    level: float
    trend: float
    season: Floats
    alpha: float
    beta: float
    gamma: float
    phi: float
    converged: bool

    def update(self, value: float) -> None:
        """One more sample by the error-correction form (Hyndman et al. 2008, ETS(A,Ad,A)); NaN only moves time on."""
        fitted = self.level + self.phi * self.trend + self.season[0]
        error = value - fitted if np.isfinite(value) else 0.0
        self.level += self.phi * self.trend + self.alpha * error
        self.trend = self.phi * self.trend + self.alpha * self.beta * error
        self.season = np.append(self.season[1:], self.season[0] + self.gamma * error)

    def forecast(self, steps_ahead: float) -> float:
        """Demand `steps_ahead` samples (> 0) after the newest one, linear between samples, never negative."""
        low = int(np.floor(steps_ahead))
        steps = (max(low, 1), low + 1)
        values = [self.level + self.trend * self._damp(k) + self.season[(k - 1) % SEASON] for k in steps]
        part = min(max(steps_ahead - low, 0.0), 1.0)
        return max(0.0, float(values[0] + part * (values[1] - values[0])))

    def _damp(self, steps: int) -> float:
        return float(np.sum(self.phi ** np.arange(1, steps + 1)))


def fit(samples: Floats) -> HoltWintersFit | None:
    """Fits samples (float [N], gaps carried forward); None where there are less than two seasons or the fit fails."""
    known = np.isfinite(samples)
    if samples.size < 2 * SEASON or known.sum() < 2 * SEASON:
        return None
    index = np.maximum.accumulate(np.where(known, np.arange(samples.size), -1))
    filled = np.where(index >= 0, samples[np.maximum(index, 0)], samples[known][0])
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = ExponentialSmoothing(
                filled, trend="add", damped_trend=True, seasonal="add", seasonal_periods=SEASON,
                initialization_method="heuristic",
            )  # fmt: skip
            result: Any = model.fit()
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            return None
    p = result.params
    if not all(np.isfinite(p[k]) for k in FITTED):
        return None
    alpha = float(p["smoothing_level"])
    return HoltWintersFit(
        level=float(result.level[-1]),
        trend=float(result.trend[-1]),
        season=np.asarray(result.season[-SEASON:], dtype=np.float64),
        alpha=alpha,
        beta=float(p["smoothing_trend"]) / max(alpha, 1e-9),
        gamma=float(p["smoothing_seasonal"]),
        phi=float(p["damping_trend"]),
        converged=bool(result.mle_retvals.success),
    )
