"""What an import brought, in figures: one line a series."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoscaler.evaluation.trace import Trace
from autoscaler.evaluation.trace_import.grid import Grid
from autoscaler.evaluation.trace_import.trace_csv import written_time


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """One series from its first step with data to its last.

    `start` and `end`: the first step's start and the last one's end, as the file's column of times would hold them.
    `requests` in all, `peak` in the busiest step, which starts at `peak_at`; `missing_steps` in `gaps` gaps, of which
    `gap_note` tells the longest in a sentence (None without).
    """

    series: str
    steps: int
    start: str
    end: str
    requests: float
    peak: float
    peak_at: str
    missing_steps: int
    gaps: int
    gap_note: str | None

    def to_dict(self) -> dict[str, Any]:
        """Fields by name, for JSON."""
        return dataclasses.asdict(self)


def summaries(grid: Grid) -> list[SeriesSummary]:
    """A summary of each series, the busiest first."""
    found = [_summary(grid, name) for name in grid.series]
    return sorted(found, key=lambda s: (-s.requests, s.series))


def _summary(grid: Grid, name: str) -> SeriesSummary:
    known = grid.known(name)
    values = grid.series[name][known]
    missing = np.isnan(values)
    busiest = int(np.nanargmax(values))
    trace = Trace(name or "the trace", name or None, grid.step_s, grid.at_s(known.start), values)
    return SeriesSummary(
        series=name,
        steps=int(values.size),
        start=written_time(grid, grid.at_s(known.start)),
        end=written_time(grid, grid.at_s(known.stop)),
        requests=round(float(np.nansum(values)), 6),
        peak=round(float(values[busiest]), 6),
        peak_at=written_time(grid, grid.at_s(known.start + busiest)),
        missing_steps=int(missing.sum()),
        gaps=int(np.count_nonzero(np.diff(np.concatenate(([False], missing)).astype(np.int8)) == 1)),
        gap_note=trace.gap_note(),
    )
