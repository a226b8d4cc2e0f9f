"""What an import brings: requests of each series on one even grid of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats

MAX_CELLS = 10_000_000
"""Steps of all series together: it bounds the memory that an import takes."""
MAX_SERIES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """`series`: name -> requests in each step [steps], NaN where nothing was captured; the only one may have no name.

    `start_s`: start of the first step, in seconds since 1970 (`absolute`) or from the start of the log.
    """

    step_s: float
    start_s: float
    absolute: bool
    series: Mapping[str, Floats]

    def known(self, name: str) -> slice:
        """The steps from the first of a series with data to its last; none where it has no data."""
        places = np.flatnonzero(np.isfinite(self.series[name]))
        return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0)

    def at_s(self, place: int) -> float:
        """When a step starts, seconds as those of `start_s`."""
        return round(self.start_s + place * self.step_s, 6)


def too_large(span_s: float, step_s: float, series: int) -> str:
    """Why a grid cannot be had, and the way out."""
    of = f" for each of {series} series" if series > 1 else ""
    return (
        f"from the first time to the last are {span_s / 86_400.0:,.4g} days, or {span_s / step_s:,.0f} steps of "
        f"{step_s:g} s{of}, more than {MAX_CELLS:,}; is a time wrong? Else choose a longer --step, or cut the files"
    )


def too_many_series(names: list[str]) -> str:
    """Why these are no names of series, and the way out."""
    shown = ", ".join(repr(name[:40]) for name in names[:3])
    return f"more than {MAX_SERIES} series ({shown}, ...); that is no name of a series: choose another --series-by"
