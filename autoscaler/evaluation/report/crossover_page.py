"""The page of a crossover: what each strategy costs and how late it is, over the lead time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autoscaler.evaluation.crossover import CrossoverRow, conclusion
from autoscaler.evaluation.page.document import Chart, document
from autoscaler.evaluation.page.figure import SPIKE, Figure, colour, label, layout, packed
from autoscaler.evaluation.page.looks import Look
from autoscaler.evaluation.page.markup import element, paragraphs, table, text
from autoscaler.evaluation.report.verdict import allowed, percent
from autoscaler.evaluation.whole_file import whole_file

HEADINGS = (
    "lead time",
    "strategy",
    "GPU-hours",
    "late",
    "cost / optimum at late share",
    "starts",
)


def cells(row: CrossoverRow) -> tuple[str, ...]:
    """A row as text, for `HEADINGS`."""
    summary = row.summary
    return (
        f"{row.lead_s:g} s",
        summary.strategy,
        f"{summary.gpu_hours:,.0f}",
        percent(summary.late_share),
        f"{summary.ratio_at_achieved:.3f}" if math.isfinite(summary.ratio_at_achieved) else "-",
        f"{summary.starts:,}",
    )


def render_crossover(title: str, rows: Sequence[CrossoverRow], late_target: float, notes: Sequence[str]) -> str:
    """The page as HTML, byte-equal for equal rows: conclusion, chart, the same numbers as a table, notes."""
    chart = Chart("crossover", "Cost and late requests over the lead time", _layout(), [_traces(rows, late_target)])
    first, *others = conclusion(rows, late_target) or [""]
    body = [
        element("h1", text(title)),
        element("p", text(first), class_="lead"),
        paragraphs(others),
        chart.box(),
        table("Each strategy at each lead time", HEADINGS, [cells(row) for row in rows]),
        paragraphs(notes, class_="note"),
    ]
    return document(title, "\n".join(body), [chart])


def write_crossover(
    path: str | Path, title: str, rows: Sequence[CrossoverRow], late_target: float, notes: Sequence[str]
) -> None:
    """Writes the page in place of whatever `path` held; the file appears whole or not at all.

    Raises FileNotFoundError where the folder does not exist.
    """
    page = render_crossover(title, rows, late_target, notes)
    with whole_file(path) as out:
        out.write(page)


def _layout() -> Figure:
    return layout(
        xaxis=SPIKE | {"title": {"text": "lead time"}, "anchor": "y2", "hoverformat": ".0f", "ticksuffix": " s"},
        yaxis={"title": {"text": "cost / optimum<br>at the late share reached"}, "domain": (0.46, 1.0)},
        yaxis2={"title": {"text": "late requests (%)"}, "domain": (0.0, 0.38), "rangemode": "tozero"},
    )


def _traces(rows: Sequence[CrossoverRow], late_target: float) -> list[Figure]:
    names = list(dict.fromkeys(row.summary.strategy for row in rows))
    drawn: list[Figure] = []
    for place, name in enumerate(names):
        mine = sorted((row for row in rows if row.summary.strategy == name), key=lambda row: row.lead_s)
        drawn += _strategy(name, mine, place)
    ends = [min(row.lead_s for row in rows), max(row.lead_s for row in rows)]
    objective: Figure = {
        "type": "scatter",
        "mode": "lines",
        "uid": "objective",
        "name": f"objective {allowed(late_target)}",
        "x": ends,
        "y": [100 * late_target] * 2,
        "yaxis": "y2",
        "line": {"color": colour("muted"), "dash": "dash", "width": 1.5},
        "hoverinfo": "skip",
    }
    return [*drawn, objective]


def _strategy(name: str, rows: Sequence[CrossoverRow], place: int) -> list[Figure]:
    """Ratio in the upper panel and late share in the lower one; a ratio that is not finite is a gap."""
    look, said = Look(place), "%{fullData.name}:"
    common: Figure = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": label(name),
        "legendgroup": f"strategy-{place}",
        "x": packed(np.array([row.lead_s for row in rows]), precise=True),
        "line": look.line(),
        "marker": {"symbol": look.symbol, "size": 8},
    }
    ratio = np.array([row.summary.ratio_at_achieved for row in rows])
    late = np.array([100 * row.summary.late_share for row in rows])
    hours = packed(np.array([row.summary.gpu_hours for row in rows]))
    return [
        common
        | {
            "uid": f"ratio-{place}",
            "y": packed(np.where(np.isfinite(ratio), ratio, np.nan)),
            "customdata": hours,
            "hovertemplate": f"{said} %{{y:.3f}} times the optimum, %{{customdata:,.0f}} GPU-hours<extra></extra>",
        },
        common
        | {
            "uid": f"late-{place}",
            "y": packed(late),
            "yaxis": "y2",
            "showlegend": False,
            "hovertemplate": f"{said} %{{y:.2f}} % late<extra></extra>",
        },
    ]
