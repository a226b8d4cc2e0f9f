"""Starts of replicas: where their time goes, stage by stage, on a new node and on one that was up; and the longest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.page.days import clock
from autoscaler.evaluation.page.document import Chart
from autoscaler.evaluation.page.figure import Figure, colour, label, layout, packed
from autoscaler.evaluation.page.looks import pattern
from autoscaler.evaluation.page.markup import SPACE, element, region, table, text
from autoscaler.evaluation.report.section import Section
from autoscaler.evaluation.report.stage_bars import stage_bars
from autoscaler.evaluation.starts import Starts

LONGEST_DRAWN, LONGEST_LISTED = 10, 3
PATHS = (("cold", True), ("warm", False))
"""Name of a path, and whether its starts are cold."""
_WHOLE = "all stages"


def starts_section(comparison: Comparison) -> Section | None:
    """The starts of the scored part under each strategy; None where none is recorded."""
    there = [None if run.starts is None else _scored(run.starts, comparison) for run in comparison.runs]
    names = [run.strategy for run in comparison.runs]
    stages = next((starts.stages for starts in there if starts is not None and len(starts.workload)), None)
    if stages is None:
        return None
    chart = Chart(
        id="starts",
        describes="Time of each stage of a start, and the longest starts",
        layout=_layout(stages),
        runs=[_traces(starts, stages) for starts in there],
    )
    parts = [
        element("p", text(_guide(stages, there)), class_="note"),
        chart.box(),
        _stage_table(names, there, stages),
        _longest_table(names, there, stages),
    ]
    return Section("starts-of-replicas", "Starts", region("starts-of-replicas", "Starts", parts), (chart,))


def longest(starts: Starts, most: int) -> Starts:
    """The `most` longest, the longest first; of equals the earlier one first."""
    order = np.lexsort((starts.asked_s, -starts.whole_s))[:most]
    return starts.chosen(order.tolist())


def stage_quantiles(starts: Starts, cold: bool) -> Floats:
    """Median and 90th percentile of each stage, and of all stages together, of one path, float [2, S + 1]; NaN where
    nothing went it."""
    mine = starts.cold == cold
    seconds = np.column_stack([starts.seconds, starts.whole_s])[mine]
    if not seconds.size:
        return np.full((2, seconds.shape[1]), np.nan)
    found: Floats = np.quantile(seconds, [0.5, 0.9], axis=0)
    return found


def _scored(starts: Starts, comparison: Comparison) -> Starts:
    return starts.between(comparison.scored_from_s, comparison.scored_until_s)


def _guide(stages: Sequence[str], there: Sequence[Starts | None]) -> str:
    kept = max((starts.one_in for starts in there if starts is not None), default=1)
    some = f" One start in {kept:,} was kept." if kept > 1 else ""
    return (
        f"From the creation of a replica to its serving: {', '.join(stages)}. Wait is what neither node nor replica "
        "needed: deciding, being refused, binding. A cold start had to wait for a node; a warm one found one that was "
        f"up, held by a placeholder or left by others. Bars are medians, the line on them leads to p90.{some}"
    )


def _layout(stages: Sequence[str]) -> Figure:
    axis: Figure = {"title": {"text": "seconds", "font": {"size": 11}}, "rangemode": "tozero"}
    ranks = [_rank(place) for place in range(LONGEST_DRAWN)]
    whole = layout(
        xaxis=axis | {"anchor": "y", "domain": [0.0, 1.0]},
        yaxis={
            "type": "category", "categoryarray": [*stages, _WHOLE], "range": [len(stages) + 0.5, -0.5],
            "domain": [0.57, 1.0],
        },
        xaxis2=axis | {"anchor": "y2"},
        yaxis2={
            "type": "category", "categoryarray": ranks, "range": [LONGEST_DRAWN - 0.5, -0.5], "domain": [0.0, 0.43],
            "title": {"text": "longest starts", "font": {"size": 11}},
        },
    )  # fmt: skip
    return whole | {"barmode": "relative", "bargap": 0.25, "hovermode": "closest", "hoversubplots": "single"}


def _rank(place: int) -> str:
    return f"no. {place + 1}"


def _traces(starts: Starts | None, stages: Sequence[str]) -> list[Figure]:
    if starts is None or not len(starts.workload):
        return []
    return [
        *(_path(name, stage_quantiles(starts, cold), stages, place) for place, (name, cold) in enumerate(PATHS)),
        *_waterfall(longest(starts, LONGEST_DRAWN), stages),
    ]


def _path(name: str, quantiles: Floats, stages: Sequence[str], place: int) -> Figure:
    """Bars of the median, with a line up to the 90th percentile."""
    median, p90 = quantiles
    return {
        "type": "bar",
        "orientation": "h",
        "uid": f"path-{name}",
        "name": f"{name}, median to p90",
        "legendrank": place + 1,
        "offsetgroup": name,
        "alignmentgroup": "paths",
        "y": [*stages, _WHOLE],
        "x": packed(median),
        "customdata": packed(p90),
        "error_x": {
            "type": "data", "symmetric": False, "array": packed(p90 - median), "arrayminus": packed(np.zeros(len(p90))),
            "color": colour("ink"), "thickness": 1.2, "width": 3,
        },
        "marker": {"color": colour("muted"), "pattern": pattern(place) | {"fgcolor": colour("muted")}},
        "hovertemplate": f"{name}, %{{y}}: median %{{x:.0f}} s, p90 %{{customdata:.0f}} s<extra></extra>",
    }  # fmt: skip


def _waterfall(starts: Starts, stages: Sequence[str]) -> list[Figure]:
    """The longest starts, a bar each, one stage after another."""
    places = range(len(starts.workload))
    whole_s, asked_s = starts.whole_s.tolist(), starts.asked_s.tolist()
    who = [f"{label(starts.workload[i])}, {clock(asked_s[i])}, {whole_s[i]:.0f} s in all" for i in places]
    return stage_bars([_rank(i) for i in places], who, stages, starts.seconds, panel="2")


def _stage_table(names: Sequence[str], there: Sequence[Starts | None], stages: Sequence[str]) -> str:
    rows, runs = [], []
    for run, (strategy, starts) in enumerate(zip(names, there, strict=True)):
        for path, cold in PATHS if starts is not None else ():
            assert starts is not None
            quantiles = stage_quantiles(starts, cold)
            count = int((starts.cold == cold).sum()) * starts.one_in
            rows.append((f"{strategy}, {path}", f"{count:,}", *(_pair(*pair) for pair in quantiles.T.tolist())))
            runs.append(run)
    headings = ("strategy, path", "starts", *stages, _WHOLE)
    return table("Seconds of each stage, median / 90th percentile", headings, rows, runs)


def _pair(median: float, p90: float) -> str:
    return f"{median:,.0f}{SPACE}/{SPACE}{p90:,.0f}" if np.isfinite(median) else "-"


def _longest_table(names: Sequence[str], there: Sequence[Starts | None], stages: Sequence[str]) -> str:
    rows, runs = [], []
    for run, (strategy, starts) in enumerate(zip(names, there, strict=True)):
        if starts is None:
            continue
        found = longest(starts, LONGEST_LISTED)
        for i, seconds in enumerate(found.seconds.tolist()):
            where = (clock(float(found.asked_s[i])), found.workload[i], found.pool[i])
            rows.append((strategy, *where, f"{sum(seconds):,.0f}", *(f"{s:,.0f}" for s in seconds)))
            runs.append(run)
    headings = ("strategy", "asked for", "workload", "pool", _WHOLE, *stages)
    return table("The longest starts, seconds", headings, rows, runs)
