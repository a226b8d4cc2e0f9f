"""Composition of sweeps: one replay of a trace for each setting, on all cores."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoscaler.compose.trace import run_trace
from autoscaler.compose.trace_run import TraceRun
from autoscaler.evaluation.crossover import NODE_SHARE, CrossoverRow
from autoscaler.evaluation.page.days import duration
from autoscaler.evaluation.parallel import Advance, Watch, run_all
from autoscaler.evaluation.score import Summary
from autoscaler.evaluation.traffic import prepare


@dataclass(frozen=True, slots=True)
class Crossover:
    """What to replay: `base` under each strategy at each lead time (seconds, from asking for a node to serving)."""

    base: TraceRun
    strategies: tuple[str, ...]
    lead_times_s: tuple[float, ...]

    def check(self) -> list[str]:
        """What a person must know of the runs, one sentence each.

        Raises ValueError for a trace, strategy or option that cannot be used.
        """
        for strategy in self.strategies:
            replace(self.base, strategy=strategy).check()
        base = self.base
        rng = np.random.default_rng(base.seed) if base.poisson else None
        traffic = prepare(base.trace, base.series, base.tick_s, base.fleet_peak, base.warmup_s, base.score_s, rng)
        scored_s, longest_s = (traffic.end - traffic.first) * base.tick_s, max(self.lead_times_s)
        if longest_s >= scored_s:
            raise ValueError(
                f"--lead-times: {longest_s:g} s is not shorter than the {scored_s:g} s that are scored; "
                "give shorter lead times or a longer --score"
            )
        setting = (
            f"Scored: {duration(scored_s)} after {duration(base.warmup_s)} of warm-up; a decision every "
            f"{duration(base.tick_s)}; {base.fleet_peak:g} replicas at the peak; "
            f"{NODE_SHARE:.0%} of each lead time is the node's."
        )
        gaps = traffic.trace.gap_note()
        return [setting] if gaps is None else [setting, f"{gaps}."]


def run_crossover(crossover: Crossover, watch: Watch | None = None, workers: int | None = None) -> list[CrossoverRow]:
    """One row a lead time and strategy, in that order, the same for any number of `workers` (one a core by default)."""
    places = [(lead_s, strategy) for lead_s in crossover.lead_times_s for strategy in crossover.strategies]
    jobs = [
        replace(
            crossover.base,
            strategy=strategy,
            node_lead_s=NODE_SHARE * lead_s,
            replica_lead_s=lead_s - NODE_SHARE * lead_s,
        )
        for lead_s, strategy in places
    ]
    summaries = run_all(_replayed, jobs, watch, workers)
    return [CrossoverRow(lead_s, summary) for (lead_s, _), summary in zip(places, summaries, strict=True)]


def _replayed(job: TraceRun, advance: Advance) -> Summary:
    return run_trace(job, advance).summary
