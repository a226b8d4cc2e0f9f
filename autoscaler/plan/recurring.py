"""Demand now, and the rise that recurs at this time of day, wanted just when it is due."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.recurrence import DAYS, most_origins, recurring_rises
from autoscaler.plan.planner import Proposal, View

BINS_AT_ONCE = 60
FULL_Z = 2.0
"""Between minus and plus so much the knob goes through the rises of a week, from the least to the largest."""
HEADROOM = 0.25
"""Beyond that a step of the knob is so much headroom on the demand now: no day of the week tells of more."""
LESS = 0.1
"""The same below it: so much less than the demand now."""
LEAST_RISE = 0.02
"""A rise below this share of the demand now is noise, and no burst."""


class Recurring:
    """For batch windows and switching that recur to the minute; the knob at 0 buys what every other day brought."""

    knob_limits = (-4.0, 8.0)
    uses_forecast = False
    holds = True

    def __init__(self) -> None:
        self._from_bin = 0
        self._rises: Floats = np.zeros((DAYS, 0, 0))

    def propose(self, view: View) -> Proposal:
        """The rise is wanted from the lead time before it until a bin after, and not a tick longer."""
        beyond, below = np.maximum(view.level - FULL_Z, 0.0), np.minimum(view.level + FULL_Z, 0.0)
        wanted = view.demand * (1.0 + HEADROOM * beyond + LESS * below)
        rise = self._rise(view, (view.level + FULL_Z) / (2.0 * FULL_Z))
        burst = np.where(rise > LEAST_RISE * view.demand, view.demand * (1.0 + HEADROOM * beyond) + rise, 0.0)
        return Proposal(wanted, wanted, burst)

    def _rise(self, view: View, share: Floats) -> Floats:
        """The quantile of the rises of a week, of the shape of `share`; looked up for many bins at once."""
        row = view.history.last_bin - self._from_bin
        if not 0 <= row < self._rises.shape[1]:
            ahead = int(np.ceil(view.fleet.longest_lead_s / view.history.bin_s - 1e-9)) + 1
            origins = min(BINS_AT_ONCE, most_origins(view.history, ahead))
            self._rises = recurring_rises(view.history, ahead, origins)[:, :, : view.fleet.size]
            self._from_bin, row = view.history.last_bin, 0
        rises = self._rises[:, row]
        at = np.minimum(np.maximum(share, 0.0), 1.0) * (DAYS - 1)
        low = np.minimum(at.astype(np.int64), DAYS - 2)
        workloads = np.arange(rises.shape[1])
        out: Floats = rises[low, workloads] + (at - low) * (rises[low + 1, workloads] - rises[low, workloads])
        return out
