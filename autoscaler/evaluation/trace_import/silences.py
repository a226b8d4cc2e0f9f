"""Long silences: whether a stretch without any request was a true zero or a time in which nothing was captured.

A log does not say. The rule: inside a source nothing came, so zero; between two sources nothing shows that anything was
captured, so a silence there that is longer than any inside is a gap. A limit given by the user replaces the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools
from autoscaler.evaluation.trace_import.grid import Grid

_TOLD_FROM_S = 3600.0


@dataclass(frozen=True, slots=True)
class Silence:
    """Steps [first, end) without a request in any series; `inside` one source, as far as it knows."""

    first: int
    end: int
    inside: bool


def without_silences(grid: Grid, covered: Bools, gap_after_s: float | None) -> tuple[Grid, list[str]]:
    """The grid with gaps for long silences, and sentences on what was taken as zero and what as a gap.

    `covered` [steps]: inside a source; before the first of them and after the last everything is missing. A series
    counts as silent only where all of them are: the log was alive.
    """
    inside = np.flatnonzero(covered)
    missing = np.ones(covered.size, dtype=np.bool_)
    missing[inside[0] : inside[-1] + 1] = False
    silences = _silences(grid, covered, ~missing)
    longest = max((s.end - s.first for s in silences if s.inside), default=0)
    if gap_after_s is None:
        gaps = [s for s in silences if not s.inside and s.end - s.first > longest]
    else:
        gaps = [s for s in silences if (s.end - s.first) * grid.step_s > gap_after_s]
    for silence in gaps:
        missing[silence.first : silence.end] = True
    series = {name: np.where(missing, np.nan, values) for name, values in grid.series.items()}
    zeros = [s for s in silences if s not in gaps]
    notes = _notes(grid, gaps, zeros, gap_after_s)
    return Grid(grid.step_s, grid.start_s, grid.absolute, series), notes


def _silences(grid: Grid, covered: Bools, between: Bools) -> list[Silence]:
    silent = between.copy()
    for values in grid.series.values():
        silent &= values == 0.0
    edges = np.diff(np.concatenate(([False], silent, [False])).astype(np.int8))
    begins, ends = np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()
    return [Silence(a, b, bool(covered[a:b].all())) for a, b in zip(begins, ends, strict=True)]


def _notes(grid: Grid, gaps: Sequence[Silence], zeros: Sequence[Silence], gap_after_s: float | None) -> list[str]:
    notes = []
    if gaps:
        why = "between sources" if gap_after_s is None else f"longer than {_hours(gap_after_s)}"
        silences = "1 silence" if len(gaps) == 1 else f"{len(gaps)} silences"
        notes.append(f"{silences} {why} taken as not captured, not as zero")
    longest = max(zeros, key=lambda s: s.end - s.first, default=None)
    if longest is not None and (longest.end - longest.first) * grid.step_s >= _TOLD_FROM_S:
        length = _hours((longest.end - longest.first) * grid.step_s)
        notes.append(
            f"longest silence taken as zero: {length}; if nothing was captured then, --gap-after makes it a gap"
        )
    return notes


def _hours(seconds: float) -> str:
    return f"{seconds / 3600.0:.3g} h" if seconds >= 3600.0 else f"{seconds / 60.0:.3g} min"
