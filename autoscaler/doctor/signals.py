"""Queries of policies: whether they answer one plausible number of now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from autoscaler.doctor.facts import Facts, Signal, line
from autoscaler.doctor.finding import Check, Finding, Kind, Level, check, not_told, waits

TOPIC = "signals"
REFUSED = Kind(
    "QueryRefused",
    Level.ERROR,
    "The metric store does not understand the query.",
    "Correct the query; try it in the store's own page.",
)
EMPTY = Kind(
    "QueryEmpty",
    Level.ERROR,
    "The query answers nothing: a name or a label is wrong, nobody scrapes the target, or it is not there yet. The "
    "signal is missing, and a missing signal never scales in.",
    "Look for the metric in the store without its labels; for one that is born with the first request add "
    "`or vector(0)`, if nothing really means none.",
)
SEVERAL = Kind(
    "QuerySeveral",
    Level.ERROR,
    "The query answers more than one series, and nobody said which one counts.",
    "Aggregate: `sum(...)` for requests, `avg(...)` for utilization.",
)
NO_NUMBER = Kind(
    "QueryNoNumber",
    Level.WARNING,
    "The query answers no number now, often 0/0 while there is no traffic. The signal is missing meanwhile.",
    "Let it answer in all cases: for a share of requests `(a / (b > 0)) or vector(0)`.",
)
PARTIAL = Kind(
    "QueryPartial",
    Level.WARNING,
    "Parts of the metric store did not answer; what it says may be too low, so it is not used.",
    "See the store's own state; ask it for whole answers only.",
)
SLOW = Kind(
    "QuerySlow",
    Level.WARNING,
    "The query is not answered within a tick.",
    "Make it cheaper with a recording rule, or a shorter window.",
)
NEGATIVE = Kind(
    "QueryNegative",
    Level.ERROR,
    "The query answers less than zero, which no demand is.",
    "Use `rate()` for counters, which knows their resets, and no difference of two series of different times.",
)
OLD = Kind(
    "QueryOld",
    Level.ERROR,
    "The newest sample behind the answer is older than the policy's `staleAfter`, so the signal is missing.",
    "See why the target is not scraped; or raise `staleAfter` above four scrape intervals.",
)
AGE_UNKNOWN = Kind(
    "AgeUnknown",
    Level.WARNING,
    "The age of the samples behind the query cannot be told, so that an old one counts as new.",
    "Write the query so that a plain selector stands in it.",
)
PERCENT = Kind(
    "ShareAboveOne",
    Level.ERROR,
    "A share between 0 and 1 was expected and the query answers more: it is in per cent.",
    "Divide the query by 100: `(...) / 100`.",
)
NO_RATE = Kind(
    "CounterWithoutRate",
    Level.ERROR,
    "The query reads a counter as it is. It only grows, and so would the demand.",
    "Take its rate: `sum(rate(name_total[1m]))`.",
)
NOT_A_SECOND = Kind(
    "IncreaseNotRate",
    Level.ERROR,
    "`increase()` counts over its window; arrivals and served are per second.",
    "Use `rate()`, or divide by the seconds of the window.",
)
KINDS = (
    REFUSED, EMPTY, SEVERAL, NO_NUMBER, PARTIAL, SLOW, NEGATIVE, OLD, AGE_UNKNOWN, PERCENT, NO_RATE, NOT_A_SECOND,
)  # fmt: skip

OF_STATE: Mapping[str, Kind | None] = {
    "answered": None,
    "empty": EMPTY,
    "several": SEVERAL,
    "no-number": NO_NUMBER,
    "partial": PARTIAL,
    "invalid": REFUSED,
    "late": SLOW,
}
"""Other states say that nobody answered, which is no fault of the query."""
SHARES = ("gpuUtilization", "measured")
PER_SECOND = ("arrivals", "served")
MOST_SHARE = 1.001
"""What is above is no rounding."""
_TEXTS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*")
_NAMED = r"\b[a-zA-Z_:][a-zA-Z0-9_:]*_(?:{})\b(?!\s*\()"
_COUNTERS = re.compile(_NAMED.format("total|bucket"))
_COUNTERS_OR_COUNTS = re.compile(_NAMED.format("total|bucket|count|sum"))
"""`queue_count` may be a level; what is to be per second is none."""
_GROWTH = re.compile(r"\b(?:rate|irate|increase|delta|idelta|deriv|histogram_\w+)\s*\(")
_SPOKEN = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_INCREASE = re.compile(r"\bincrease\s*\(")


def checks(facts: Facts) -> Iterator[Check]:
    """One for each query."""
    for signal in facts.signals:
        yield check(TOPIC, f"{signal.policy.name} {signal.name}", _findings(signal, facts.store is None))


def _findings(signal: Signal, asked: bool) -> Iterator[Finding]:
    within = "objective" if signal.name == "measured" else "demand"
    where = line(signal.policy, "spec", within, signal.name, "query")
    yield from _of_text(signal, where)
    if not asked:
        yield from waits(where, "Prometheus was not asked")
        return
    if signal.state not in OF_STATE:
        yield from not_told(where, signal.problem or "nobody answered")
        return
    kind = OF_STATE[signal.state]
    if kind is not None:
        yield Finding(kind, where, signal.problem or signal.state)
        return
    if signal.problem is not None:
        yield Finding(AGE_UNKNOWN, where, signal.problem)
    yield from _of_value(signal, where)


def _of_text(signal: Signal, where: str) -> Iterator[Finding]:
    text = _SPOKEN.sub(" ", _TEXTS.sub('""', signal.query))
    counters = _COUNTERS_OR_COUNTS if signal.name in PER_SECOND else _COUNTERS
    counter = counters.search(re.sub(r"\{[^}]*\}", "", text))
    if counter is not None and not _GROWTH.search(text):
        yield Finding(NO_RATE, where, f"{counter.group()} is a counter, and the query has no rate()")
    if signal.name in PER_SECOND and _INCREASE.search(text) and "/" not in text:
        yield Finding(NOT_A_SECOND, where, "increase() without a division by its window")


def _of_value(signal: Signal, where: str) -> Iterator[Finding]:
    stale_after_s = signal.policy.model.demand.stale_after_s
    highest = max(signal.value, signal.highest) if signal.highest == signal.highest else signal.value
    if signal.value < 0:
        yield Finding(NEGATIVE, where, f"it answers {signal.value:g}")
    if signal.name in SHARES and highest > MOST_SHARE:
        yield Finding(PERCENT, where, f"it answered up to {highest:g} within an hour, and a share is at most 1")
    if signal.age_s > stale_after_s:
        yield Finding(OLD, where, f"its newest sample is {signal.age_s:.0f} s old, staleAfter is {stale_after_s:g} s")
