"""What a query would have answered in the past, on a fixed grid: to rebuild history after a restart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.adapters.prometheus.aged import Series, several, stale_query
from autoscaler.adapters.prometheus.question import Question, Result
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.domain.arrays import Floats, Ints
from autoscaler.ports.errors import Invalid

LARGEST_POINTS = 11_000
"""Prometheus refuses a range query with more points a series."""
_BORDER = 1e-6
"""Share of a step by which the end may miss a point of the grid and still be one: rounding."""


@dataclass(frozen=True, slots=True)
class SampleGrid:
    """Point n is of `from_s + n x step_s` (seconds since the epoch).

    values: float [N], NaN where there was no answer, or one from samples that were too old. warnings: of the server,
    each once; not empty where the answer may be incomplete.
    """

    from_s: float
    step_s: float
    values: Floats
    warnings: tuple[str, ...]


class PrometheusHistory:
    """Asks piece by piece, so that no piece has more points than the server answers."""

    def __init__(self, server: PrometheusServer, piece_points: int = LARGEST_POINTS) -> None:
        self._server, self._piece_points = server, piece_points

    def history(self, query: str, from_s: float, until_s: float, step_s: float, stale_after_s: float) -> SampleGrid:
        """The query from `from_s` to `until_s`, both included, every `step_s` seconds (whole milliseconds); no point
        where they are the wrong way round. Samples older than `stale_after_s` seconds make a gap.

        Raises ValueError (a step below a millisecond), `Invalid` (the query, or several series at one time),
        `Forbidden`, `Unavailable`.
        """
        step_s = round(step_s, 3)
        if not step_s > 0.0:
            raise ValueError(f"step_s: {step_s} is below a millisecond")
        points = int((until_s - from_s) / step_s + _BORDER) + 1 if until_s >= from_s else 0
        question = Question(query, stale_query(query, stale_after_s))
        values = np.full(points, np.nan)
        warnings: dict[str, None] = {}
        for first in range(0, points, self._piece_points):
            piece = slice(first, min(first + self._piece_points, points))
            begin_s = from_s + first * step_s
            result = self._piece(question, begin_s, from_s + (piece.stop - 1) * step_s, step_s)
            warnings |= dict.fromkeys(result.warnings)
            _place(result.values, values[piece], begin_s, step_s)
            for stale in result.samples:
                values[piece][_points(stale, piece.stop - first, begin_s, step_s)[0]] = np.nan
        return SampleGrid(from_s, step_s, np.where(np.isfinite(values), values, np.nan), tuple(warnings))

    def _piece(self, question: Question, begin_s: float, end_s: float, step_s: float) -> Result:
        within_s = self._server.settings.history_s
        return question.put(lambda query: self._server.ask_range(query, begin_s, end_s, step_s, within_s))


def _place(found: list[Series], values: Floats, begin_s: float, step_s: float) -> None:
    """Writes the series into `values`: they may follow one another (a new label), but not stand side by side."""
    taken = np.zeros(values.size, dtype=bool)
    for series in found:
        points, numbers = _points(series, values.size, begin_s, step_s)
        if taken[points].any():
            raise Invalid(several(found))
        taken[points] = True
        values[points] = numbers


def _points(series: Series, size: int, begin_s: float, step_s: float) -> tuple[Ints, Floats]:
    """(points of the grid, numbers) of one series. Raises `Invalid` where it holds histograms."""
    if "values" not in series:
        raise Invalid("answers histograms, which are no numbers")
    pairs = np.array(series["values"], dtype=np.float64).reshape(-1, 2)
    points = np.rint((pairs[:, 0] - begin_s) / step_s).astype(np.int64)
    inside = (points >= 0) & (points < size)
    return points[inside], pairs[inside, 1]
