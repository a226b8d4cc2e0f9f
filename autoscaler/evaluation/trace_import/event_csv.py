"""Logs in CSV with one row a request: BurstGPT, the Azure LLM traces, and any other with a column of times."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.evaluation.trace_import.axis import Axis
from autoscaler.evaluation.trace_import.format import Event, EventFormat, Recognises
from autoscaler.evaluation.trace_import.request import Request
from autoscaler.evaluation.trace_import.source import Source
from autoscaler.evaluation.trace_import.table import Table, header_of

TIMES = ("timestamp", "time", "datetime", "date", "ts", "created_at", "time_s", "t_s")
RELATIVE_UNIT_S = {"minute": 60.0, "time_s": 1.0, "t_s": 1.0}
"""Columns whose names say that they count from the start of the log, and in what (seconds)."""


def _with(*columns: str) -> Recognises:
    return lambda line: set(columns) <= set(header_of(line))


def time_place(table: Table, source: Source, request: Request, axis: Axis, usual: tuple[str, ...]) -> int:
    """Where the column of times is: the one asked for, else the first of the usual names. Raises TraceError."""
    place = table.place(request.time_column) if request.time_column else table.find(usual)
    if place is None:
        there = ", ".join(filter(None, table.columns)) or "none"
        raise source.error(f"no column of times among {there}; name it with --time-column")
    unit_s = RELATIVE_UNIT_S.get(table.columns[place].lower())
    if unit_s is not None:
        axis.relative(source, unit_s)
    return place


def _burstgpt(source: Source, request: Request, axis: Axis) -> Iterator[Event]:
    axis.relative(source, 1.0)
    table = Table(source)
    return _events(source, request, axis, table, table.place("Timestamp"))


def _azure(source: Source, request: Request, axis: Axis) -> Iterator[Event]:
    table = Table(source)
    return _events(source, request, axis, table, table.place("TIMESTAMP"))


def _any(source: Source, request: Request, axis: Axis) -> Iterator[Event]:
    table = Table(source)
    return _events(source, request, axis, table, time_place(table, source, request, axis, TIMES))


def _events(source: Source, request: Request, axis: Axis, table: Table, time: int) -> Iterator[Event]:
    series_of = table.series(request.series_by)
    for record in table.rows():
        yield Event(axis.seconds(source, record[time]), series_of(record))


BURSTGPT = EventFormat(
    "burstgpt",
    "BurstGPT: CSV, Timestamp in seconds from the start, Model, Log Type",
    _with("timestamp", "model", "request tokens", "log type"),
    _burstgpt,
)
AZURE = EventFormat(
    "azure",
    "Azure LLM inference 2023 to 2025: CSV, TIMESTAMP, ContextTokens, GeneratedTokens",
    _with("timestamp", "contexttokens", "generatedtokens"),
    _azure,
    frozenset({"timezone"}),
)
EVENTS = EventFormat(
    "events",
    "CSV with one row a request and a column of times",
    lambda line: not set(TIMES).isdisjoint(header_of(line)),
    _any,
    frozenset({"time_column", "time_unit", "timezone"}),
)
