"""Where the context of a process ends in its first run of growth, which may go on into the weights."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from autoscaler.coldstart.memory_growth import BUS_BYTES_S, FASTER, LIKELY_BYTES_S, Run
from autoscaler.coldstart.memory_sample import GIB, Edge

MOST_BYTES = 0.75 * GIB
"""A first run above that holds more than a context."""
SMALL_BYTES, LARGE_BYTES = 0.25 * GIB, 0.6 * GIB
"""Contexts are that large, by card, driver and libraries."""
STEP_S = 0.2
"""A context that comes within one look takes about that long to fill."""


def context_begin(before_s: float, first_s: float, first_bytes: float) -> Edge:
    """When it began, from the last look without memory and the first one with some."""
    gap_s = first_s - before_s
    slack_s = max(0.0, gap_s - STEP_S - first_bytes / LIKELY_BYTES_S)
    return Edge(before_s + slack_s / 2, max(gap_s / 2, slack_s))


def context_end(run: Run) -> tuple[Edge, Run | None]:
    """When it was there, and what of its first run of growth is not its own; None where that is nothing.

    It is looked for in the first look with memory and the one after; what grows on is more than a context.
    """
    if run.first_bytes >= MOST_BYTES:
        return _mixed(run, context_begin(run.before_s, run.first_s, run.first_bytes).at_s)
    if run.intervals >= 2 and run.first_bytes < SMALL_BYTES and run.points[2][1] >= MOST_BYTES:
        rest = run.after(1)
        assert rest is not None
        return _mixed(rest, rest.before_s)
    if run.intervals == 2 and run.until_bytes <= LARGE_BYTES:
        return _within(run.points[1], run.points[2]), None
    head = 1 if run.intervals == 1 or run.first_bytes >= SMALL_BYTES else 2
    return _within(run.points[head - 1], run.points[head]), _load(run.after(head), run.points[head - 1][0])


def _mixed(run: Run, began_s: float) -> tuple[Edge, Run]:
    """Of a run whose first interval has the end of the context and the beginning of the load."""
    begin = _load_begin(run)
    end = Edge((began_s + max(began_s, begin.at_s)) / 2, (run.first_s - run.before_s) / 2)
    size = (SMALL_BYTES + LARGE_BYTES) / 2
    return end, replace(run, before_bytes=max(run.before_bytes, size), known_begin=begin)


def _within(before: tuple[float, float], until: tuple[float, float]) -> Edge:
    gap_s = until[0] - before[0]
    return Edge(until[0] - max(0.0, gap_s - STEP_S) / 2, gap_s / 2)


def _load(rest: Run | None, earliest_s: float) -> Run | None:
    """Less what the context still grew while nothing was loaded; with a load that is even, from where that began."""
    points = [] if rest is None else rest.points
    rates = [(other[1] - one[1]) / (other[0] - one[0]) for one, other in pairwise(points)]
    if rest is None:
        return None
    if len(rates) >= 2 and rates[1] > FASTER * rates[0] and points[1][1] - points[0][1] < SMALL_BYTES:
        return rest.after(1)
    pace = sorted(rates[1:] or rates)[(len(rates) - 1) // 2]
    even = next((i for i in range(min(3, len(rates))) if all(_is_like(r, pace) for r in rates[i : i + 2])), None)
    if even is None or (even and points[even - 1][1] > LARGE_BYTES):
        return rest
    (at_s, at_bytes), before_s = points[even], points[even - 1][0] if even else earliest_s
    if even:
        back_s = min(at_s - before_s, (at_bytes - points[even - 1][1]) / pace)
    else:
        fits = [max(0.0, (at_bytes - size) / pace) for size in (SMALL_BYTES, LARGE_BYTES)]
        back_s = sum(min(at_s - before_s, fit) for fit in fits) / 2
    lowest = min(rates[even:-1], default=float("inf"))
    return replace(rest, known_begin=Edge(at_s - back_s, (at_s - before_s) / 2), lowest_bytes_s=lowest)


def _is_like(rate: float, pace: float) -> bool:
    return 0.75 * pace <= rate <= 1.33 * pace


def _load_begin(run: Run) -> Edge:
    """Where the line of the load meets the size of a context, within the first interval."""
    gap_s = run.first_s - run.before_s
    if run.intervals == 1:
        return run.begin
    pace = run.pace_bytes_s or 2 / (1 / run.peak_bytes_s + 1 / max(run.peak_bytes_s, BUS_BYTES_S))
    back = [min(gap_s, (run.first_bytes - size) / pace) for size in (SMALL_BYTES, LARGE_BYTES)]
    return Edge(run.first_s - sum(back) / 2, gap_s / 2)
