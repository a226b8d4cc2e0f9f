"""Requests of an event log counted by step: memory grows with the steps that have any, never with the requests."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np

from autoscaler.domain.arrays import Bools
from autoscaler.evaluation.trace_import.format import Event
from autoscaler.evaluation.trace_import.grid import MAX_CELLS, MAX_SERIES, Grid, too_large, too_many_series
from autoscaler.evaluation.trace_import.source import Source

_PAGE = 512
_EMPTY_PAGE = bytes(8 * _PAGE)


class EventBins:
    """Counts of events, in any order, on steps of `step_s` seconds from time 0."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self._pages: dict[tuple[str, int], array[int]] = {}
        self._names: dict[str, None] = {}
        self._spans: list[tuple[str, int, int]] = []  # name, first and last step of each source
        self._low, self._high = 0, -1
        self.events = 0
        self.out_of_order = 0

    def add(self, source: Source, events: Iterable[Event]) -> None:
        """Counts the events of one source. Raises TraceError where there are none, or too many steps or series."""
        step_s, pages = self._step_s, self._pages
        before = self.events
        low, high, latest_s = 1, 0, -1.0
        for at_s, series in events:
            index = int(at_s // step_s)
            if not low <= index <= high:
                low, high = (index, index) if high < low else (min(low, index), max(high, index))
                self._check_range(source, low, high)
            if at_s < latest_s:
                self.out_of_order += 1
            else:
                latest_s = at_s
            key = (series, index // _PAGE)
            page = pages.get(key)
            if page is None:
                page = pages[key] = self._new_page(source, series)
            page[index % _PAGE] += 1
            self.events += 1
        if self.events == before:
            raise source.error("no requests in it; give a file with rows")
        self._spans.append((source.name, low, high))

    def grid(self, absolute: bool) -> Grid:
        """The counts, zero where no event fell."""
        steps = self._high - self._low + 1
        series = {name: np.zeros(steps) for name in self._names}
        for (name, number), page in self._pages.items():
            first = number * _PAGE - self._low
            begin, end = max(first, 0), min(first + _PAGE, steps)
            series[name][begin:end] = np.frombuffer(page, np.int64)[begin - first : end - first]
        return Grid(self._step_s, self._low * self._step_s, absolute, series)

    def covered(self, name: str | None = None) -> Bools:
        """Steps between the first and the last event of a source, of any or of those of this name [steps]."""
        covered = np.zeros(self._high - self._low + 1, dtype=np.bool_)
        for source, low, high in self._spans:
            if name in (None, source):
                covered[low - self._low : high + 1 - self._low] = True
        return covered

    def _new_page(self, source: Source, series: str) -> array[int]:
        if series not in self._names:
            self._names[series] = None
            if len(self._names) > MAX_SERIES:
                raise source.error(too_many_series(list(self._names)))
            self._check_range(source, self._low, self._high)
        return array("q", _EMPTY_PAGE)

    def _check_range(self, source: Source, low: int, high: int) -> None:
        if self._low <= self._high:
            low, high = min(low, self._low), max(high, self._high)
        self._low, self._high = low, high
        steps = high - low + 1
        if steps * max(1, len(self._names)) > MAX_CELLS:
            raise source.error(too_large(steps * self._step_s, self._step_s, len(self._names)))
