"""What was made to go wrong: shaded in the charts, and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.incidents import Incident, within
from autoscaler.evaluation.page.days import clock, duration
from autoscaler.evaluation.page.figure import Figure, colour
from autoscaler.evaluation.page.markup import element, region, table, text
from autoscaler.evaluation.report.grid import Grid
from autoscaler.evaluation.report.section import Section

HEADINGS = ("what", "where", "from", "for")
_EDGES = ("dash", "dot", "dashdot", "longdash", "longdashdot", "solid")


def faults_section(comparison: Comparison) -> Section | None:
    """The faults that touch the scored part; None where there is none."""
    faults = within(comparison.faults, comparison.scored_from_s, comparison.scored_until_s)
    if not faults:
        return None
    rows = [
        (one.what, one.where, clock(one.from_s), duration(one.until_s - one.from_s) if _lasts(one) else "at once")
        for one in faults
    ]
    note = "The charts shade each of them over its time, and mark one that came at once by a line."
    parts = [element("p", text(note), class_="note"), table("What was made to go wrong", HEADINGS, rows, runs=())]
    return Section("faults", "Faults", region("faults", "Faults", parts), ())


def shaded(faults: Sequence[Incident], grid: Grid) -> list[Figure]:
    """The faults as shapes over the whole height of a chart, each kind once in the legend."""
    there = within(faults, grid.bins.from_s, grid.until_s)
    kinds = list(dict.fromkeys(one.what for one in faults))
    named: set[str] = set()
    shapes = []
    for one in there:
        shapes.append(_shape(one, kinds.index(one.what), one.what not in named, grid))
        named.add(one.what)
    return shapes


def _shape(one: Incident, kind: int, is_first: bool, grid: Grid) -> Figure:
    first, last = max(one.from_s, grid.bins.from_s), min(one.until_s, grid.until_s)
    return {
        "type": "rect" if _lasts(one) else "line",
        "xref": "x",
        "yref": "paper",
        "x0": grid.axis.position(first),
        "x1": grid.axis.position(last),
        "y0": 0,
        "y1": 1,
        "layer": "below" if _lasts(one) else "above",
        "fillcolor": colour("fault-fill"),
        "line": {"color": colour("muted"), "dash": _EDGES[kind % len(_EDGES)], "width": 1},
        "name": one.what,
        "legendgroup": one.what,
        "legendrank": 100 + kind,
        "showlegend": is_first,
    }


def _lasts(one: Incident) -> bool:
    return one.until_s > one.from_s
