"""Queries that also answer how old their samples are, or whether they are too old.

Prometheus dates every value of a query with the time of the query, and goes back up to 5 minutes (its lookback) for a
sample: after a restart or an outage of Prometheus a gauge looks fresh that nobody has scraped for minutes, and a rate
over a long window even longer. `timestamp()` of a plain selector alone tells when a sample was taken. So each selector
of a query is asked for its newest timestamp in the same request, beside the query, told apart by a label.

The age of a value is that of the selector whose newest sample is oldest: a quotient is as old as its older half. An
offset that the query asks for is not age. A selector without any sample has no say (`sum(x) or vector(0)`); where none
has, the value is one of now.

Over a range `timestamp()` is no way: 10,000 points of eight series took 17 s instead of 0.05 s. There each selector is
asked where it has samples in the lookback and none within a limit, which costs as little as a rate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from autoscaler.adapters.prometheus.answer import Answer, QueryState
from autoscaler.adapters.prometheus.selectors import Selector, selection

LABEL = "gpu_autoscaler_sample"
"""Tells what is said about samples from a value."""
LOOKBACK_S = 300.0
"""How far Prometheus goes back for the sample of a level, by default."""
_LOOKS = 12
"""How often a window is looked through for the newest sample where the last one is marked as gone."""
_NAMED = 5

Series = Mapping[str, Any]
"""One element of a `result`: `metric` with labels, and `value` or `values`."""


def age_query(query: str) -> str | None:
    """PromQL for the newest timestamp behind each selector of the query, None where it has none."""
    read = selection(query)
    if not read.selectors:
        return None
    return " or ".join(
        f'label_replace({_newest(selector, read.window_s)}, "{LABEL}", "{n}", "", "")'
        for n, selector in enumerate(read.selectors)
    )


def stale_query(query: str, stale_after_s: float) -> str | None:
    """PromQL for the selectors of the query that have samples, but none of the last `stale_after_s` seconds; None where
    none can be so old."""
    read = selection(query)
    reach_s = max(read.window_s, LOOKBACK_S)
    if not read.selectors or stale_after_s >= reach_s:
        return None
    return " or ".join(
        f"label_replace({_present(selector, reach_s)} unless {_present(selector, stale_after_s)}, "
        f'"{LABEL}", "{n}", "", "")'
        for n, selector in enumerate(read.selectors)
    )


def with_samples(query: str, samples: str) -> str:
    """The query, and one about its samples; the query ends its line, since it may end with a comment."""
    return f"({query}\n) or {samples}"


def split(result: list[Series]) -> tuple[list[Series], list[Series]]:
    """(values, what is said about samples) of an answer."""
    said = [series for series in result if LABEL in series["metric"]]
    return [series for series in result if LABEL not in series["metric"]], said


def age_s(stamps: list[Series], at_s: float) -> float:
    """Age of the value at `at_s`, seconds."""
    return max((max(at_s - float(series["value"][1]), 0.0) for series in stamps), default=0.0)


def decode(values: list[Series], age_s: float, warnings: tuple[str, ...]) -> Answer:
    """The one number that a query must answer."""
    if partial := [line for line in warnings if not line.startswith("PromQL ")]:
        problem = f"the answer may be incomplete, so it is not used: {partial[0]}"
        return Answer(QueryState.PARTIAL, problem=problem, warnings=warnings)
    if not values:
        problem = "no series; check the names and labels, and whether the target is scraped"
        return Answer(QueryState.EMPTY, problem=problem, warnings=warnings)
    if len(values) > 1:
        return Answer(QueryState.SEVERAL, problem=several(values), warnings=warnings)
    number = _number(values[0])
    if not math.isfinite(number):
        problem = f"answers {_shown(values[0])}, which is no number"
        return Answer(QueryState.NO_NUMBER, problem=problem, warnings=warnings)
    return Answer(QueryState.ANSWERED, number, age_s, warnings=warnings)


def several(values: list[Series]) -> str:
    """What to do about more than one series: the labels in which they differ are to be aggregated over."""
    labels = sorted({label for series in values for label in series["metric"]})
    differ = [label for label in labels if len({series["metric"].get(label) for series in values}) > 1]
    named = ", ".join(differ[:_NAMED]) + (", ..." if len(differ) > _NAMED else "")
    return f"{len(values)} series that differ in {named}: aggregate over them, as in sum(...) or avg(...)"


def _newest(selector: Selector, window_s: float) -> str:
    """The newest timestamp, plus the offset. Where the last sample is marked as gone: the newest that a look through
    the window finds, or the begin of the window where it finds none although there are some."""
    newest = f"max(timestamp({selector.text}{_offset(selector)}))"
    if window_s:
        step_s = max(window_s / _LOOKS, 1.0)
        looks = f"[{_duration(window_s)}:{_duration(step_s)}]"
        looked = f"max(max_over_time(timestamp({selector.text}{_offset(selector)}){looks}))"
        oldest = f"{_present(selector, window_s)} * (time() - {window_s + selector.offset_s:.3f})"
        newest = f"({newest} or {looked} or {oldest})"
    return f"({newest} + {selector.offset_s:.3f})" if selector.offset_s else newest


def _present(selector: Selector, within_s: float) -> str:
    return f"max(present_over_time({selector.text}[{_duration(within_s)}]{_offset(selector)}))"


def _offset(selector: Selector) -> str:
    return f" offset {_duration(selector.offset_s)}" if selector.offset_s else ""


def _duration(seconds: float) -> str:
    return f"{'-' if seconds < 0 else ''}{round(abs(seconds) * 1000)}ms"


def _number(series: Series) -> float:
    try:
        return float(series["value"][1])
    except (KeyError, ValueError):
        return math.nan


def _shown(series: Series) -> str:
    return repr(series["value"][1])[: _NAMED * 8] if "value" in series else "a histogram"
