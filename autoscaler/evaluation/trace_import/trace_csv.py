"""The trace format, written: one row a step, an empty value where nothing was captured."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from autoscaler.evaluation.trace_import.grid import Grid
from autoscaler.evaluation.whole_file import whole_file


def write_trace(path: str | Path, grid: Grid) -> None:
    """Writes each series from its first step with data to its last, in place of whatever `path` held; gzip for .gz.

    Times are RFC 3339 where they are known, else minutes, or seconds for steps that are no whole minutes. The same grid
    gives the same bytes. Raises OSError where the file cannot be written, and then leaves what was there.
    """
    with whole_file(path) as out:
        if Path(path).suffix != ".gz":
            _write_rows(out, grid)
            return
        with (
            gzip.GzipFile("", "wb", fileobj=out.buffer, mtime=0) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
        ):
            _write_rows(text, grid)


def time_column(grid: Grid) -> str:
    """The column that holds the times."""
    if grid.absolute:
        return "timestamp"
    return "minute" if grid.step_s % 60.0 == 0.0 and grid.start_s % 60.0 == 0.0 else "time_s"


def written_time(grid: Grid, at_s: float) -> str:
    """A time of the grid as that column holds it."""
    if grid.absolute:
        return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")
    return written_number(at_s / 60.0 if time_column(grid) == "minute" else at_s)


def written_number(value: float) -> str:
    """Up to six digits after the point; nothing for NaN."""
    if math.isnan(value):
        return ""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _write_rows(out: IO[str], grid: Grid) -> None:
    named = set(grid.series) != {""}
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow([*(["series"] if named else []), time_column(grid), "requests"])
    for name in sorted(grid.series):
        rows.writerows([name, *row] if named else row for row in _rows(grid, name))


def _rows(grid: Grid, name: str) -> Iterator[list[str]]:
    known = grid.known(name)
    for place, value in enumerate(grid.series[name][known].tolist(), known.start):
        yield [written_time(grid, grid.at_s(place)), written_number(value)]
