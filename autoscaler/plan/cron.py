"""Cron: last week's hourly profile as a timetable, the way a KEDA cron trigger is filled from a training week."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.plan.planner import Proposal, View, floor_only

HOUR_S = 3600.0
WEEK_S = 7 * 86_400.0


class Cron:
    """For each hour the given quantile of the demand in the same hour a week ago, the lead time early."""

    uses_forecast = False
    holds = False

    def __init__(self, quantile: float = 0.99) -> None:
        self._quantile = quantile
        self._hours: dict[int, Floats] = {}

    def propose(self, view: View) -> Proposal:
        """The larger of this hour's entry and of the one that begins within the lead time; now where it has none."""
        lead_s = float((view.fleet.node_lead_s + view.fleet.replica_lead_s).max())
        hours = {int(view.now_s // HOUR_S), int((view.now_s + lead_s) // HOUR_S)}
        known = self._hours
        self._hours = {hour: known[hour] if hour in known else self._entry(view, hour) for hour in sorted(hours)}
        entries = list(self._hours.values())
        wanted: Floats = np.fmax(entries[0], entries[-1])
        return floor_only(np.where(np.isnan(wanted), view.demand, wanted), view.level)

    def _entry(self, view: View, hour: int) -> Floats:
        bins = int(HOUR_S / view.history.bin_s)
        span = view.history.span(int((hour * HOUR_S - WEEK_S) / view.history.bin_s), max(bins, 1))
        empty: Bools = np.logical_and.reduce(np.isnan(span), axis=1)
        entry = np.nanquantile(np.where(empty[:, None], 0.0, span), self._quantile, axis=1)
        out: Floats = np.where(empty, np.nan, entry)
        return out[: view.fleet.size]
