"""Calendars: which days they have, how they repeat, what is refused; and what schedules make of their days."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from autoscaler.policy.calendar import CalendarError, Days, read_days
from autoscaler.policy.schedule import book
from autoscaler.policy.timetable import Schedule


def calendar(*events: str) -> bytes:
    """A calendar of these events, each the lines of one."""
    made = [f"BEGIN:VEVENT\nUID:{n}\nSUMMARY:day {n}\n{event}\nEND:VEVENT" for n, event in enumerate(events)]
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *made, "END:VCALENDAR", ""]).replace("\n", "\r\n").encode()


def days_of(days: Days, year: int) -> list[str]:
    """The days of a year, as MM-DD."""
    first = date(year, 1, 1)
    there = (first + timedelta(days=n) for n in range(366))
    return [f"{day:%m-%d}" for day in there if day.year == year and day in days]


@pytest.mark.parametrize(
    ("event", "year", "expected"),
    [
        pytest.param("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227", 2026, ["12-25", "12-26"], id="two days"),
        pytest.param("DTSTART;VALUE=DATE:20261225", 2026, ["12-25"], id="no end"),
        pytest.param("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY", 2031, ["12-25"], id="every year for ever"),
        pytest.param("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY", 2025, [], id="not before the first"),
        pytest.param("DTSTART;VALUE=DATE:20251230\nDTEND;VALUE=DATE:20260103", 2026, ["01-01", "01-02"], id="new year"),
        pytest.param("DTSTART;VALUE=DATE:20000529\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO", 2026, ["05-25"], id="last"),
        pytest.param(
            "DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=WEEKLY;INTERVAL=2;UNTIL=20260210T000000Z\n"
            "EXDATE;VALUE=DATE:20260119",
            2026, ["01-05", "02-02"], id="every other week but one",
        ),
        pytest.param("DTSTART;VALUE=DATE:20260105\nRRULE:FREQ=DAILY;COUNT=3", 2026, ["01-05", "01-06", "01-07"],
                     id="counted"),
        pytest.param("DTSTART;TZID=Europe/Berlin:20260601T220000\nDTEND;TZID=Europe/Berlin:20260602T020000", 2026,
                     ["06-01", "06-02"], id="past midnight"),
        pytest.param("DTSTART;TZID=Europe/Berlin:20260601T100000\nDTEND;TZID=Europe/Berlin:20260602T000000", 2026,
                     ["06-01"], id="to midnight"),
    ],
)  # fmt: skip
def test_days_of_an_event(event: str, year: int, expected: list[str]) -> None:
    assert days_of(read_days(calendar(event)), year) == expected


def test_a_daily_rule_has_the_days_that_a_walk_from_its_start_has() -> None:
    days = read_days(calendar("DTSTART;VALUE=DATE:19700103\nRRULE:FREQ=DAILY;INTERVAL=3"))
    walked = {date(1970, 1, 3) + timedelta(days=3 * n) for n in range(25_000)}
    assert days_of(days, 2026) == sorted(f"{day:%m-%d}" for day in walked if day.year == 2026)


def test_a_moved_day_counts_where_it_went_and_a_cancelled_one_not_at_all() -> None:
    text = calendar(
        "DTSTART;VALUE=DATE:20260501\nRRULE:FREQ=YEARLY",
        "DTSTART;VALUE=DATE:20270503\nRECURRENCE-ID;VALUE=DATE:20270501",
        "DTSTART;VALUE=DATE:20270601\nSTATUS:CANCELLED",
    ).replace(b"UID:1", b"UID:0")
    assert days_of(read_days(text), 2027) == ["05-03"]


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        pytest.param(b"", "not a calendar", "iCalendar", id="empty"),
        pytest.param(b"kind: Budget\n", "not a calendar", "iCalendar", id="yaml"),
        pytest.param(b"\xff\xfe\x00", "not UTF-8", "UTF-8", id="not text"),
        pytest.param(calendar(), "no event", "add the days", id="no event"),
        pytest.param(calendar("COMMENT:x"), "cannot be read", "DTSTART", id="no start"),
        pytest.param(calendar("DTSTART:tomorrow"), "cannot be read", "tomorrow", id="no date"),
        pytest.param(calendar("DTSTART;VALUE=DATE:20260101\nDTEND;VALUE=DATE:20250101"), "days long", "DTEND",
                     id="ends before"),
        pytest.param(calendar("DTSTART;VALUE=DATE:19000101"), "begins in 1900", "1970", id="long ago"),
        pytest.param(calendar("DTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY"), "within a day", "events", id="seconds"),
        pytest.param(calendar("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "no month has",
                     "events", id="30 February"),
        pytest.param(calendar("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=MONTHLY;BYDAY=6MO"), "no month has", "events",
                     id="sixth monday"),
        pytest.param(calendar("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYMONTH=13"), "no year has", "events",
                     id="month 13"),
        pytest.param(calendar("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYSETPOS=1;BYDAY=MO"), "BYSETPOS",
                     "events", id="unknown part"),
        pytest.param(calendar("DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=OFTEN"), "cannot be read", "OFTEN", id="often"),
        pytest.param(calendar(*["DTSTART;VALUE=DATE:20260101"] * 1001), "1001 events", "1000", id="too many"),
    ],
)  # fmt: skip
def test_what_is_no_calendar_says_so(data: bytes, message: str, hint: str) -> None:
    with pytest.raises(CalendarError) as caught:
        read_days(data)
    assert message in caught.value.message
    assert hint in caught.value.hint


def floor(day: str, start: str, day_type: int) -> bool:
    """Whether a schedule of an hour from nine is in force at half past nine, where 25 December has another weekday."""
    schedule = Schedule.model_validate(
        {"name": "s", "start": start, "duration": "1h", "timezone": "Europe/Berlin", "atLeast": {"replicas": 8}}
    )
    days = read_days(calendar("DTSTART;VALUE=DATE:20261225\nRRULE:FREQ=YEARLY"))
    made = book([schedule], [(day_type, days)])
    assert made is not None
    at_s = datetime.fromisoformat(f"{day}T09:30").replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    return made.at_least(at_s, at_s) is not None


def test_schedules_take_the_day_for_its_day_type() -> None:
    monday, sunday = 0, 6
    assert not floor("2026-12-25", "0 9 * * mon-fri", sunday)
    assert floor("2026-12-24", "0 9 * * mon-fri", sunday)
    assert floor("2026-12-25", "0 9 * * sun", sunday)
    assert floor("2026-12-25", "0 9 * * mon", monday)
    assert floor("2026-12-25", "0 9 * * *", sunday)
