"""The forecaster: history, experts, mixture and residuals behind two verbs, `learn` and `forecast`."""

from __future__ import annotations

import math
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

    made: float [B, E + 2, R, H], what was forecast at the last B origins, to be scored when its time comes: by the E
    experts, by their mixture, and its scale. due: for each remainder of a bin number by B, where in `made` lies what
    was forecast for that bin, int [E + 2, R, H].
    """

    history: History
    horizons: Ints
    due: list[Ints]
    experts: Experts
    mixture: Mixture
    residuals: Residuals
    made: Floats
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
        block = (count + 2, series, n)
        place = np.arange(math.prod(block)).reshape(block)
        residuals = Residuals.fresh(series, n, history.bin_s)
        empty = np.full((series, n), np.nan)
        return Forecaster(
            history=history,
            horizons=horizons,
            due=[place + (slot - horizons) % kept * place.size for slot in range(kept)],
            experts=Experts.fresh(series, history.day),
            mixture=Mixture.fresh(count, series, n, history.bin_s),
            residuals=residuals,
            made=np.full((kept, *block), np.nan),
            largest=np.zeros(series),
            current=Forecast(empty, residuals.scale(), residuals.sorted, np.zeros(series)),
        )

    def learn(self, now_s: float, demand: Floats) -> None:
        """Adds the demand seen up to `now_s` (float [R], NaN unknown) and forecasts anew for each bin it closes."""
        for bin_number, value in self.history.add(now_s, demand):
            self._score(bin_number, value)
            self.experts.update(self.history, bin_number, value)
            self.largest = np.fmax(self.largest, value)
            self._predict(bin_number)

    def _score(self, bin_number: int, value: Floats) -> None:
        due = self.made.take(self.due[bin_number % self.made.shape[0]])
        self.mixture.score(due[:-2], value)
        self.residuals.learn(due[-2], due[-1], value)

    def _predict(self, bin_number: int) -> None:
        ceiling = CEILING_FACTOR * self.largest
        forecasts = self.experts.predict(bin_number, self.horizons)
        forecasts = np.minimum(np.maximum(forecasts, 0.0), ceiling[:, None])
        centre = np.add.reduce(self.mixture.weights() * forecasts, axis=0)
        scale = self.residuals.scale()
        made = self.made[bin_number % self.made.shape[0]]
        made[:-2], made[-2], made[-1] = forecasts, centre, scale
        self.current = Forecast(centre, scale, self.residuals.sorted, ceiling)

    def forecast(self) -> Forecast:
        """The forecast from the newest closed bin."""
        return self.current
