"""What a workload got under one strategy over the scored part: totals, peaks and decisions, each counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.evaluation.comparison import Comparison, StrategyRun
from autoscaler.evaluation.report.bins import Bins
from autoscaler.evaluation.report.decisions import Decisions, decisions
from autoscaler.evaluation.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Totals:
    """Requests, those of them that came late, and GPU-hours billed."""

    requests: float = 0.0
    late: float = 0.0
    gpu_hours: float = 0.0

    @property
    def late_share(self) -> float:
        """Late requests over all requests, 0..1; 0 where none came."""
        return self.late / self.requests if self.requests > 0 else 0.0

    def __add__(self, other: Totals) -> Totals:
        return Totals(self.requests + other.requests, self.late + other.late, self.gpu_hours + other.gpu_hours)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One timeline, looked at in its scored part. Peaks are replicas in a single tick."""

    strategy: str
    timeline: Timeline
    bins: Bins
    totals: Totals
    peak_demand: float
    peak_ready: float
    decisions: Decisions


def outcomes(comparison: Comparison) -> list[list[Outcome]]:
    """The outcome of each run in each workload [runs][workloads]. Raises ValueError where no tick is scored."""
    return [_outcomes(run, comparison) for run in comparison.runs]


def known_ticks(timelines: Sequence[Timeline]) -> Bools:
    """Ticks in which the traffic of every workload is known, bool [T]."""
    known: Bools = np.isfinite(np.sum([np.asarray(t.arrivals, dtype=np.float64) for t in timelines], axis=0))
    return known


def _outcomes(run: StrategyRun, comparison: Comparison) -> list[Outcome]:
    known = known_ticks(run.timelines)
    first_s, until_s = comparison.scored_from_s, comparison.scored_until_s
    return [outcome(run.strategy, t, known, first_s, until_s, comparison.tick_s) for t in run.timelines]


def outcome(strategy: str, timeline: Timeline, known: Bools, from_s: float, until_s: float, tick_s: float) -> Outcome:
    """The outcome from `from_s` until `until_s`. known: bool [T], the ticks that are billed. Raises ValueError where
    there is no tick."""
    bins = Bins.over(timeline.time_s, from_s, until_s)
    return Outcome(
        strategy=strategy,
        timeline=timeline,
        bins=bins,
        totals=_totals(timeline, bins, known, tick_s),
        peak_demand=peak(bins.largest(timeline.offered_replicas)),
        peak_ready=peak(bins.largest(timeline.ready_replicas)),
        decisions=decisions(timeline, bins.first, bins.end),
    )


def _totals(timeline: Timeline, bins: Bins, known: Bools, tick_s: float) -> Totals:
    """`known`: ticks in which the traffic of every workload is known; others are left out of the bill, as they are in
    every summary."""
    arrivals, late, primary, burst = (
        np.nan_to_num(np.asarray(column, dtype=np.float64)[bins.first : bins.end])
        for column in (timeline.arrivals, timeline.late, timeline.billed_gpus_primary, timeline.billed_gpus_burst)
    )
    billed = (primary + burst)[known[bins.first : bins.end]]
    return Totals(float(arrivals.sum()), float(late.sum()), float(billed.sum()) * tick_s / 3600.0)


def peak(values: Floats) -> float:
    """The largest known value, 0 where there is none."""
    return float(np.max(values, where=np.isfinite(values), initial=0.0))
