"""What is known in advance: schedules by cron or with two dates, and calendars of days unlike their weekday."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.values import (
    AutoDuration,
    LocalDate,
    LocalTime,
    Name,
    Number,
    Part,
    PositiveDuration,
    Text,
    Whole,
    ZoneName,
)

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_WINDOW = timedelta(days=366)
SOME_TIME = timedelta(hours=3)
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")


class Amount(Part):
    """An amount of capacity."""

    replicas: Whole = Field(description="Replicas, a count. Required.")


def _cron(value: str) -> str:
    if len(value.split()) != 5:
        raise ValueError("a start has five fields; write for example `0 9 * * mon-fri` in quotes")
    try:
        CronSim(value, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        hint = "write minute hour day month weekday, for example `0 9 * * mon-fri`"
        raise ValueError(f"not a cron expression: {str(error).lower()}; {hint}") from None
    return value


def _file_name(value: str) -> str:
    if not _FILE.fullmatch(value):
        raise ValueError("not the name of a file beside this one; write for example `holidays.ics`")
    return value


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M}"


Cron = Annotated[
    Text,
    AfterValidator(_cron),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\S+\s+\S+\s+\S+\s+\S+\s+\S+\s*$"}),
]
FileName = Annotated[
    Text, AfterValidator(_file_name), WithJsonSchema({"type": "string", "pattern": f"^{_FILE.pattern}$"})
]


class Schedule(Part):
    """What is known in advance: every day or week by `start` and `duration`, or once by `from` and `until`."""

    model_config = ConfigDict(
        json_schema_extra={
            "dependentRequired": {"start": ["duration"], "duration": ["start"], "from": ["until"], "until": ["from"]},
            "oneOf": [{"required": ["start"]}, {"required": ["from"]}],
            "anyOf": [{"required": ["atLeast"]}, {"required": ["atMost"]}, {"required": ["multiply"]}],
        }
    )

    name: Name = Field(description="Name within the policy, shown as the reason of a floor. Required.")
    start: Cron | None = Field(
        default=None,
        description="When it begins: cron with five fields (minute hour day month weekday), local time. Default none: "
        "then `from` and `until` say when.",
    )
    duration_s: PositiveDuration | None = Field(
        default=None,
        alias="duration",
        description="How long it is in force from each start, a duration of elapsed time, at most 31d. Default none; "
        "`start` needs it.",
    )
    from_time: LocalTime | None = Field(
        default=None,
        alias="from",
        description="When it begins, once: local date and time such as 2026-12-01T18:00. Default none: then `start` "
        "and `duration` say when.",
    )
    until_time: LocalTime | None = Field(
        default=None,
        alias="until",
        description="When it ends, once: local date and time, at most 366 days later. Default none; `from` needs it.",
    )
    timezone: ZoneName = Field(
        description="IANA time zone of start, from, until and except. Required: a default would be wrong for most by "
        "hours."
    )
    at_least: Amount | None = Field(
        default=None, description="Floor while in force, and from `ahead` before. Default none."
    )
    at_most: Amount | None = Field(default=None, description="Ceiling while in force. Default none.")
    multiply: Number | None = Field(
        default=None,
        gt=1,
        le=100,
        description="Factor on the demand that there would be without the event, 1 to 100: the floor covers the larger "
        "of this and of the forecast, which may know of the event already. Default none.",
    )
    except_dates: tuple[LocalDate, ...] = Field(
        default=(), alias="except", description="Local dates on which `start` does not begin. Default none."
    )
    ahead_s: AutoDuration = Field(
        default=None,
        alias="ahead",
        description="How long before the start the floor begins, a duration. Default auto: the lead time, in which "
        "placeholders bring the nodes first; it is also the least, since a floor that begins later is late.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        Conflicts.check([*self._when(), *self._what()])
        return self

    def _when(self) -> Iterator[Conflict]:
        """What is wrong with the time."""
        cron, once = (self.start, self.duration_s), (self.from_time, self.until_time)
        if any(v is not None for v in cron) and any(v is not None for v in once):
            place = "from" if self.from_time is not None else "until"
            yield Conflict((place,), "a schedule comes again or once, not both", "remove start and duration, or these")
        elif all(v is None for v in (*cron, *once)):
            hint = 'add `start: "0 9 * * mon-fri"` and `duration: 3h`, or `from` and `until`'
            yield Conflict((), "does not say when", hint)
        elif self.start is not None and self.duration_s is None:
            yield Conflict(("start",), "needs a duration", "add `duration: 3h`")
        elif self.duration_s is not None and self.start is None:
            yield Conflict(("duration",), "needs a start", 'add `start: "0 9 * * mon-fri"`')
        elif self.from_time is not None and self.until_time is None:
            yield Conflict(("from",), "needs an end", f"add `until: {_minute(self.from_time + SOME_TIME)}`")
        elif self.until_time is not None and self.from_time is None:
            yield Conflict(("until",), "needs a begin", f"add `from: {_minute(self.until_time - SOME_TIME)}`")
        elif self.from_time is not None and self.until_time is not None:
            yield from self._window(self.from_time, self.until_time)

    def _window(self, begin: datetime, end: datetime) -> Iterator[Conflict]:
        if end <= begin:
            hint = f"write a time after {_minute(begin)}"
            yield Conflict(("until",), "ends before it begins", hint)
        elif end - begin > LONGEST_WINDOW:
            hint = f"write at most {_minute(begin + LONGEST_WINDOW)}"
            yield Conflict(("until",), f"longer than {LONGEST_WINDOW.days} days", hint)
        if self.except_dates:
            yield Conflict(("except",), "what comes once has no exceptions", "remove `except`")

    def _what(self) -> Iterator[Conflict]:
        """What is wrong with what it asks for."""
        floors = self.at_least is not None or self.multiply is not None
        if not floors and self.at_most is None:
            yield Conflict((), "says nothing", "add `atLeast: {replicas: 8}`, atMost or multiply")
        if not floors and self.ahead_s is not None:
            yield Conflict(("ahead",), "a ceiling does not begin ahead", "remove `ahead` or add atLeast")
        if self.at_least is not None and self.at_most is not None and self.at_least.replicas > self.at_most.replicas:
            hint = f"write `{self.at_most.replicas}` or less"
            yield Conflict(("atLeast", "replicas"), "atLeast is above atMost", hint)


class CalendarDays(Part):
    """Days that are unlike their weekday, such as holidays, from a file in the iCalendar format."""

    ics: FileName = Field(description="Name of a file beside this one, iCalendar (RFC 5545). Required.")
    day_type: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        default="sunday",
        description="The weekday that schedules take its days for. Default sunday: holidays are quiet.",
    )
