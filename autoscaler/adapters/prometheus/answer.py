"""What one query answered, as data: for the reading, and for whoever asks why a signal is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from autoscaler.domain.signal import SignalKind


class QueryState(StrEnum):
    """How it went; all but `ANSWERED` are missing signals."""

    ANSWERED = "answered"
    EMPTY = "empty"
    """No series: nothing matches, or it is gone."""
    SEVERAL = "several"
    """More than one series: which one counts, nobody said."""
    NO_NUMBER = "no-number"
    """NaN, infinite, a text or a histogram."""
    PARTIAL = "partial"
    """Parts of the store did not answer, so that the value may be too low."""
    INVALID = "invalid"
    """The server refuses the query."""
    FORBIDDEN = "forbidden"
    """The server refuses us."""
    UNAVAILABLE = "unavailable"
    """No answer, or none that can be read."""
    LATE = "late"
    """No answer before the tick went on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`value`: NaN where missing. `age_s`: seconds since its sample was taken, +inf where missing. `problem`: what is
    wrong and what to do, None where nothing is. `warnings`: of the server, word for word. `took_s`: seconds."""

    state: QueryState
    value: float = math.nan
    age_s: float = math.inf
    problem: str | None = None
    warnings: tuple[str, ...] = ()
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class QueryReport:
    """One signal of one workload (by its row in the fleet) in one tick."""

    workload: int
    signal: SignalKind
    query: str
    answer: Answer
