"""Fewer points for a chart: even bins over the scored ticks of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.evaluation.timeline import Numbers

MOST_POINTS = 2_000
_MINUTES = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60, 90, 120, 180, 240, 360, 720, 1440)
_LENGTHS_S = (10.0, 15.0, 20.0, 30.0, *(60.0 * minutes for minutes in _MINUTES))


@dataclass(frozen=True, slots=True)
class Bins:
    """The ticks [first, end) in bins of `ticks` each; the last bin may be shorter. from_s: the time of the first tick.

    Ticks that are not finite are missing: a bin without any other is NaN, so gaps stay gaps.
    """

    first: int
    end: int
    ticks: int
    from_s: float

    @staticmethod
    def over(time_s: Numbers, from_s: float, until_s: float, most: int = MOST_POINTS) -> Bins:
        """At most `most` bins over the ticks with `from_s` <= time < `until_s`; `time_s` [T] rises by even steps.

        A bin of several ticks is as long as a clock divides its hours and days, where the ticks allow it. Raises
        ValueError where there is no such tick.
        """
        first, end = (int(i) for i in np.searchsorted(time_s, [from_s, until_s]))
        if first >= end:
            raise ValueError(f"no tick from {from_s:g} s until {until_s:g} s; score another part")
        least = -(-(end - first) // most)
        step_s = float(time_s[first + 1] - time_s[first]) if end - first > 1 else 0.0
        return Bins(first, end, _even(least, step_s), float(time_s[first]))

    def mean(self, values: Numbers) -> Floats:
        """Mean of each bin [bins] of `values` [T]."""
        table, known = self._table(values)
        count = known.sum(axis=1)
        return np.where(count > 0, np.where(known, table, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)

    def total(self, values: Numbers) -> Floats:
        """Sum of each bin [bins]; the sum over all bins is that over the ticks."""
        table, known = self._table(values)
        return np.where(known.any(axis=1), np.where(known, table, 0.0).sum(axis=1), np.nan)

    def largest(self, values: Numbers) -> Floats:
        """Largest value of each bin [bins]."""
        table, known = self._table(values)
        return np.where(known.any(axis=1), np.where(known, table, -np.inf).max(axis=1), np.nan)

    def overall_mean(self, values: Numbers) -> float:
        """Mean over all known ticks, 0 where there is none."""
        table, known = self._table(values)
        return float(table[known].mean()) if known.any() else 0.0

    def _table(self, values: Numbers) -> tuple[Floats, Bools]:
        """The ticks as [bins, ticks a bin], and which of them are known."""
        part = np.asarray(values[self.first : self.end], dtype=np.float64)
        table = np.pad(part, (0, -part.size % self.ticks), constant_values=np.nan).reshape(-1, self.ticks)
        return table, np.isfinite(table)


def _even(least: int, step_s: float) -> int:
    """Ticks of a bin, `least` or somewhat more."""
    if least == 1 or step_s <= 0.0:
        return least
    for length_s in _LENGTHS_S:
        ticks = round(length_s / step_s)
        if ticks >= least and abs(ticks * step_s - length_s) < 1e-6 * length_s:
            return ticks
    return least
