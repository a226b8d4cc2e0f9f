"""Recurring bursts: what came at the same time of day in the last week, to the minute."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.history import History

DAYS = 7
EARLY_BINS = 1
LATE_BINS = 2
QUANTILE = 0.85
"""Of seven days the second largest, nearly: one freak day does not buy a burst for a week."""


def recurring_demand(history: History, bins_ahead: int) -> Floats:
    """What usually comes at this time of day, float [R]; 0 where nothing was seen.

    A high quantile over the last 7 days of each day's largest demand between one bin before now and two bins after
    `bins_ahead`: to be bought for this window only, and given up when it has passed.
    """
    first = history.last_bin + 1 - EARLY_BINS
    window = np.arange(first, first + EARLY_BINS + bins_ahead + LATE_BINS)
    bins = window - np.arange(1, DAYS + 1)[:, None] * history.day
    seen = (bins >= 0) & (bins > history.last_bin - history.ring.shape[1])
    values = np.where(seen, history.ring[:, bins % history.ring.shape[1]], 0.0)
    peaks = np.sort(np.nan_to_num(values).max(axis=2), axis=1)
    at = QUANTILE * (DAYS - 1)
    low = int(at)
    out: Floats = peaks[:, low] + (at - low) * (peaks[:, low + 1] - peaks[:, low])
    return out
