"""What the schedules of a policy say at a time: cron, duration and time zone, as floors and ceilings.

A schedule is in force from its start (included) for its duration (excluded), counted in elapsed time: `22:00 for 8h`
ends an hour later or earlier by the clock in the two nights when clocks change. It does not begin on the local dates
under `except`; what began the day before goes on past midnight. On the days of a calendar its weekday is that of the
calendar's day type: what begins `mon-fri` does not begin on a holiday that is taken for a sunday, what begins `sun`
does. A schedule with `from` and `until` is in force once, whatever the calendars say.

Where clocks change, as in Debian's cron: a start at a fixed hour that is skipped in spring is at the next time that
exists (02:30 becomes 03:00), one that comes twice in autumn counts once, the first time. A start whose hour or minute
begins with `*` follows the clock instead: skipped hours are skipped, doubled ones count twice. (Where clocks move by
half an hour, on Lord Howe Island alone, cronsim can miss such a start with `*` on that day.) A `from` or `until` that
is skipped counts as if clocks had not yet changed, one that comes twice counts the first time.

Starts are worked out as far as they are asked for and forgotten once they are past, so a replay that asks every few
seconds walks each cron once; asking for an earlier time is allowed and begins anew.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from cronsim import CronSim

from autoscaler.policy.calendar import Days
from autoscaler.policy.timetable import WEEKDAYS, CalendarDays, Schedule

DayTypes = Sequence[tuple[int, Days]]
"""Weekday (0 is monday) that days are taken for; the first that has a day counts."""
Starts = Callable[[float], Iterator[float]]
"""Seconds since the epoch -> the starts after them, in order."""


class TypedCron(CronSim):
    """A cron walk on which some days have another weekday."""

    day_types: DayTypes = ()

    def match_dow(self, d: date) -> bool:
        """Whether the weekday fits, which on a typed day no count within the month restricts."""
        for weekday, days in self.day_types:
            if d in days:
                return weekday + 1 in self.weekdays or (weekday + 1) % 7 in self.weekdays
        return super().match_dow(d)


class Occurrences:
    """When one schedule is in force, in seconds since the epoch: for `duration_s` from each start."""

    def __init__(self, walk: Starts, duration_s: float) -> None:
        self._walk, self._duration_s = walk, duration_s
        self._starts: Iterator[float] = iter(())
        self._next_s = -math.inf
        self._asked_s = math.inf
        self._spans: deque[tuple[float, float]] = deque()

    def touch(self, from_s: float, until_s: float) -> bool:
        """Whether it is in force at any time in between, both ends included."""
        if from_s < self._asked_s or self._next_s < from_s - self._duration_s:
            self._begin(from_s)
        self._asked_s = from_s
        while self._spans and self._spans[0][1] <= from_s:
            self._spans.popleft()
        while self._next_s <= until_s:
            self._add(self._next_s, from_s)
            self._next_s = next(self._starts, math.inf)
        return bool(self._spans) and self._spans[0][0] <= until_s

    @property
    def begin_s(self) -> float:
        """When what was found last began, or begins."""
        return self._spans[0][0] if self._spans else math.inf

    def _begin(self, from_s: float) -> None:
        """Starts anew at the earliest start that can still be in force at `from_s`."""
        self._spans.clear()
        self._starts = self._walk(from_s - self._duration_s)
        self._next_s = next(self._starts, math.inf)

    def _add(self, start_s: float, from_s: float) -> None:
        end_s = start_s + self._duration_s
        if end_s <= from_s:
            return
        if self._spans and start_s <= self._spans[-1][1]:
            start_s, end_s = self._spans[-1][0], max(end_s, self._spans[-1][1])
            self._spans.pop()
        self._spans.append((start_s, end_s))


@dataclass(frozen=True, slots=True)
class Rule:
    """One schedule: when, and what it asks for; `ahead_s` None means the lead time that the caller looks ahead."""

    when: Occurrences
    at_least: int | None
    at_most: int | None
    multiply: float | None
    ahead_s: float | None

    def near(self, from_s: float, until_s: float) -> bool:
        """Whether it is in force at any time in between; a longer `ahead` looks that far."""
        return self.when.touch(from_s, max(until_s, from_s + (self.ahead_s or 0.0)))


@dataclass(frozen=True, slots=True)
class Book:
    """The schedules of one policy."""

    rules: tuple[Rule, ...]

    def at_least(self, from_s: float, until_s: float) -> int | None:
        """The largest floor in force at any time in between, None where there is none.

        `until_s` - `from_s` is the lead time; a rule with a longer `ahead` looks that far.
        """
        return max((r.at_least for r in self.rules if r.at_least is not None and r.near(from_s, until_s)), default=None)

    def at_most(self, at_s: float) -> int | None:
        """The smallest ceiling in force, None where there is none."""
        return min((r.at_most for r in self.rules if r.at_most is not None and r.when.touch(at_s, at_s)), default=None)

    def multiply(self, from_s: float, until_s: float) -> tuple[float, float] | None:
        """The largest factor in force at any time in between, as `at_least`, and since when it has been near."""
        near = [(r.multiply, r) for r in self.rules if r.multiply is not None and r.near(from_s, until_s)]
        if not near:
            return None
        begin_s = min(r.when.begin_s - max(until_s - from_s, r.ahead_s or 0.0) for _, r in near)
        return max(factor for factor, _ in near), begin_s

    def multiplies(self) -> bool:
        """Whether a factor is ever in force."""
        return any(rule.multiply is not None for rule in self.rules)


def book(schedules: Sequence[Schedule], day_types: DayTypes = ()) -> Book | None:
    """The schedules as a book; None where there are none."""
    return Book(tuple(_rule(schedule, day_types) for schedule in schedules)) if schedules else None


def day_types(calendars: Sequence[CalendarDays], days: Sequence[Days]) -> DayTypes:
    """The days of each calendar of a policy with the weekday that they are taken for."""
    return [(WEEKDAYS.index(c.day_type), d) for c, d in zip(calendars, days, strict=True)]


def _rule(schedule: Schedule, typed: DayTypes) -> Rule:
    least, most = schedule.at_least, schedule.at_most
    return Rule(
        _occurrences(schedule, typed),
        None if least is None else least.replicas,
        None if most is None else most.replicas,
        schedule.multiply,
        schedule.ahead_s,
    )


def _occurrences(schedule: Schedule, typed: DayTypes) -> Occurrences:
    zone, skipped = ZoneInfo(schedule.timezone), frozenset(schedule.except_dates)
    if schedule.from_time is not None and schedule.until_time is not None:
        begin_s, end_s = (t.replace(tzinfo=zone).timestamp() for t in (schedule.from_time, schedule.until_time))
        return Occurrences(partial(_once, begin_s), end_s - begin_s)
    assert schedule.start is not None
    assert schedule.duration_s is not None
    return repeated(schedule.start, schedule.duration_s, zone, skipped, typed)


def repeated(
    start: str, duration_s: float, zone: ZoneInfo, skipped: frozenset[date] = frozenset(), typed: DayTypes = ()
) -> Occurrences:
    """What begins by a cron expression but on `skipped` dates."""
    return Occurrences(partial(_walk, start, zone, skipped, typed), duration_s)


def _once(begin_s: float, after_s: float) -> Iterator[float]:
    return iter((begin_s,) if begin_s >= after_s else ())


def _walk(start: str, zone: ZoneInfo, skipped: frozenset[date], typed: DayTypes, after_s: float) -> Iterator[float]:
    cron = TypedCron(start, datetime.fromtimestamp(after_s, zone))
    cron.day_types = typed
    return (begin.timestamp() for begin in cron if begin.date() not in skipped)
