"""The forecaster: history, experts, mixture and residuals behind two verbs, `learn` and `forecast`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.domain.forecast import Forecast
from autoscaler.forecast import experts as expert_set
from autoscaler.forecast.experts import Experts
from autoscaler.forecast.history import History
from autoscaler.forecast.mixture import Mixture
from autoscaler.forecast.residuals import Residuals

CEILING_FACTOR = 1.3
"""No forecast leaves above this times the largest demand ever seen."""


@dataclass(slots=True)
class Forecaster:
    """R series, H horizons in bins [R, H]; owned by the loop.

    made: float [B, E, R, H] and mixed, scales: float [B, R, H], the last B origins' forecasts, to be scored when
    their time comes.
    """

    history: History
    horizons: Ints
    rows: Ints
    cols: Ints
    experts: Experts
    mixture: Mixture
    residuals: Residuals
    made: Floats
    mixed: Floats
    scales: Floats
    largest: Floats
    current: Forecast

    @staticmethod
    def fresh(history: History, lead_s: Floats) -> Forecaster:
        """A forecaster for leads [R, H] in seconds.

        What serves from now + lead works in the bin that begins there, lead / bin + 1 bins after the newest closed one.
        """
        horizons = np.ceil(lead_s / history.bin_s - 1e-9).astype(np.int64) + 1
        series, n = horizons.shape
        kept = int(horizons.max()) + 1
        count = len(expert_set.NAMES)
        residuals = Residuals.fresh(series, n, history.bin_s)
        empty = np.full((series, n), np.nan)
        return Forecaster(
            history=history,
            horizons=horizons,
            rows=np.indices(horizons.shape)[0],
            cols=np.indices(horizons.shape)[1],
            experts=Experts.fresh(series, history.day),
            mixture=Mixture.fresh(count, series, n, history.bin_s),
            residuals=residuals,
            made=np.full((kept, count, series, n), np.nan),
            mixed=np.full((kept, series, n), np.nan),
            scales=np.full((kept, series, n), np.nan),
            largest=np.zeros(series),
            current=Forecast(empty, residuals.scale(), residuals.sorted, np.zeros(series)),
        )

    def learn(self, now_s: float, demand: Floats) -> None:
        """Adds the demand seen up to `now_s` (float [R], NaN unknown) and forecasts anew for each bin it closes."""
        for bin_number, value in self.history.add(now_s, demand):
            self._score(bin_number, value)
            self.experts.update(self.history, value)
            self.largest = np.fmax(self.largest, value)
            self._predict(bin_number)

    def _score(self, bin_number: int, value: Floats) -> None:
        rows, cols = self.rows, self.cols
        origin = (bin_number - self.horizons) % self.made.shape[0]
        self.mixture.score(np.moveaxis(self.made[origin, :, rows, cols], -1, 0), value)
        self.residuals.learn(self.mixed[origin, rows, cols], self.scales[origin, rows, cols], value)

    def _predict(self, bin_number: int) -> None:
        ceiling = CEILING_FACTOR * self.largest
        forecasts = self.experts.predict(self.history, self.horizons)
        forecasts = np.minimum(np.maximum(forecasts, 0.0), ceiling[:, None])
        centre = (self.mixture.weights() * forecasts).sum(axis=0)
        scale = self.residuals.scale()
        slot = bin_number % self.made.shape[0]
        self.made[slot], self.mixed[slot], self.scales[slot] = forecasts, centre, scale
        self.current = Forecast(centre, scale, self.residuals.sorted, ceiling)

    def forecast(self) -> Forecast:
        """The forecast from the newest closed bin."""
        return self.current
