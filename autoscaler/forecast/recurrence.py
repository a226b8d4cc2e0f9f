"""Recurring rises: by how much demand rose at the same time of day in the last week, to the minute.

Batch windows and switching begin at once and to the minute. What recurs is rather the rise than the level: a rise is
over as soon as the day that it is taken from has seen it, so that a day on which nothing comes pays for some minutes,
not for the whole burst.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.history import History

DAYS = 7
EARLY_BINS = 1
LATE_BINS = 1
"""A rise that comes a bin early or late is the same."""
BEFORE_BINS = 2
"""A rise is from the least of so many bins, so that it is wanted for a bin after it was expected."""


def recurring_rises(history: History, bins_ahead: int, origins: int) -> Floats:
    """By how much demand rose at this time on each of the last 7 days, the least first, float [7, origins, R].

    Each is from the least of the `BEFORE_BINS` newest closed bins of that time to the largest bin around the one
    `bins_ahead` after; 0 where it fell, or where that is not known. "Now" is the newest closed bin for the first
    origin and a bin later for each further one; all that is looked at lies a day back, so they are known already
    (`most_origins`).
    """
    first = history.last_bin - BEFORE_BINS + 1
    width = BEFORE_BINS + bins_ahead + LATE_BINS
    days = np.arange(1, DAYS + 1)[:, None]
    bins = np.arange(first, first + width + origins - 1) - days * history.day
    seen = (bins >= 0) & (bins > history.last_bin - history.ring.shape[1])
    values = np.where(seen, history.ring[:, bins % history.ring.shape[1]], np.nan)
    windows = sliding_window_view(values, width, axis=2)
    before = windows[..., :BEFORE_BINS].min(axis=3)
    then = np.nan_to_num(windows[..., BEFORE_BINS + bins_ahead - 1 - EARLY_BINS :]).max(axis=3)
    rises = np.nan_to_num(np.maximum(then - before, 0.0))
    out: Floats = np.sort(rises, axis=1).transpose(1, 2, 0)
    return out


def most_origins(history: History, bins_ahead: int) -> int:
    """For how many bins in a row `recurring_rises` can be told at once, at least 1."""
    return max(1, history.day - bins_ahead - LATE_BINS)
