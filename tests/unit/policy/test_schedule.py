"""Schedules at the moments that go wrong: clock changes, midnight, exceptions, edges, and questions in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.policy.schedule import Book, book, repeated
from autoscaler.policy.timetable import Schedule


def at(text: str) -> float:
    """Seconds since the epoch of a time with its offset, such as `2026-03-29T01:00Z`."""
    return datetime.fromisoformat(text).timestamp()


def schedules(*changes: dict[str, object]) -> Book:
    """Floors of 8 at nine in Berlin for an hour, with changes."""
    usual = {"start": "0 9 * * *", "duration": "1h", "timezone": "Europe/Berlin", "atLeast": {"replicas": 8}}
    made = book([Schedule.model_validate({"name": f"s{n}", **usual, **change}) for n, change in enumerate(changes)])
    assert made is not None
    return made


def in_force(asked: Book, times: list[str]) -> list[bool]:
    """Whether the floor is in force at each of these times."""
    return [asked.at_least(at(time), at(time)) is not None for time in times]


def test_no_schedules_no_book() -> None:
    assert book([]) is None


@pytest.mark.parametrize(
    ("start", "times", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            ["2026-03-29T00:59Z", "2026-03-29T01:00Z", "2026-03-29T01:59Z", "2026-03-29T02:00Z"],
            [False, True, True, False],
            id="skipped-in-spring-begins-when-there-is-a-clock-again",
        ),
        pytest.param(
            "30 2 * * *",
            ["2026-10-25T00:29Z", "2026-10-25T00:30Z", "2026-10-25T01:29Z", "2026-10-25T01:30Z", "2026-10-25T02:29Z"],
            [False, True, True, False, False],
            id="doubled-in-autumn-counts-once",
        ),
        pytest.param(
            "*/60 2 * * *",
            ["2026-03-29T00:30Z", "2026-03-29T01:30Z", "2026-10-25T00:30Z", "2026-10-25T01:30Z", "2026-10-25T02:00Z"],
            [False, False, True, True, False],
            id="a-star-follows-the-clock",
        ),
        pytest.param(
            "0 9 * * *",
            ["2026-03-28T08:00Z", "2026-03-29T07:00Z", "2026-03-29T08:00Z", "2026-10-24T07:00Z", "2026-10-25T08:00Z"],
            [True, True, False, True, True],
            id="nine-by-the-clock-on-both-sides",
        ),
    ],
)
def test_when_clocks_change_in_berlin(start: str, times: list[str], expected: list[bool]) -> None:
    assert in_force(schedules({"start": start}), times) == expected


@pytest.mark.parametrize(
    ("night", "end"),
    [
        pytest.param("2026-03-28", "2026-03-29T07:00+02:00", id="spring"),
        pytest.param("2026-06-01", "2026-06-02T06:00+02:00", id="summer"),
        pytest.param("2026-10-24", "2026-10-25T05:00+01:00", id="autumn"),
    ],
)
def test_a_night_crosses_midnight_and_lasts_eight_real_hours(night: str, end: str) -> None:
    ceiling = schedules({"start": "0 22 * * *", "duration": "8h", "atLeast": None, "atMost": {"replicas": 4}})
    assert ceiling.at_most(at(f"{night}T22:30Z")) == 4
    assert ceiling.at_most(at(end) - 1) == 4
    assert ceiling.at_most(at(end)) is None


def test_exceptions_are_the_local_date_of_the_start() -> None:
    nights = schedules({"start": "30 23 * * *", "duration": "2h", "except": ["2026-12-25"]})
    assert in_force(nights, ["2026-12-25T00:30+01:00", "2026-12-25T23:45+01:00", "2026-12-26T00:30+01:00"]) == [
        True,
        False,
        False,
    ]
    early = schedules({"start": "30 0 * * *", "except": ["2026-12-25"]})
    assert in_force(early, ["2026-12-24T00:45+01:00", "2026-12-24T23:45Z", "2026-12-26T00:45+01:00"]) == [
        True,
        False,
        True,
    ]


def test_weekdays_only() -> None:
    week = [f"2026-06-{day:02}T09:30+02:00" for day in range(1, 8)]
    assert in_force(schedules({"start": "0 9 * * mon-fri"}), week) == [True] * 5 + [False] * 2


def test_the_floor_begins_the_lead_time_ahead_or_more() -> None:
    start = at("2026-06-01T09:00+02:00")
    auto, early, short = schedules({}), schedules({"ahead": "2h"}), schedules({"ahead": "1m"})
    assert [b.at_least(start - 300, start) for b in (auto, early, short)] == [8, 8, 8]
    assert [b.at_least(start - 301, start - 1) for b in (auto, early, short)] == [None, 8, None]
    assert early.at_least(start - 7200, start - 6900) == 8
    assert early.at_least(start - 7201, start - 6901) is None


def test_a_ceiling_does_not_begin_ahead() -> None:
    start = at("2026-06-01T09:00+02:00")
    both = schedules({"atMost": {"replicas": 9}, "ahead": "2h"})
    assert (both.at_least(start - 60, start), both.at_most(start - 60), both.at_most(start)) == (8, None, 9)


def test_the_largest_floor_and_the_smallest_ceiling() -> None:
    asked = schedules(
        {},
        {"start": "30 9 * * *", "atLeast": {"replicas": 12}, "atMost": {"replicas": 20}},
        {"start": "30 9 * * *", "atLeast": None, "atMost": {"replicas": 15}},
        {"start": "0 12 * * *", "atLeast": {"replicas": 99}},
    )
    nine = at("2026-06-01T09:00+02:00")
    assert [asked.at_least(nine + s, nine + s) for s in (0, 1800, 3600, 5400)] == [8, 12, 12, None]
    assert [asked.at_most(nine + s) for s in (0, 1800, 5399, 5400)] == [None, 15, 15, None]


def test_back_to_back_starts_leave_no_gap() -> None:
    always = schedules({"start": "*/10 * * * *", "duration": "10m"})
    begin = at("2026-06-01T00:00Z")
    assert all(always.at_least(begin + s, begin + s) == 8 for s in range(0, 7200, 7))


MINUTES = st.integers(0, 59)
STARTS = st.builds(
    lambda minute, hour, day: f"{minute} {hour} * * {day}",
    MINUTES,
    st.integers(0, 23),
    st.sampled_from(["*", "mon-fri", "sun", "2,4"]),
)
QUESTIONS = st.lists(st.tuples(st.integers(0, 40 * 96), st.integers(0, 8)), min_size=1, max_size=20)


@settings(max_examples=100, deadline=None)
@given(STARTS, st.integers(1, 4 * 96), QUESTIONS)
def test_as_counted_day_by_day_whatever_the_order(start: str, quarters: int, questions: list[tuple[int, int]]) -> None:
    """Against every start of two months written out, in UTC: no questions before may change an answer."""
    asked = schedules({"start": start, "duration": f"{quarters * 15}m", "timezone": "UTC"})
    minute, hour, _, _, days = start.split()
    wanted = {"*": {0, 1, 2, 3, 4, 5, 6}, "mon-fri": {0, 1, 2, 3, 4}, "sun": {6}, "2,4": {1, 3}}[days]
    first = datetime(2026, 2, 1, int(hour), int(minute), tzinfo=UTC)
    starts = [day.timestamp() for n in range(60) if (day := first + timedelta(days=n)).weekday() in wanted]
    begin = datetime(2026, 2, 10, tzinfo=UTC).timestamp()
    for quarter, length in questions:
        from_s = begin + quarter * 900.0
        until_s = from_s + length * 900.0
        expected = any(s <= until_s and s + quarters * 900.0 > from_s for s in starts)
        assert (asked.at_least(from_s, until_s) is not None) == expected


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["30 2 * * *", "*/20 2 * * *", "0 */3 * * *", "0 2 * * sun"]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "America/Santiago", "UTC"]),
    st.lists(st.integers(0, 365 * 24 * 4), min_size=2, max_size=12),
)
def test_a_book_that_was_asked_before_answers_as_a_fresh_one(start: str, zone: str, quarters: list[int]) -> None:
    used = schedules({"start": start, "timezone": zone})
    begin = at("2026-01-01T00:00Z")
    for quarter in quarters:
        now = begin + quarter * 900.0
        fresh = schedules({"start": start, "timezone": zone})
        assert used.at_least(now, now + 300.0) == fresh.at_least(now, now + 300.0)


class CountedZone(ZoneInfo):
    """A time zone that counts how often it is looked at: every step of a cron looks at it."""

    looks = 0

    def utcoffset(self, dt: datetime | None, /) -> timedelta | None:
        CountedZone.looks += 1
        return super().utcoffset(dt)


def test_two_weeks_of_ticks_walk_the_cron_once() -> None:
    occurrences = repeated("0 9 * * *", 3600.0, CountedZone("Europe/Berlin"))
    before = CountedZone.looks
    begin = at("2026-06-01T00:00Z")
    ticks = 14 * 96
    hits = [occurrences.touch(begin + tick * 900.0, begin + tick * 900.0 + 300.0) for tick in range(ticks)]
    assert sum(hits) == 14 * 4
    assert 14 <= CountedZone.looks - before < ticks / 4


def test_a_jump_of_years_walks_no_years() -> None:
    occurrences = repeated("* * * * *", 30.0, CountedZone("Europe/Berlin"))
    before = CountedZone.looks
    assert occurrences.touch(at("2026-06-01T00:00Z"), at("2026-06-01T00:00Z"))
    assert not occurrences.touch(at("2046-06-01T00:00:30Z"), at("2046-06-01T00:00:59Z"))
    assert occurrences.touch(at("2026-06-01T00:00Z"), at("2026-06-01T00:00Z"))
    assert CountedZone.looks - before < 100
