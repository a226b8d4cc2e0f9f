"""CSV with a number of requests a step: any monitoring export, and the project's own trace format."""

from __future__ import annotations

import math
from collections.abc import Iterator

from autoscaler.evaluation.trace_import.axis import Axis
from autoscaler.evaluation.trace_import.event_csv import TIMES, time_place
from autoscaler.evaluation.trace_import.format import Sample, SampleFormat
from autoscaler.evaluation.trace_import.request import Request
from autoscaler.evaluation.trace_import.source import Source
from autoscaler.evaluation.trace_import.table import Table, header_of

COUNTS_NAMED = ("requests", "count", "counts", "value")
SERIES = "series"
MISSING = frozenset({"", "nan", "null", "none"})


def _recognises(line: str) -> bool:
    columns = set(header_of(line))
    return not columns.isdisjoint(COUNTS_NAMED) and not columns.isdisjoint(("minute", *TIMES))


def _read(source: Source, request: Request, axis: Axis) -> Iterator[Sample]:
    table = Table(source)
    time = time_place(table, source, request, axis, ("minute", *TIMES))
    value = table.place(request.value_column) if request.value_column else table.find(COUNTS_NAMED)
    if value is None:
        there = ", ".join(filter(None, table.columns))
        raise source.error(f"no column of counts among {there}; name it with --value-column")
    by = request.series_by or ((SERIES,) if SERIES in map(str.lower, table.columns) else ())
    series_of = table.series(by)
    for record in table.rows():
        yield Sample(axis.seconds(source, record[time]), _count(source, record[value]), series_of(record))


def _count(source: Source, text: str) -> float:
    text = text.strip()
    if text.lower() in MISSING:
        return math.nan
    try:
        count = float(text)
    except ValueError:
        count = math.inf
    if not math.isfinite(count):
        raise source.error(f"count {text!r} is not a number; correct it, or leave it empty where nothing was captured")
    if count < 0:
        raise source.error(f"count {text} is negative; leave it empty where nothing was captured")
    return count


COUNTS = SampleFormat(
    "counts",
    "CSV with a number of requests a step: a column of times, a column of counts",
    _recognises,
    _read,
    frozenset({"time_column", "value_column", "values", "time_unit", "timezone"}),
)
