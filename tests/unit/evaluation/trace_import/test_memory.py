"""Memory follows the steps of a trace, not the requests of a log."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from autoscaler.evaluation.trace_import.event_bins import EventBins
from autoscaler.evaluation.trace_import.format import Event
from autoscaler.evaluation.trace_import.importer import import_trace
from autoscaler.evaluation.trace_import.request import Request
from autoscaler.evaluation.trace_import.source import Source

MOST_BYTES = 1_500_000


def peak_of(rows: int, tmp_path: Path) -> int:
    """Most bytes held while a log of so many rows over 1,000 minutes is read."""
    path = tmp_path / f"{rows}.csv.gz"
    with gzip.open(path, "wt") as out:
        out.write("ts,model\n")
        out.writelines(f"{i * 60_000 / rows:.3f},{'ab'[i % 2]}\n" for i in range(rows))
    tracemalloc.start()
    try:
        imported = import_trace(Request((path,), series_by=("model",)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(values.sum() for values in imported.grid.series.values()) == rows
    assert {values.size for values in imported.grid.series.values()} == {1000}
    return peak


def test_a_hundred_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    few, many = peak_of(2_000, tmp_path), peak_of(200_000, tmp_path)
    assert many < few + 250_000  # a fixed share of buffers; the times alone would take 1,600,000 bytes
    assert many < MOST_BYTES


def test_a_million_events_are_counted_from_a_generator() -> None:
    """120 steps, 139 or 138 rounds over all of them."""

    def events() -> Iterator[Event]:
        for number in range(1_000_000):
            yield Event(number % 7200, "a")

    bins = EventBins(60.0)
    bins.add(Source(Path("generated")), events())
    grid = bins.grid(False)
    assert (bins.events, grid.series["a"].size, grid.series["a"].sum()) == (1_000_000, 120, 1_000_000)
    assert grid.series["a"].min() >= 8_280
