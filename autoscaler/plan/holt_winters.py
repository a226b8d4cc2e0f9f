"""Holt-Winters as a strategy: a fitted forecast for the time of serving, at a target utilization."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.holt_winters import DAYS_FITTED, SAMPLE_S, SEASON, HoltWintersFit, fit
from autoscaler.plan.planner import Proposal, View, floor_only

TARGET_UTILIZATION = 0.7


class HoltWinters:
    """Refitted once a day on the last week; the demand now until a fit exists."""

    uses_forecast = False
    holds = True

    def __init__(self) -> None:
        self._fits: list[HoltWintersFit | None] = []
        self._sample = 0

    def propose(self, view: View) -> Proposal:
        """The forecast over the target utilization."""
        self._learn(view)
        lead_s = view.fleet.node_lead_s + view.fleet.replica_lead_s
        ahead = (view.now_s - self._sample * SAMPLE_S + lead_s) / SAMPLE_S + 0.5
        then = [np.nan if f is None else f.forecast(float(a)) for f, a in zip(self._fits, ahead, strict=False)]
        wanted = np.array(then) if then else np.full(view.demand.shape, np.nan)
        return floor_only(np.where(np.isnan(wanted), view.demand, wanted) / TARGET_UTILIZATION, view.level)

    def _learn(self, view: View) -> None:
        bins = max(1, int(SAMPLE_S / view.history.bin_s))
        oldest = (view.history.last_bin + 1 - view.history.ring.shape[1]) // bins
        self._sample = max(self._sample, oldest)  # time may count from 1970
        while (self._sample + 1) * SAMPLE_S <= view.now_s:
            value = _mean(view.history.span(self._sample * bins, bins))
            self._sample += 1
            for row, fitted in enumerate(self._fits):
                if fitted is not None:
                    fitted.update(float(value[row]))
            if self._sample % SEASON == 0:
                self._refit(view, bins)

    def _refit(self, view: View, bins: int) -> None:
        count = min(self._sample, DAYS_FITTED * SEASON)
        span = view.history.span((self._sample - count) * bins, count * bins)
        samples = _mean(span.reshape(span.shape[0], count, bins))
        self._fits = [fit(samples[row]) for row in range(view.fleet.size)]


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    count = known.sum(axis=-1)
    total = np.where(known, values, 0.0).sum(axis=-1)
    out: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return out
