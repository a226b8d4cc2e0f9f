"""ServeGen's client traces: CSV without a header, a window a row, one file a client; the clients add up.

Fields: start of the window in seconds, requests a second, coefficient of variation, pattern of the arrivals, two
parameters of it. Only the first two matter here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from autoscaler.evaluation.trace_import.axis import Axis
from autoscaler.evaluation.trace_import.format import Sample, SampleFormat
from autoscaler.evaluation.trace_import.request import FILE, Request
from autoscaler.evaluation.trace_import.source import Source

FIELDS = 6


def _recognises(line: str) -> bool:
    fields = line.split(",")
    if len(fields) != FIELDS or fields[3].strip()[:1].isdigit():
        return False
    try:
        return all(math.isfinite(float(fields[place])) for place in (0, 1, 2))
    except ValueError:
        return False


def _read(source: Source, request: Request, axis: Axis) -> Iterator[Sample]:
    axis.relative(source, 1.0)
    if request.series_by not in ((), (FILE,)):
        raise source.error("these files have no columns to tell series by; --series-by file makes one a client")
    series = source.name if request.series_by else ""
    part = str(source.path)
    for record in source.records():
        if len(record) != FIELDS:
            raise source.error(f"{len(record)} fields where a window has {FIELDS}; copy the file again")
        yield Sample(axis.seconds(source, record[0]), _rate(source, record[1]), series, part)


def _rate(source: Source, text: str) -> float:
    if not text.strip():
        return math.nan
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0.0 <= rate < math.inf:
        raise source.error(f"rate {text.strip()!r} is no number from 0; copy the file again")
    return rate


SERVEGEN = SampleFormat(
    "servegen",
    "ServeGen: a folder of chunk-N-trace.csv, or some of them: requests a second in windows, a file a client",
    _recognises,
    _read,
    rate=True,
)
