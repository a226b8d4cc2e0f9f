"""Numbers of requests on even steps, brought to one grid: parts of a series add up, absent steps stay absent."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.evaluation.trace import TraceError
from autoscaler.evaluation.trace_import.format import Sample
from autoscaler.evaluation.trace_import.grid import MAX_CELLS, MAX_SERIES, Grid, too_large, too_many_series
from autoscaler.evaluation.trace_import.source import Source

_OFF_GRID = 0.01  # share of a step that a sample may lie off the grid


class _Part:
    """Samples of one part of a series as they come: times, values, and where each was read."""

    def __init__(self) -> None:
        self.at_s, self.values = array("d"), array("d")
        self.sources, self.lines = array("i"), array("q")

    def place(self, number: int) -> tuple[int, int]:
        """(source, line) of a sample."""
        return self.sources[number], self.lines[number]


class Samples:
    """Samples in any order, of any number of sources."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str], _Part] = {}
        self._names: dict[str, None] = {}
        self._sources: list[Source] = []
        self._rows = 0

    def add(self, source: Source, samples: Iterable[Sample]) -> None:
        """Takes the samples of one source. Raises TraceError where there are none, or too many of them."""
        number, before = len(self._sources), self._rows
        self._sources.append(source)
        for at_s, value, series, name in samples:
            part = self._parts.get((series, name))
            if part is None:
                part = self._parts[series, name] = self._new_part(source, series)
            part.at_s.append(at_s)
            part.values.append(value)
            part.sources.append(number)
            part.lines.append(source.line)
            self._rows += 1
            if self._rows > MAX_CELLS:
                raise source.error(f"more than {MAX_CELLS:,} values in all; import fewer files at once")
        if self._rows == before:
            raise source.error("no values in it; give a file with rows")

    def grid(self, absolute: bool, rate: bool, at_end: bool) -> Grid:
        """Requests a step; the step is the commonest difference between samples.

        `rate`: the values are requests a second. `at_end`: a time is the end of its step. A step is missing where no
        part has a sample, or one has a missing one. Raises TraceError for samples off the grid, or two of one time.
        """
        times = {key: np.asarray(part.at_s) for key, part in self._parts.items()}
        step_s = self._step(times)
        start_s = min(float(at_s.min()) for at_s in times.values())
        end_s = max(float(at_s.max()) for at_s in times.values())
        steps = round((end_s - start_s) / step_s) + 1
        if steps * len(self._names) > MAX_CELLS:
            raise self._sources[-1].error(too_large(end_s - start_s + step_s, step_s, len(self._names)))
        total = {name: np.zeros(steps) for name in self._names}
        seen = {name: np.zeros(steps, dtype=np.bool_) for name in self._names}
        for (name, what), part in self._parts.items():
            index, values = self._placed(part, (times[name, what] - start_s) / step_s, step_s)
            total[name][index] += values * (step_s if rate else 1.0)
            seen[name][index] = True
        series = {name: np.where(seen[name], total[name], np.nan) for name in self._names}
        return Grid(step_s, start_s - (step_s if at_end else 0.0), absolute, series)

    def _new_part(self, source: Source, series: str) -> _Part:
        self._names[series] = None
        if len(self._names) > MAX_SERIES:
            raise source.error(too_many_series(list(self._names)))
        return _Part()

    def _step(self, times: Mapping[tuple[str, str], Floats]) -> float:
        """Commonest difference between samples in seconds; the smaller one where two are equally common."""
        counts: Counter[float] = Counter()
        for at_s in times.values():
            gaps, often = np.unique(np.round(np.diff(np.sort(at_s)), 6), return_counts=True)
            counts.update(dict(zip(gaps.tolist(), often.tolist(), strict=True)))
        counts.pop(0.0, None)
        if not counts:
            raise self._sources[0].error(
                "every value has the same time, so the step is unknown; give at least two steps"
            )
        return float(min(counts, key=lambda gap: (-counts[gap], gap)))

    def _placed(self, part: _Part, place: Floats, step_s: float) -> tuple[Ints, Floats]:
        """(steps, values) of the samples of a part, one each. The same sample in two sources is taken once."""
        index, values = np.rint(place).astype(np.int64), np.asarray(part.values)
        off = np.abs(place - index) > _OFF_GRID
        if off.any():
            raise self._error(part, int(np.argmax(off)), f"not a whole number of steps ({step_s:g} s, the commonest) "
                "after the first; bring the rows to one even step")  # fmt: skip
        order = np.argsort(index, kind="stable")
        again = order[1:][np.diff(index[order]) == 0]
        if not again.size:
            return index, values
        earlier = order[:-1][np.diff(index[order]) == 0]
        sources = np.asarray(part.sources)
        other = values[again] - values[earlier] != 0  # a missing value differs from any, not from a missing one
        other &= ~(np.isnan(values[again]) & np.isnan(values[earlier]))
        bad = other | (sources[again] == sources[earlier])
        if bad.any():
            first = int(np.argmax(bad))
            source, line = part.place(int(earlier[first]))
            raise self._error(part, int(again[first]), f"the same time as {self._sources[source].path}:{line}; "
                "keep one row a step, or name the column that tells the series with --series-by")  # fmt: skip
        kept = np.setdiff1d(np.arange(index.size), again)
        return index[kept], values[kept]

    def _error(self, part: _Part, number: int, said: str) -> TraceError:
        source, line = part.place(number)
        return TraceError(f"{self._sources[source].path}:{line}: {said}")


def longer_steps(grid: Grid, step_s: float) -> Grid:
    """The same requests on longer steps; one that lacks any of its parts is missing. Raises TraceError."""
    ratio = step_s / grid.step_s
    parts = round(ratio)
    if parts < 1 or abs(ratio - parts) > 1e-6:
        raise TraceError(
            f"--step: the sources have a value every {grid.step_s:g} s; choose a multiple of that, or leave it out "
            "(shorter steps are filled evenly where a trace is used)"
        )
    before = int((grid.start_s % step_s) / grid.step_s + 1e-6)
    return Grid(
        step_s,
        round(grid.start_s - before * grid.step_s, 6),
        grid.absolute,
        {name: _summed(values, before, parts) for name, values in grid.series.items()},
    )


def _summed(values: Floats, before: int, parts: int) -> Floats:
    after = -(before + values.size) % parts
    padded = np.concatenate((np.full(before, np.nan), values, np.full(after, np.nan)))
    summed: Floats = padded.reshape(-1, parts).sum(axis=1)
    return summed
