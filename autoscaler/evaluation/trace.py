"""Demand traces: counts of requests on an even grid of steps, read from CSV with errors that say the place.

A file has one column of time (`minute`, `time_s` or `timestamp`), `requests`, and where it holds several workloads a
`series`. An empty value and an absent row both mean "not captured" and become NaN, never zero.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import TextIO

import numpy as np

from autoscaler.domain.arrays import Floats, Ints

MAX_STEPS = 50_000_000
OFFERED_PEAK_PERCENTILE = 99.5
TIME_COLUMNS = ("minute", "time_s", "timestamp")
_GZIP_MAGIC = b"\x1f\x8b"
_GRID_TOLERANCE = 0.01  # share of a step that a row may lie off the grid
_NAMES_SHOWN = 20
_DAY_S = 86_400.0


class TraceError(ValueError):
    """A trace that cannot be used. The message names file and line, and what to do about it."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Requests in each step of one series.

    `values` [steps] holds requests a step, NaN where nothing was captured. `start_s` is the first step's start in
    seconds on the file's own axis (for timestamps: after midnight UTC).
    """

    name: str
    series: str | None
    step_s: float
    start_s: float
    values: Floats

    @property
    def duration_s(self) -> float:
        """Seconds from the start of the first step to the end of the last."""
        return self.step_s * self.values.size

    def gap_note(self) -> str | None:
        """One line naming how many gaps there are, the longest and their share of the trace; None without gaps."""
        missing = np.isnan(self.values)
        if not missing.any():
            return None
        edges = np.diff(np.concatenate(([False], missing, [False])).astype(np.int8))
        begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        longest = int(np.argmax(ends - begins))
        length_s, at_s = (float(v[longest]) * self.step_s for v in (ends - begins, begins))
        gaps = "1 gap" if begins.size == 1 else f"{begins.size} gaps"
        return (
            f"{self.name}: {gaps} without data, longest {_duration(length_s)} at {_duration(at_s)} from the start, "
            f"in total {100.0 * missing.mean():.2g} % of the trace; treated as missing, not as zero"
        )

    def per_tick(self, tick_s: float, rng: np.random.Generator | None = None) -> Floats:
        """Requests in each tick of `tick_s` seconds [ticks]; an incomplete last tick is left out.

        Counts spread evenly inside a step and are shared by overlap; a tick that touches a missing step is NaN. With
        `rng` each tick is a Poisson draw around that mean. Raises TraceError for an unusable tick.
        """
        if not (math.isfinite(tick_s) and tick_s > 0):
            raise TraceError(f"{self.name}: a tick of {tick_s} s cannot be used; give a positive number of seconds")
        ticks = math.floor(self.duration_s / tick_s + 1e-9)
        if not 0 < ticks <= MAX_STEPS:
            raise TraceError(
                f"{self.name}: {_duration(self.duration_s)} of trace make {ticks} ticks of {tick_s:g} s; "
                f"choose a tick that gives between 1 and {MAX_STEPS}"
            )
        mean = _resampled(self.values, tick_s / self.step_s, ticks)
        if rng is None:
            return mean
        known = np.isfinite(mean)
        drawn = np.full(ticks, np.nan)
        drawn[known] = rng.poisson(mean[known])
        return drawn


def offered_replicas(requests_per_tick: Floats, fleet_peak: float) -> tuple[Floats, float]:
    """Demand in replicas [ticks] and what one replica serves (requests a tick).

    The scale makes the 99.5th percentile (linear) of demand over all ticks with data equal `fleet_peak` replicas.
    Raises TraceError where that percentile is zero or there is no data, ValueError for a peak that is not positive.
    """
    if not (math.isfinite(fleet_peak) and fleet_peak > 0):
        raise ValueError(f"fleet peak must be a positive number of replicas, not {fleet_peak}")
    if not np.isfinite(requests_per_tick).any():
        raise TraceError("the trace has no tick with data; choose another part of it")
    peak = float(np.nanpercentile(requests_per_tick, OFFERED_PEAK_PERCENTILE))
    if peak <= 0:
        raise TraceError(
            f"the {OFFERED_PEAK_PERCENTILE}th percentile of requests a tick is 0, so no replica size follows from a "
            "fleet peak; use a busier series or a longer tick"
        )
    capacity = peak / fleet_peak
    return requests_per_tick / capacity, capacity


def read_trace(path: str | Path, series: str | None = None) -> Trace:
    """The trace in a .csv or .csv.gz file; `series` is needed only where the file holds several.

    The step is the commonest difference between rows; absent rows become NaN. Raises TraceError with file and line.
    """
    path = Path(path)
    rows = _rows_of(path, series)
    if len(rows.at_s) < 2:
        line = rows.lines[0] if rows.lines else 1
        found = "no data rows" if not rows.lines else "only one row, so the step is unknown"
        raise TraceError(f"{path}:{line}: {found}; a trace needs at least two rows")
    at_s = np.asarray(rows.at_s)
    step_s = _step(at_s)
    place = (at_s - at_s[0]) / step_s
    steps = round(float(place[-1])) + 1
    if steps > MAX_STEPS:
        raise TraceError(
            f"{path}:{rows.lines[-1]}: {_duration(float(at_s[-1] - at_s[0]))} at a step of {step_s:g} s are {steps} "
            f"steps, more than {MAX_STEPS}; check the times, or cut the file"
        )
    index = np.rint(place).astype(np.int64)
    _check_grid(path, rows, place, index, step_s)
    values = np.full(steps, np.nan)
    values[index] = rows.requests
    if not np.isfinite(values).any():
        raise TraceError(f"{path}:{rows.lines[0]}: every value of `requests` is empty; give a series with data")
    start_s = float(at_s[0]) % _DAY_S if rows.absolute else float(at_s[0])
    return Trace(rows.series or path.name, rows.series, step_s, start_s, values)


@dataclass(slots=True)
class _Rows:
    """Rows of one series while they are read: seconds, requests and line numbers, side by side."""

    series: str | None
    absolute: bool
    at_s: list[float] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    def add(self, path: Path, line: int, at_s: float, requests: float) -> None:
        """Takes a row that is later than the one before, else raises TraceError."""
        if self.at_s and at_s == self.at_s[-1]:
            raise TraceError(
                f"{path}:{line}: the same time as line {self.lines[-1]}; keep one row a step"
                + ("" if self.series else ", or name the workloads in a `series` column")
            )
        if self.at_s and at_s < self.at_s[-1]:
            raise TraceError(f"{path}:{line}: earlier than line {self.lines[-1]}; sort the rows by time")
        self.at_s.append(at_s)
        self.requests.append(requests)
        self.lines.append(line)


def _rows_of(path: Path, series: str | None) -> _Rows:
    with _opened(path) as text:
        records = _records(path, text)
        _, header = next(records, (1, []))
        columns = [name.strip() for name in header]
        _check_header(path, columns, series)
        time_column = next(c for c in TIME_COLUMNS if c in columns)
        where = {name: columns.index(name) for name in (time_column, "requests")}
        of_series = columns.index("series") if "series" in columns else None
        fewest = 1 + max(*where.values(), of_series or 0)
        names: dict[str, None] = {}
        rows = _Rows(series, time_column == "timestamp")
        for line, record in records:
            if len(record) < fewest:
                raise TraceError(
                    f"{path}:{line}: {len(record)} fields where the header has {len(columns)}; complete it"
                )
            if of_series is not None:
                name = record[of_series].strip()
                names.setdefault(name)
                rows.series = name if rows.series is None else rows.series
                if name != rows.series:
                    continue
            at_s = _seconds(path, line, time_column, record[where[time_column]].strip())
            rows.add(path, line, at_s, _count(path, line, record[where["requests"]].strip()))
    _check_series(path, list(names), series)
    return rows


def _opened(path: Path) -> TextIO:
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP_MAGIC
    except FileNotFoundError:
        raise TraceError(f"{path}:1: no such file; check the path of the trace") from None
    except OSError as e:
        raise TraceError(f"{path}:1: cannot be read ({e.strerror}); give a readable .csv or .csv.gz file") from None
    if path.suffix == ".gz" and not zipped:
        raise TraceError(f"{path}:1: named .gz but not gzip data; unpack it or rename it to .csv")
    if zipped:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _records(path: Path, text: TextIO) -> Iterator[tuple[int, list[str]]]:
    """(line, fields) of each line that is not blank; damage in the file becomes a TraceError."""
    reader = csv.reader(text)
    try:
        for record in reader:
            if record:
                yield reader.line_num, record
    except (OSError, EOFError, zlib.error) as e:
        raise TraceError(f"{path}:{reader.line_num + 1}: damaged or cut off ({e}); copy the file again") from None
    except (UnicodeDecodeError, csv.Error) as e:
        raise TraceError(
            f"{path}:{reader.line_num + 1}: not CSV in UTF-8 ({e}); export it as .csv or .csv.gz"
        ) from None


def _check_header(path: Path, columns: list[str], series: str | None) -> None:
    lacking = [] if "requests" in columns else ["`requests`"]
    if not any(c in columns for c in TIME_COLUMNS):
        lacking.insert(0, "a time column (`minute`, `time_s` or `timestamp`)")
    if lacking:
        found = ", ".join(columns) if any(columns) else "an empty file"
        raise TraceError(f"{path}:1: {' and '.join(lacking)} missing, found {found}; rename or add the column")
    if series is not None and "series" not in columns:
        raise TraceError(f"{path}:1: no `series` column to find {series!r} in; leave the series out")


def _check_series(path: Path, names: list[str], series: str | None) -> None:
    if series is None and len(names) > 1:
        raise TraceError(f"{path}:1: holds {len(names)} series; name one of {_listed(names)}")
    if series is not None and series not in names:
        near = sorted(names, key=lambda name: -SequenceMatcher(None, series.lower(), name.lower()).ratio())
        there = f"choose one of {_listed(near)}" if near else "the file has no data rows"
        raise TraceError(f"{path}:1: no series {series!r}; {there}")


def _listed(names: list[str]) -> str:
    rest = len(names) - _NAMES_SHOWN
    return ", ".join(names[:_NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _seconds(path: Path, line: int, column: str, text: str) -> float:
    if column == "timestamp":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise TraceError(f"{path}:{line}: timestamp {text!r} is not RFC 3339, as 2026-01-31T09:00:00Z is") from None
        if moment.tzinfo is None:
            raise TraceError(f"{path}:{line}: timestamp {text!r} has no time zone; append Z or an offset as +01:00")
        return moment.timestamp()
    return _number(path, line, column, text) * (60.0 if column == "minute" else 1.0)


def _count(path: Path, line: int, text: str) -> float:
    if not text:
        return math.nan
    value = _number(path, line, "requests", text)
    if value < 0:
        raise TraceError(
            f"{path}:{line}: requests {text} is negative; leave the field empty where nothing was captured"
        )
    return value


def _number(path: Path, line: int, column: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        hint = "; leave it empty where nothing was captured" if column == "requests" else ""
        raise TraceError(
            f"{path}:{line}: {column} {text!r} is not a finite number{hint or '; correct or drop the row'}"
        )
    return value


def _step(at_s: Floats) -> float:
    """Commonest difference between rows in seconds; the smaller one where two are equally common."""
    counts = Counter(np.round(np.diff(at_s), 6).tolist())
    return float(min(counts, key=lambda gap: (-counts[gap], gap)))


def _check_grid(path: Path, rows: _Rows, place: Floats, index: Ints, step_s: float) -> None:
    off = np.abs(place - index) > _GRID_TOLERANCE
    off[1:] |= np.diff(index) == 0
    if off.any():
        line = rows.lines[int(np.argmax(off))]
        raise TraceError(
            f"{path}:{line}: not a whole number of steps ({step_s:g} s, the commonest) after the first row; "
            "bring the rows to one even step"
        )


def _resampled(values: Floats, ratio: float, ticks: int) -> Floats:
    """Values of even steps shared over `ticks` intervals, each `ratio` steps long; NaN where any part is NaN."""
    whole = round(ratio)
    if whole >= 1 and abs(ratio - whole) < 1e-9:
        return np.asarray(values[: ticks * whole].reshape(ticks, whole).sum(axis=1))
    pieces = round(1.0 / ratio)
    if pieces >= 1 and abs(1.0 / ratio - pieces) < 1e-9:
        return np.repeat(values / pieces, pieces)[:ticks]
    missing = np.isnan(values)
    edges = np.minimum(np.arange(ticks + 1) * ratio, float(values.size))
    before = np.concatenate(([0.0], np.cumsum(np.where(missing, 0.0, values))))
    shared = np.maximum(np.diff(np.interp(edges, np.arange(values.size + 1), before)), 0.0)
    lost = np.concatenate(([0], np.cumsum(missing)))
    first = np.floor(edges[:-1] + 1e-9).astype(np.int64)
    last = np.ceil(edges[1:] - 1e-9).astype(np.int64)
    return np.where(lost[last] > lost[first], np.nan, shared)


def _duration(seconds: float) -> str:
    for unit, size in (("d", _DAY_S), ("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
