"""How times are written: settled by the first one that is read, the same for all rows of all sources."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from autoscaler.evaluation.trace_import.request import TimeUnit
from autoscaler.evaluation.trace_import.source import Source

UNIT_S = {TimeUnit.S: 1.0, TimeUnit.MS: 1e-3, TimeUnit.US: 1e-6, TimeUnit.NS: 1e-9}
_UNIT_NAMES = {1.0: "seconds", 1e-3: "milliseconds", 1e-6: "microseconds", 1e-9: "nanoseconds"}
_EPOCH_FROM_S = 1e8  # 1973: larger numbers of seconds count from 1970, smaller ones from the start of the log
_LARGEST_S = 253_402_300_799.0  # the end of the year 9999
_SHOWN_CHARS = 40
_LARGEST = 1e21  # whatever the unit; whole numbers in JSON may be larger than any float
_GUESSES = ((1e11, 1.0), (1e14, 1e-3), (1e17, 1e-6), (math.inf, 1e-9))


class Axis:
    """Seconds of the times in the sources, and what had to be assumed to read them.

    `absolute` tells whether they count from 1970 (else from the start of the log); None until a time was read.
    """

    def __init__(self, zone: tzinfo = UTC, unit_s: float | None = None) -> None:
        """`zone` is where times without an offset are read, `unit_s` what one of a numeric time is, in seconds."""
        self.absolute: bool | None = None
        self._zone = zone
        self._unit_s = unit_s
        self._read: Callable[[Source, str], float] | None = None
        self._without_offset = False
        self._said: list[str] = []

    @property
    def notes(self) -> list[str]:
        """What was assumed, a sentence each."""
        zone = f"times without an offset read as {self._zone}; --timezone names another"
        return [*self._said, zone] if self._without_offset else self._said

    def note(self, said: str) -> None:
        """Adds a sentence to the notes."""
        self._said.append(said)

    def relative(self, source: Source, unit_s: float) -> None:
        """From here on times are numbers that count from the start of the log, in `unit_s` unless a unit was given.

        Raises TraceError where those before were dates.
        """
        if self.absolute:
            raise source.error("times here count from the start of the log, those before from 1970; import one by one")
        self.absolute = False
        self._unit_s = unit_s if self._unit_s is None else self._unit_s
        self._read = self._number_in_text

    def epoch(self) -> None:
        """From here on times are numbers of seconds since 1970."""
        self.absolute, self._unit_s = True, 1.0

    def seconds(self, source: Source, text: str) -> float:
        """Seconds of a time as text: RFC 3339, or a number. Raises TraceError with the line."""
        if self._read is None:
            self._read = self._settled(source, text)
        return self._read(source, text)

    def number(self, source: Source, value: float) -> float:
        """Seconds of a numeric time. Raises TraceError with the line."""
        unit_s = 1.0 if self._unit_s is None else self._unit_s
        at_s = value * unit_s if 0.0 <= value <= _LARGEST else -1.0
        if not 0.0 <= at_s <= _LARGEST_S:
            raise source.error(
                f"time {str(value)[:40]} cannot be used; it must be 0 or more, and before the year 10000"
            )
        return at_s

    def _settled(self, source: Source, text: str) -> Callable[[Source, str], float]:
        try:
            value = float(text)
        except ValueError:
            self.absolute = True
            return self._moment
        given = self._unit_s is not None
        self._unit_s = self._unit_s or next((unit for below, unit in _GUESSES if value < below), 1.0)
        self.absolute = value * self._unit_s >= _EPOCH_FROM_S
        if not given:
            since = "since 1970 (UTC)" if self.absolute else "from the start of the log"
            self._said.append(f"times read as {_UNIT_NAMES[self._unit_s]} {since}; --time-unit names another unit")
        return self._number_in_text

    def _number_in_text(self, source: Source, text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            raise source.error(f"time {_shown(text)} is not a number as in the rows before; correct the row") from None
        return self.number(source, value)

    def _moment(self, source: Source, text: str) -> float:
        text = text.strip()
        try:
            moment = datetime.fromisoformat(f"{text[:-4]}+00:00" if text.endswith(" UTC") else text)
            if moment.tzinfo is None:
                self._without_offset = True
                moment = moment.replace(tzinfo=self._zone)
            at_s = moment.timestamp()
        except (ValueError, OverflowError):
            raise source.error(
                f"time {_shown(text)} cannot be read; write it as 2026-01-31T09:00:00Z, or as a number"
            ) from None
        if not 0.0 <= at_s <= _LARGEST_S:
            raise source.error(f"time {_shown(text)} lies before 1970 or after 9999; correct the row")
        return at_s


def _shown(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}...")
