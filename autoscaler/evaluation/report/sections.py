"""Sections of a report: a chart of one workload or pool, and beside it the same numbers as a table."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.evaluation.comparison import Comparison, PoolTimeline
from autoscaler.evaluation.page.days import DayAxis
from autoscaler.evaluation.page.document import Chart
from autoscaler.evaluation.page.markup import element, table, text
from autoscaler.evaluation.report.bins import Bins
from autoscaler.evaluation.report.charts import (
    MOST_DECISIONS,
    Grid,
    pool_layout,
    pool_traces,
    workload_layout,
    workload_traces,
)
from autoscaler.evaluation.report.outcome import Outcome, peak
from autoscaler.evaluation.report.verdict import allowed, listed, percent

REASONS_SHOWN = 3
WORKLOAD_HEADINGS = (
    "strategy",
    "requests",
    "late",
    "late share",
    "allowed",
    "GPU-hours",
    "peak demand (replicas)",
    "peak ready (replicas)",
    "floor changes",
    "commonest reasons",
)
POOL_HEADINGS = ("strategy", "up, mean", "up, peak", "on order, peak", "warm, mean", "warm, peak")


@dataclass(frozen=True, slots=True)
class Section:
    """HTML, and the chart that is drawn into it."""

    html: str
    chart: Chart


def workload_section(comparison: Comparison, runs: list[Outcome], place: int) -> Section:
    """One workload under each strategy."""
    name = runs[0].timeline.workload
    grids = [_grid(comparison, one.bins) for one in runs]
    ahead_s = comparison.forecast_ahead_s.get(name, 0.0)
    chart = Chart(
        id=f"workload-{place}",
        describes=f"Demand, forecast, capacity, decisions and late requests of {name} over time",
        layout=workload_layout(grids[0]),
        runs=[workload_traces(one, grid, ahead_s) for one, grid in zip(runs, grids, strict=True)],
    )
    rows = [_workload_row(one, comparison.late_target[name]) for one in runs]
    parts = [
        element("h2", text(f"Workload {name}")),
        chart.box(),
        _left_out(runs),
        table(f"{name} in the scored part", WORKLOAD_HEADINGS, rows),
    ]
    return Section("\n".join(part for part in parts if part), chart)


def pool_section(comparison: Comparison, place: int) -> Section:
    """One pool under each strategy."""
    pools = [run.pools[place] for run in comparison.runs]
    bins = [Bins.over(p.time_s, comparison.scored_from_s, comparison.scored_until_s) for p in pools]
    grids, name = [_grid(comparison, b) for b in bins], pools[0].pool
    chart = Chart(
        id=f"pool-{place}",
        describes=f"Nodes of pool {name} over time: up, warm and on order",
        layout=pool_layout(grids[0]),
        runs=[pool_traces(p, grid) for p, grid in zip(pools, grids, strict=True)],
        low=True,
    )
    rows = [_pool_row(run.strategy, p, b) for run, p, b in zip(comparison.runs, pools, bins, strict=True)]
    parts = [
        element("h2", text(f"Pool {name} ({pools[0].capacity_type})")),
        chart.box(),
        table(f"Nodes of {name} in the scored part", POOL_HEADINGS, rows),
    ]
    return Section("\n".join(parts), chart)


def _grid(comparison: Comparison, bins: Bins) -> Grid:
    return Grid(bins, DayAxis(comparison.scored_until_s), comparison.tick_s)


def _workload_row(one: Outcome, late_target: float) -> tuple[str, ...]:
    reasons = one.decisions.commonest_reasons(REASONS_SHOWN)
    return (
        one.strategy,
        f"{one.totals.requests:,.0f}",
        f"{one.totals.late:,.0f}",
        percent(one.totals.late_share),
        allowed(late_target),
        f"{one.totals.gpu_hours:,.0f}",
        f"{one.peak_demand:,.1f}",
        f"{one.peak_ready:,.0f}",
        f"{len(one.decisions):,}",
        ", ".join(f"{words or 'none given'} ({count:,})" for words, count in reasons) or "no change",
    )


def _pool_row(strategy: str, pool: PoolTimeline, bins: Bins) -> tuple[str, ...]:
    up, order, warm = pool.nodes, pool.nodes_starting, pool.nodes_warm
    return (
        strategy,
        f"{bins.overall_mean(up):,.1f}",
        f"{peak(bins.largest(up)):,.0f}",
        f"{peak(bins.largest(order)):,.0f}",
        f"{bins.overall_mean(warm):,.1f}",
        f"{peak(bins.largest(warm)):,.0f}",
    )


def _left_out(runs: list[Outcome]) -> str:
    """Says so where not every decision is marked in the chart."""
    cut = [f"{len(one.decisions):,} under {one.strategy}" for one in runs if len(one.decisions) > MOST_DECISIONS]
    if not cut:
        return ""
    return element(
        "p", text(f"Of the floor changes only the {MOST_DECISIONS:,} largest are marked: there are {listed(cut)}."),
        class_="note",
    )  # fmt: skip
