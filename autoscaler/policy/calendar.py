"""Calendars of days: files in the iCalendar format (RFC 5545), read by `icalendar`, repeated by `dateutil`.

Each local date that an event touches is a day of the calendar; the end of an event without hours is the day after its
last, as the format has it. What repeats is worked out a year at a time, so a rule that never ends costs nothing. Rules
that name no day at all, or that are finer than days, are refused: looking for their next day would never end.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from dateutil.rrule import rrule, rrulestr
from icalendar import Calendar, Event

ONE_DAY = timedelta(days=1)
MOST_EVENTS, MOST_DAYS = 1000, 366
FIRST_YEAR = 1970
KNOWN_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY"})
PERIODS = {"DAILY": 1, "WEEKLY": 7}
MOST_COUNT = 1000
Parts = dict[str, list[Any]]
"""The parts of a rule, as `icalendar` reads them: numbers, texts and times."""
LARGE_DAY = 28
"""Each month has this day."""


class CalendarError(ValueError):
    """A file that is no usable calendar: `message`, and a hint how to make it one."""

    def __init__(self, message: str, hint: str) -> None:
        self.message, self.hint = message, hint
        super().__init__(f"{message}; {hint}")


@dataclass(frozen=True, slots=True)
class _Days:
    """An event: its first date, how many it touches, how it repeats, and the first dates on which it does not."""

    first: date
    length: int
    rule: str
    without: frozenset[date]

    def of_year(self, year: int) -> Iterator[date]:
        for first in self._firsts(year):
            if first not in self.without:
                yield from (first + n * ONE_DAY for n in range(self.length))

    def _firsts(self, year: int) -> Iterator[date]:
        """First dates of the repetitions that may touch the year."""
        if not self.rule:
            yield self.first
            return
        begin, end = date(year, 1, 1) - self.length * ONE_DAY, date(year, 12, 31)
        for at in _rule(self.rule, self._shifted(begin)).between(_midnight(begin), _midnight(end), inc=True):
            yield at.date()

    def _shifted(self, begin: date) -> date:
        """A start of the same rhythm that is nearer, where the rhythm is one of days and nothing is counted."""
        parts = dict(part.split("=", 1) for part in self.rule.split(";"))
        period = PERIODS.get(parts["FREQ"], 0) * int(parts.get("INTERVAL", "1"))
        if not period or "COUNT" in parts or begin <= self.first:
            return self.first
        return self.first + ((begin - self.first).days // period) * period * ONE_DAY


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """The days of a calendar."""

    events: tuple[_Days, ...]
    _years: dict[int, frozenset[date]] = field(default_factory=dict)

    def __contains__(self, day: date) -> bool:
        """Whether the calendar has this day."""
        if day.year not in self._years:
            self._years[day.year] = frozenset(d for e in self.events for d in e.of_year(day.year) if d.year == day.year)
        return day in self._years[day.year]


@lru_cache(maxsize=64)
def read_days(data: bytes) -> Days:
    """The days of a calendar file. Raises CalendarError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CalendarError("not UTF-8", "save it as UTF-8") from None
    try:
        events = list(Calendar.from_ical(text).walk("VEVENT"))
    except ValueError as error:
        said = repr(str(error).partition("\n")[0][:80]) if str(error) else type(error).__name__
        raise CalendarError("not a calendar", f"export it as iCalendar (.ics): {said}") from None
    if len(events) > MOST_EVENTS:
        raise CalendarError(f"{len(events)} events", f"keep at most {MOST_EVENTS}: the days that matter")
    there = [e for e in events if isinstance(e, Event) and str(e.get("STATUS", "")).upper() != "CANCELLED"]
    if not there:
        raise CalendarError("no event in it", "add the days, or remove the calendar")
    moved: defaultdict[str, set[date]] = defaultdict(set)
    for event in events:
        if isinstance(event, Event) and "RECURRENCE-ID" in event:
            _check_readable(event)
            moved[str(event.get("UID"))].add(_date(event.RECURRENCE_ID or date.min))
    return Days(tuple(_days(event, moved[str(event.get("UID"))]) for event in there))


def _name(event: Event) -> str:
    return f"event {str(event.get('SUMMARY', '')).strip()[:40] or 'without a name'!r}"


def _check_readable(event: Event) -> None:
    """Raises CalendarError where a field of it is not what the format wants."""
    if event.errors or "DTSTART" not in event:
        said = str(event.errors[0][1]).splitlines()[0][:120] if event.errors else "no DTSTART"
        raise CalendarError(f"{_name(event)} cannot be read", said)


def _days(event: Event, moved: Set[date]) -> _Days:
    """`moved`: dates of a repeated event that an event of their own stands for."""
    _check_readable(event)
    name = _name(event)
    try:
        begin, end = event.start, event.end
    except ValueError as error:
        raise CalendarError(f"{name} cannot be read", str(error).splitlines()[0][:120]) from None
    first, last = _date(begin), _last(begin, end)
    if last < first or (last - first).days >= MOST_DAYS:
        raise CalendarError(f"{name} is not between 1 and {MOST_DAYS} days long", "correct its DTEND")
    if first.year < FIRST_YEAR:
        raise CalendarError(f"{name} begins in {first.year}", f"begin in {FIRST_YEAR} or later")
    without = frozenset(_date(day) for day in event.exdates)
    if "RECURRENCE-ID" not in event:
        without |= moved
    return _Days(first, (last - first).days + 1, _rule_text(event, name, first), without)


def _date(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _last(begin: date, end: date) -> date:
    """The last date that an event touches."""
    if not isinstance(end, datetime):
        return end - ONE_DAY if end != begin else end
    touches = end.time() > time() or end == begin
    return end.date() if touches else end.date() - ONE_DAY


def _rule_text(event: Event, name: str, first: date) -> str:
    """The rule by which it repeats, as text without times; empty where it does not."""
    if not event.rrules and not event.rdates:
        return ""
    if len(event.rrules) != 1 or event.rdates:
        raise CalendarError(f"{name} repeats by more than one rule", "write an event for each")
    parts: Parts = {str(key).upper(): list(values) for key, values in event.rrules[0].items()}
    wrong = _unusable(parts)
    if wrong:
        raise CalendarError(f"{name}: {wrong}", "write the days as events of their own")
    if "UNTIL" in parts:
        parts["UNTIL"] = [f"{_date(parts['UNTIL'][0]):%Y%m%d}"]
    text = ";".join(f"{key}={','.join(str(v) for v in values)}" for key, values in parts.items())
    try:
        _rule(text, first)
    except (ValueError, TypeError) as error:
        raise CalendarError(f"{name}: a rule that cannot be read", str(error)[:120]) from None
    return text


def _unusable(parts: Parts) -> str:
    """Why a rule cannot be used here, or nothing."""
    frequency = str(parts.get("FREQ", [""])[0])
    months, days, weekdays = ([*parts.get(k, [])] for k in ("BYMONTH", "BYMONTHDAY", "BYDAY"))
    interval, count = int(parts.get("INTERVAL", [1])[0]), int(parts.get("COUNT", [1])[0])
    ordinals = [str(day).rstrip("MOTUWEHFRSA") for day in weekdays]
    monthly = frequency == "MONTHLY" or bool(months)
    there = [int(m) for m in months if 1 <= int(m) <= 12]
    longest = max((calendar.monthrange(2024, m)[1] for m in there), default=31)
    reasons = {
        "names a month that no year has": len(there) < len(months),
        "repeats within a day": frequency not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY"),
        f"repeats by {', '.join(sorted(set(parts) - KNOWN_PARTS))}": bool(set(parts) - KNOWN_PARTS),
        f"repeats more than {MOST_COUNT} times": count > MOST_COUNT,
        "repeats every so many periods that a day may never come": not 1 <= interval <= 100
        or (interval > 1 and any(abs(int(d)) > LARGE_DAY for d in days)),
        "names a day that no month has": bool(days) and all(abs(int(d)) > longest for d in days),
        "names a weekday that no month has": bool(days and any(ordinals))
        or (monthly and any(abs(int(n)) > 5 for n in ordinals if n)),
    }
    return next((reason for reason, found in reasons.items() if found), "")


def _rule(text: str, first: date) -> rrule:
    return rrulestr(text, dtstart=_midnight(first))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())
