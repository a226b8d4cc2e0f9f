"""What is to be imported, and how the sources are to be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from enum import StrEnum
from pathlib import Path

AUTO = "auto"
FILE = "file"
"""In place of a column: one series a source, named after it."""


class Values(StrEnum):
    """What a number of requests in a source means."""

    COUNT = "count"
    RATE = "rate"


class TimeUnit(StrEnum):
    """What one of a numeric time is."""

    S = "s"
    MS = "ms"
    US = "us"
    NS = "ns"


@dataclass(frozen=True, slots=True)
class Request:
    """An import. Times are seconds; None means that the format, or the first row, decides.

    `series_by`: columns (or labels, keys) whose values make a series each, or `file`. `series`: the one to keep, or the
    name of the only one there is. `gap_after_s`: longer silences are gaps.
    """

    sources: tuple[Path, ...]
    format: str = AUTO
    step_s: float | None = None
    series_by: tuple[str, ...] = ()
    series: str | None = None
    gap_after_s: float | None = None
    time_column: str | None = None
    value_column: str | None = None
    values: Values | None = None
    time_unit: TimeUnit | None = None
    timezone: tzinfo = UTC
