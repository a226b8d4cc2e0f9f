"""What the schedules of a policy say at a time: cron, duration and time zone, as floors and ceilings.

A schedule is in force from its start (included) for its duration (excluded), counted in elapsed time: `22:00 for 8h`
ends an hour later or earlier by the clock in the two nights when clocks change. It does not begin on the local dates
under `except`; what began the day before goes on past midnight.

Where clocks change, as in Debian's cron: a start at a fixed hour that is skipped in spring is at the next time that
exists (02:30 becomes 03:00), one that comes twice in autumn counts once, the first time. A start whose hour or minute
begins with `*` follows the clock instead: skipped hours are skipped, doubled ones count twice. (Where clocks move by
half an hour, on Lord Howe Island alone, cronsim can miss such a start with `*` on that day.)

Starts are worked out as far as they are asked for and forgotten once they are past, so a replay that asks every few
seconds walks each cron once; asking for an earlier time is allowed and begins anew.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from autoscaler.policy.model import Schedule


class Occurrences:
    """When one schedule is in force, in seconds since the epoch."""

    def __init__(self, start: str, duration_s: float, zone: ZoneInfo, except_dates: frozenset[date]) -> None:
        self._start, self._duration_s, self._zone, self._except = start, duration_s, zone, except_dates
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

    def _begin(self, from_s: float) -> None:
        """Starts anew at the earliest start that can still be in force at `from_s`."""
        self._spans.clear()
        self._starts = self._walk(from_s - self._duration_s)
        self._next_s = next(self._starts, math.inf)

    def _walk(self, after_s: float) -> Iterator[float]:
        for start in CronSim(self._start, datetime.fromtimestamp(after_s, self._zone)):
            if start.date() not in self._except:
                yield start.timestamp()

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
    ahead_s: float | None


@dataclass(frozen=True, slots=True)
class Book:
    """The schedules of one policy."""

    rules: tuple[Rule, ...]

    def at_least(self, from_s: float, until_s: float) -> int | None:
        """The largest floor in force at any time in between, None where there is none.

        `until_s` - `from_s` is the lead time; a rule with a longer `ahead` looks that far.
        """
        return max(
            (
                rule.at_least
                for rule in self.rules
                if rule.at_least is not None and rule.when.touch(from_s, max(until_s, from_s + (rule.ahead_s or 0.0)))
            ),
            default=None,
        )

    def at_most(self, at_s: float) -> int | None:
        """The smallest ceiling in force, None where there is none."""
        return min(
            (rule.at_most for rule in self.rules if rule.at_most is not None and rule.when.touch(at_s, at_s)),
            default=None,
        )


def book(schedules: Sequence[Schedule]) -> Book | None:
    """The schedules as a book; None where there are none."""
    return Book(tuple(_rule(schedule) for schedule in schedules)) if schedules else None


def _rule(schedule: Schedule) -> Rule:
    when = Occurrences(
        schedule.start, schedule.duration_s, ZoneInfo(schedule.timezone), frozenset(schedule.except_dates)
    )
    least, most = schedule.at_least, schedule.at_most
    return Rule(
        when, None if least is None else least.replicas, None if most is None else most.replicas, schedule.ahead_s
    )
