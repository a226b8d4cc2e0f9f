"""Recurring bursts: what came at the same time of day in the last week, to the minute."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.history import History

DAYS = 7
EARLY_BINS = 1
LATE_BINS = 2
QUANTILE = 0.85
"""Of seven days the second largest, nearly: one freak day does not buy a burst for a week."""


def recurring_demand(history: History, bins_ahead: int, origins: int) -> Floats:
    """What usually comes at this time of day, float [origins, R]; 0 where nothing was seen.

    A high quantile over the last 7 days of each day's largest demand between one bin before now and two bins after
    `bins_ahead`: to be bought for this window only, and given up when it has passed. "Now" is the newest closed bin in
    the first row and a bin later in each further one; all that is looked at lies a day back, so they are known already
    (`most_origins`).
    """
    first = history.last_bin + 1 - EARLY_BINS
    width = EARLY_BINS + bins_ahead + LATE_BINS
    days = np.arange(1, DAYS + 1)[:, None]
    bins = np.arange(first, first + width + origins - 1) - days * history.day
    seen = (bins >= 0) & (bins > history.last_bin - history.ring.shape[1])
    values = np.nan_to_num(np.where(seen, history.ring[:, bins % history.ring.shape[1]], 0.0))
    peaks = np.sort(sliding_window_view(values, width, axis=2).max(axis=3), axis=1)
    at = QUANTILE * (DAYS - 1)
    low = int(at)
    out: Floats = peaks[:, low] + (at - low) * (peaks[:, low + 1] - peaks[:, low])
    return out.T


def most_origins(history: History, bins_ahead: int) -> int:
    """For how many bins in a row `recurring_demand` can be told at once, at least 1."""
    return max(1, history.day - EARLY_BINS - bins_ahead - LATE_BINS)
