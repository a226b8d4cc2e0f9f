"""The page of two runs: what the second did otherwise than the first, in numbers and in charts that hold both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.comparison import StrategyRun
from autoscaler.evaluation.page.days import DayAxis, days, duration
from autoscaler.evaluation.page.document import Chart, document
from autoscaler.evaluation.page.figure import Figure, layout
from autoscaler.evaluation.page.markup import SPACE, element, folded, paragraphs, region, table, text
from autoscaler.evaluation.report.bins import Bins
from autoscaler.evaluation.report.comparison_page import OPEN, contents, gathered
from autoscaler.evaluation.report.decision_view import decision_section
from autoscaler.evaluation.report.fleet_view import MOST_POINTS, account, fleet_chart, ledger_chart
from autoscaler.evaluation.report.grid import Grid, panel
from autoscaler.evaluation.report.outcome import Outcome, known_ticks, outcome
from autoscaler.evaluation.report.overlay import level, overlaid
from autoscaler.evaluation.report.section import Section
from autoscaler.evaluation.report.verdict import change, percent
from autoscaler.evaluation.timeline import Timeline
from autoscaler.evaluation.two_runs import Difference, TwoRuns
from autoscaler.evaluation.whole_file import whole_file

HEADINGS = ("", "A", "B", "B - A", "change")
_COUNTS = (
    ("requests", "requests", 0),
    ("late requests", "late", 0),
    ("GPU-hours", "gpu_hours", 0),
    ("of them in spot pools", "gpu_hours_burst", 0),
    ("of them in placeholders", "placeholder_gpu_hours", 0),
    ("ready replicas, mean", "ready_mean", 2),
    ("ready replicas, peak", "ready_peak", 0),
    ("floor changes", "floor_changes", 0),
)
"""(words, measure, digits after the point)"""


def render_two(two: TwoRuns) -> str:
    """The page as HTML, byte-equal for equal runs: verdict, fleet, workloads, ledger, decisions."""
    runs = [StrategyRun(name, timelines, ()) for name, timelines in zip(two.names, (two.a, two.b), strict=True)]
    kept_bins = Bins.over(two.a[0].time_s, two.from_s, two.until_s, MOST_POINTS)
    grid = Grid(kept_bins, DayAxis(two.until_s), two.tick_s)
    kept = [account(run, kept_bins, two.tick_s, None) for run in runs]
    fleet, ledger = fleet_chart(kept, grid, ()), ledger_chart(kept, grid, None)
    seen = [_outcomes(run, two) for run in runs]
    sections = [
        gathered("the-workloads", "Workloads", [], [_workload(two, place) for place in range(len(two.a))]),
        Section("the-ledger", "Ledger", region("the-ledger", "Ledger", [ledger.box()]), (ledger,)),
        decision_section([one for run in seen for one in run], "Decisions of both runs."),
    ]
    title = f"{two.names[0]} and {two.names[1]}"
    first = [
        element("p", text(verdict_of_two(two)), class_="lead"),
        table("What the fleet measured", HEADINGS, cells(two.fleet), runs=()),
        fleet.box(),
        paragraphs(notes(two), class_="note"),
    ]
    body = [
        element("h1", text(title)),
        contents([("the-fleet", "Fleet"), *((section.name, section.heading) for section in sections)]),
        region("the-fleet", "Fleet", first),
        *(section.html for section in sections),
    ]
    return document(title, "\n".join(body), [fleet, *(chart for section in sections for chart in section.charts)])


def write_two(path: str | Path, two: TwoRuns) -> None:
    """Writes the page in place of whatever `path` held; the file appears whole or not at all.

    Raises FileNotFoundError where the folder does not exist.
    """
    page = render_two(two)
    with whole_file(path) as out:
        out.write(page)


def verdict_of_two(two: TwoRuns) -> str:
    """What the second run cost and was late against the first, in a sentence."""
    a, b = two.fleet.a, two.fleet.b
    return (
        f"Against A, B had {change(b.gpu_hours, a.gpu_hours, 'GPU-hours')} ({b.gpu_hours:,.0f} and {a.gpu_hours:,.0f}) "
        f"and {change(b.late, a.late, 'late requests')}: {percent(b.late_share)} of all requests came late, "
        f"{percent(a.late_share)} under A."
    )


def notes(two: TwoRuns) -> list[str]:
    """What a reader must know of the two."""
    said = [_span(two)]
    if not two.same_traffic:
        said.insert(0, "The two did not see the same requests: what differs is not due to their decisions alone.")
    return said


def cells(found: Difference) -> list[tuple[str, ...]]:
    """A row a measure, as text, for `HEADINGS`."""
    rows: list[tuple[str, ...]] = []
    for words, measure, digits in _COUNTS:
        a, b = float(getattr(found.a, measure)), float(getattr(found.b, measure))
        part = f"{100.0 * (b / a - 1.0):+.1f}{SPACE}%" if a > 0.0 else "-"
        rows.append((words, f"{a:,.{digits}f}", f"{b:,.{digits}f}", f"{b - a:+,.{digits}f}", part))
    a, b = found.a.late_share, found.b.late_share
    rows.insert(2, ("late share", percent(a), percent(b), f"{100.0 * (b - a):+.2f}{SPACE}points", "-"))
    return rows


def _span(two: TwoRuns) -> str:
    begin = f" after the first {duration(two.from_s)}" if two.from_s > 0 else ""
    length, step = duration(two.until_s - two.from_s), duration(two.tick_s)
    return f"Looked at: {length}{begin}, {days(two.from_s, two.until_s)}; a step is {step}."


def _outcomes(run: StrategyRun, two: TwoRuns) -> list[Outcome]:
    known = known_ticks(run.timelines)
    return [outcome(run.strategy, t, known, two.from_s, two.until_s, two.tick_s) for t in run.timelines]


def _workload(two: TwoRuns, place: int) -> Section:
    """One workload under both, laid over one another."""
    a, b, found = two.a[place], two.b[place], two.workloads[place]
    bins = Bins.over(a.time_s, two.from_s, two.until_s)
    grid = Grid(bins, DayAxis(two.until_s), two.tick_s)
    chart = Chart(
        id=f"workload-{place}",
        describes=f"Ready replicas, floor, GPUs billed and late requests of {a.workload} in both runs over time",
        layout=_layout(grid),
        runs=[_traces(two, (a, b), grid)],
    )
    heading = f"Workload {a.workload}"
    parts = [chart.box(), table(f"What {a.workload} measured", HEADINGS, cells(found), runs=())]
    return Section(chart.id, heading, folded(heading, "\n".join(parts), place < OPEN), (chart,))


def _layout(grid: Grid) -> Figure:
    return layout(
        xaxis=grid.x_axis | {"anchor": "y4"},
        yaxis=panel("ready replicas", (0.58, 1.0)),
        yaxis2=panel("floor<br>(replicas)", (0.36, 0.53)),
        yaxis3=panel("GPUs billed", (0.18, 0.32)),
        yaxis4=panel(f"late requests<br>per {grid.span}", (0.0, 0.13)),
    )


def _traces(two: TwoRuns, both: Sequence[Timeline], grid: Grid) -> list[Figure]:
    bins, names, replicas = grid.bins, two.names, "%{y:.1f} replicas"
    billed: list[Floats] = [np.sum([t.billed_gpus_primary, t.billed_gpus_burst], axis=0) for t in both]
    return [
        level("demand" if two.same_traffic else "demand of A", bins.mean(both[0].offered_replicas), grid, replicas),
        *overlaid(names, [bins.mean(t.ready_replicas) for t in both], grid, replicas),
        *overlaid(names, [bins.largest(t.floor) for t in both], grid, "floor %{y:.0f}", "y2"),
        *overlaid(names, [bins.mean(b) for b in billed], grid, "%{y:.1f} GPUs", "y3"),
        *overlaid(names, [bins.total(t.late) for t in both], grid, "%{y:,.0f} late requests", "y4"),
    ]
