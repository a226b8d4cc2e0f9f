"""Mooncake traces: JSON lines, one a request, `timestamp` in milliseconds from the start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from autoscaler.evaluation.trace_import.axis import Axis
from autoscaler.evaluation.trace_import.format import Event, EventFormat
from autoscaler.evaluation.trace_import.request import FILE, Request
from autoscaler.evaluation.trace_import.source import Source
from autoscaler.evaluation.trace_import.table import SEPARATOR
from autoscaler.policy.problem import nearest


def _recognises(line: str) -> bool:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and {"timestamp", "input_length"} <= record.keys()


def _read(source: Source, request: Request, axis: Axis) -> Iterator[Event]:
    axis.relative(source, 1e-3)
    for line in source.lines():
        if line.isspace():
            continue
        record = _record(source, line)
        at = record.get("timestamp")
        if isinstance(at, bool) or not isinstance(at, int | float):
            raise source.error(f"`timestamp` is {_shown(at)}, not a number; correct or drop the line")
        yield Event(axis.number(source, at), _series(source, record, request.series_by))


def _record(source: Source, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise source.error(f"not a line of JSON ({error}); correct or drop the line") from None
    if not isinstance(record, dict):
        raise source.error(f"{_shown(record)} where an object is expected; correct or drop the line")
    return record


def _series(source: Source, record: dict[str, Any], by: tuple[str, ...]) -> str:
    if not by:
        return ""
    if by == (FILE,):
        return source.name
    lacking = [key for key in by if key not in record]
    if lacking:
        raise source.error(f"no `{lacking[0]}` to tell the series by; {nearest(lacking[0], record)}")
    return SEPARATOR.join(value if isinstance(value := record[key], str) else _shown(value) for key in by)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


MOONCAKE = EventFormat(
    "mooncake",
    "Mooncake: JSON lines, timestamp in milliseconds from the start, input_length, output_length",
    _recognises,
    _read,
    frozenset({"time_unit"}),
)
