"""What a source format is: how it is recognised, and the rows that it yields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from autoscaler.evaluation.trace_import.axis import Axis
from autoscaler.evaluation.trace_import.request import Request
from autoscaler.evaluation.trace_import.source import Source

Recognises = Callable[[str], bool]
"""Whether a file whose first line is this one has the format."""


class Event(NamedTuple):
    """One request: its time in seconds, and the series it belongs to."""

    at_s: float
    series: str


class Sample(NamedTuple):
    """A number of requests, or of requests a second; NaN where nothing was captured.

    Parts of one series add up, and each has one sample a time.
    """

    at_s: float
    value: float
    series: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class EventFormat:
    """A log with one row a request, in any order. `options`: those of `Request` that only some formats take."""

    name: str
    about: str
    recognises: Recognises
    read: Callable[[Source, Request, Axis], Iterator[Event]]
    options: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """Numbers on even steps. `rate`: they are requests a second. `at_end`: a time is the end of its step."""

    name: str
    about: str
    recognises: Recognises
    read: Callable[[Source, Request, Axis], Iterator[Sample]]
    options: frozenset[str] = frozenset()
    rate: bool = False
    at_end: bool = False


Format = EventFormat | SampleFormat
