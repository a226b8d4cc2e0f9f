"""Demand as it would be without an announced event: the same time a week or a day ago, at the level of now.

Taken from times at which no event was announced, so an event is never multiplied twice.
"""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.bounds import Bounds
from autoscaler.domain.fleet import Fleet
from autoscaler.forecast.history import History

SMOOTH_S, LEVEL_S = 900.0, 1800.0
LEVEL_LIMITS = (0.5, 2.0)
"""By how much the level may have changed since: a short look at a noisy level says no more."""


def undisturbed_demand(now_s: float, history: History, bounds: Bounds, fleet: Fleet) -> Floats:
    """Replicas that would be needed at most within the lead time, float [W]; NaN where no event is near or nothing is
    known."""
    out = np.full(fleet.size, np.nan)
    if not np.count_nonzero(bounds.factor > 1.0):
        return out
    for w in np.flatnonzero(bounds.factor > 1.0).tolist():
        begin_s = float(bounds.event_s[w])
        level = _mean(history, w, begin_s - LEVEL_S, LEVEL_S)
        out[w] = level
        for ago_s in bounds.like_s[w]:
            like = _largest(history, w, now_s - ago_s, float(fleet.lead_s[w])) if np.isfinite(ago_s) else np.nan
            if np.isfinite(like):
                out[w] = like * _change(level, _mean(history, w, begin_s - ago_s - LEVEL_S, LEVEL_S))
                break
    return out


def _change(level: float, then: float) -> float:
    if not (np.isfinite(level) and np.isfinite(then) and then > 0.0):
        return 1.0
    return min(max(level / then, LEVEL_LIMITS[0]), LEVEL_LIMITS[1])


def _mean(history: History, w: int, from_s: float, length_s: float) -> float:
    """Mean demand of a time, NaN where most of it is unknown."""
    first, count = int(from_s // history.bin_s), max(1, round(length_s / history.bin_s))
    values = history.span(first, count)[w]
    known = values[np.isfinite(values)]
    return float(known.mean()) if 2 * known.size >= count else float("nan")


def _largest(history: History, w: int, from_s: float, length_s: float) -> float:
    """Largest smoothed demand of a time, NaN where all of it is unknown."""
    times = np.arange(from_s, from_s + length_s + 1.0, SMOOTH_S / 3.0)
    means = [_mean(history, w, float(at_s) - SMOOTH_S / 2.0, SMOOTH_S) for at_s in times]
    known = [mean for mean in means if np.isfinite(mean)]
    return max(known, default=float("nan"))
