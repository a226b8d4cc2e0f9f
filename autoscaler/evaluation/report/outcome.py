"""What a workload got under one strategy over the scored part: totals, peaks and decisions, each counted once."""

from __future__ import annotations

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


def _outcomes(run: StrategyRun, comparison: Comparison) -> list[Outcome]:
    arrivals = [np.asarray(timeline.arrivals, dtype=np.float64) for timeline in run.timelines]
    known = np.isfinite(np.sum(arrivals, axis=0))
    return [_outcome(run.strategy, timeline, known, comparison) for timeline in run.timelines]


def _outcome(strategy: str, timeline: Timeline, known: Bools, comparison: Comparison) -> Outcome:
    bins = Bins.over(timeline.time_s, comparison.scored_from_s, comparison.scored_until_s)
    return Outcome(
        strategy=strategy,
        timeline=timeline,
        bins=bins,
        totals=_totals(timeline, bins, known, comparison.tick_s),
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
