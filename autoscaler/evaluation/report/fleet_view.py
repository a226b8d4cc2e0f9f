"""The fleet of a report: all strategies over time, what they were billed and how late they were, and what adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.comparison import Bound, Comparison, StrategyRun
from autoscaler.evaluation.incidents import Incident
from autoscaler.evaluation.page.document import Chart
from autoscaler.evaluation.page.figure import layout
from autoscaler.evaluation.page.markup import SPACE, element, region, table, text
from autoscaler.evaluation.report.bins import Bins
from autoscaler.evaluation.report.faults_view import shaded
from autoscaler.evaluation.report.grid import Grid, grid_of, panel
from autoscaler.evaluation.report.outcome import known_ticks
from autoscaler.evaluation.report.overlay import level, overlaid, running
from autoscaler.evaluation.report.section import Section

MOST_POINTS = 500
HEADINGS = (
    *("strategy", "dollars", "GPU-hours", "$ / bound", "late", "allowed late"),
    *("placeholders, GPU-hours", "placeholders, dollars", "of the bill", "made", "used"),
)
_UPPER, _LOWER = (0.45, 1.0), (0.0, 0.37)  # of the height


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """What one run was billed and had late over the scored part, all workloads together, in each bin.

    gpu_hours: float [B]; dollars: float [B], None where prices are not known. Ticks in which the traffic of any
    workload is unknown are left out of both, as in every summary. late, arrivals, allowed: requests, float [B]; allowed
    None where no objective is known.
    """

    strategy: str
    gpu_hours: Floats
    dollars: Floats | None
    late: Floats
    arrivals: Floats
    allowed: Floats | None

    @property
    def cost(self) -> Floats:
        """Dollars where prices are known, else GPU-hours."""
        return self.gpu_hours if self.dollars is None else self.dollars


def account(run: StrategyRun, bins: Bins, tick_s: float, late_target: Mapping[str, float] | None) -> Account:
    """The account of a run."""
    hours = tick_s / 3600.0
    known = known_ticks(run.timelines)
    billed = sum(np.asarray(t.billed_gpus_primary) + np.asarray(t.billed_gpus_burst) for t in run.timelines)
    arrivals = [np.nan_to_num(np.asarray(t.arrivals, dtype=np.float64)) for t in run.timelines]
    allowed = None
    if late_target is not None:
        targets = [late_target[t.workload] for t in run.timelines]
        allowed = bins.total(np.sum([a * share for a, share in zip(arrivals, targets, strict=True)], axis=0))
    return Account(
        strategy=run.strategy,
        gpu_hours=bins.total(np.where(known, np.nan_to_num(billed), 0.0)) * hours,
        dollars=None if run.ledger is None else bins.total(np.where(known, run.ledger.dollars.sum(axis=1), 0.0)),
        late=bins.total(np.sum([np.nan_to_num(np.asarray(t.late, dtype=np.float64)) for t in run.timelines], axis=0)),
        arrivals=bins.total(np.sum(arrivals, axis=0)),
        allowed=allowed,
    )


def accounts(comparison: Comparison) -> tuple[list[Account], Grid]:
    """Of every run, on bins that are the same for all."""
    first = comparison.runs[0].timelines[0]
    bins = Bins.over(first.time_s, comparison.scored_from_s, comparison.scored_until_s, MOST_POINTS)
    found = [account(run, bins, comparison.tick_s, comparison.late_target) for run in comparison.runs]
    return found, grid_of(comparison, bins)


def fleet_chart(kept: Sequence[Account], grid: Grid, faults: Sequence[Incident]) -> Chart:
    """Cost and late share of all runs over time. Requests are late when they have waited, which may be after others
    came no more: a share ends at 100 %."""
    names = [one.strategy for one in kept]
    hours = grid.bins.ticks * grid.tick_s / 3600.0
    rates = [one.cost / hours for one in kept]
    share = [np.minimum(100.0 * one.late / np.where(one.arrivals > 0.0, one.arrivals, np.nan), 100.0) for one in kept]
    title, hover = ("GPUs billed", "%{y:,.1f} GPUs")
    if kept[0].dollars is not None:
        title, hover = "dollars an hour", "%{y:,.2f} dollars an hour"
    return Chart(
        id="fleet",
        describes="Cost and late share of every strategy over time",
        layout=layout(
            xaxis=grid.x_axis | {"anchor": "y2"},
            yaxis=panel(title, _UPPER),
            yaxis2=panel("late share (%)", _LOWER),
        )
        | {"shapes": shaded(faults, grid)},
        runs=[[*overlaid(names, rates, grid, hover), *overlaid(names, share, grid, "%{y:.2f} % late", "y2")]],
        size="middle",
    )


def ledger_section(comparison: Comparison, kept: Sequence[Account], grid: Grid) -> Section:
    """What adds up over time: cost against the bound, late requests against what is allowed; and placeholders."""
    parts = [
        element("p", text(_guide(kept, comparison)), class_="note"),
        (chart := ledger_chart(kept, grid, comparison.bound)).box(),
        table(
            "The ledger of the scored part", HEADINGS,
            [_row(run, one, comparison) for run, one in zip(comparison.runs, kept, strict=True)],
        ),
    ]  # fmt: skip
    return Section("the-ledger", "Ledger", region("the-ledger", "Ledger", parts), (chart,))


def ledger_chart(kept: Sequence[Account], grid: Grid, bound: Bound | None) -> Chart:
    """Cost and late requests of all runs, summed up from the begin of the scored part."""
    names, flat = [one.strategy for one in kept], np.ones(len(kept[0].late))
    unit = "GPU-hours" if kept[0].dollars is None else "dollars"
    drawn = overlaid(names, [running(one.cost) for one in kept], grid, f"%{{y:,.0f}} {unit}", stepped=False)
    if bound is not None:
        least = bound.gpu_hours if kept[0].dollars is None else bound.dollars
        drawn.append(level("bound", least * flat, grid, f"%{{y:,.0f}} {unit}"))
    drawn += overlaid(
        names, [running(one.late) for one in kept], grid, "%{y:,.0f} late requests", "y2", stepped=False
    )  # fmt: skip
    if kept[0].allowed is not None:
        drawn.append(level("allowed", running(kept[0].allowed), grid, "%{y:,.0f} late requests", "y2"))
    return Chart(
        id="ledger",
        describes="Cost and late requests of every strategy, summed up over time",
        layout=layout(
            xaxis=grid.x_axis | {"anchor": "y2"},
            yaxis=panel(f"{unit} so far", _UPPER),
            yaxis2=panel("late requests<br>so far", _LOWER),
        ),
        runs=[drawn],
        size="middle",
    )


def _guide(kept: Sequence[Account], comparison: Comparison) -> str:
    first, *others = kept
    unit = "GPU-hours" if first.dollars is None else "dollars"
    cost = float(np.nansum(first.cost))
    against = [
        f"{abs(cost - theirs):,.0f} {unit} {'more' if cost > theirs else 'less'} than {one.strategy}"
        for one, theirs in ((one, float(np.nansum(one.cost))) for one in others)
    ]
    bound = "" if comparison.bound is None else " The bound is that of the whole span, which no plan can end below."
    said = f" {first.strategy} ended with {', '.join(against)}." if against else ""
    return f"Summed up from the begin of the scored part.{said}{bound}"


def _row(run: StrategyRun, one: Account, comparison: Comparison) -> tuple[str, ...]:
    dollars = None if one.dollars is None else float(np.nansum(one.dollars))
    bound = comparison.bound
    return (
        one.strategy,
        "-" if dollars is None else f"{dollars:,.0f}",
        f"{np.nansum(one.gpu_hours):,.0f}",
        "-" if dollars is None or bound is None or bound.dollars <= 0 else f"{dollars / bound.dollars:.2f}",
        f"{np.nansum(one.late):,.0f}",
        "-" if one.allowed is None else f"{np.nansum(one.allowed):,.0f}",
        *_placeholders(run, dollars, comparison),
    )


def _placeholders(run: StrategyRun, dollars: float | None, comparison: Comparison) -> tuple[str, ...]:
    """Of the placeholders of the scored part: GPU-hours, dollars, share of the bill, how many, and how many used."""
    first, end = np.searchsorted(run.timelines[0].time_s, [comparison.scored_from_s, comparison.scored_until_s])
    ledger, scored = run.ledger, slice(int(first), int(end))
    if ledger is None or not np.isfinite(ledger.made[scored]).all():
        return ("-",) * 5
    known = known_ticks(run.timelines)[scored]
    held = float(ledger.held_dollars[scored][known].sum())
    hours = float(ledger.held_gpus[scored][known].sum()) * comparison.tick_s / 3600.0
    made, used = (int((ends[scored][-1] - ends[scored][0]).sum()) for ends in (ledger.made, ledger.used))
    share = f"{100.0 * held / dollars:.1f}{SPACE}%" if dollars else "-"
    return f"{hours:,.0f}", f"{held:,.0f}", share, f"{made:,}", f"{used:,}"
