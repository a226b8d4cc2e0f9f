"""A pool of a report: its nodes, their zones, and what the cloud did to it, as a chart and as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from autoscaler.evaluation.comparison import Comparison, PoolTimeline
from autoscaler.evaluation.incidents import Incident, within
from autoscaler.evaluation.page.document import Chart
from autoscaler.evaluation.page.figure import Figure, colour, label, layout, packed
from autoscaler.evaluation.page.looks import Look
from autoscaler.evaluation.page.markup import folded, table
from autoscaler.evaluation.report.bins import Bins
from autoscaler.evaluation.report.faults_view import shaded
from autoscaler.evaluation.report.grid import Grid, grid_of, panel
from autoscaler.evaluation.report.outcome import peak
from autoscaler.evaluation.report.section import Section
from autoscaler.simulator.journal import Happening

_KINDS = {
    Happening.NOTICE.value: ("spot notices", "x", "late"),
    Happening.ZONE.value: ("zones called back", "star", "floor"),
    Happening.REFUSED.value: ("refused", "circle-open", "forecast"),
}
"""What the cloud does -> its heading, marker and colour."""
HEADINGS = (
    *("strategy", "up, mean", "up, peak", "on order, peak", "warm, mean", "warm, peak"),
    *(heading for heading, _, _ in _KINDS.values()),
)


def pool_section(comparison: Comparison, place: int, is_open: bool) -> Section:
    """One pool under each strategy, open or folded."""
    pools = [run.pools[place] for run in comparison.runs]
    bins = [Bins.over(p.time_s, comparison.scored_from_s, comparison.scored_until_s) for p in pools]
    grids, name = [grid_of(comparison, b) for b in bins], pools[0].pool
    there = [within(p.incidents, comparison.scored_from_s, comparison.scored_until_s) for p in pools]
    panels = Panels(has_zones=len(pools[0].zones) > 1, has_marks=any(there))
    faults = [one for one in comparison.faults if one.pool in ("", name) and not one.workload]
    chart = Chart(
        id=f"pool-{place}",
        describes=f"Nodes of pool {name} over time: up, warm and on order, by zone, and what the cloud took",
        layout=panels.layout(grids[0]) | {"shapes": shaded(faults, grids[0])},
        runs=[panels.traces(p, found, grid) for p, found, grid in zip(pools, there, grids, strict=True)],
        size=panels.size,
    )
    rows = [
        _row(run.strategy, p, b, found) for run, p, b, found in zip(comparison.runs, pools, bins, there, strict=True)
    ]
    heading = f"Pool {name} ({pools[0].capacity_type})"
    parts = [chart.box(), table(f"Nodes of {name} in the scored part", HEADINGS, rows)]
    return Section(chart.id, heading, folded(heading, "\n".join(parts), is_open), (chart,))


class Panels:
    """Of a pool's chart: nodes; their zones, where there are several; and marks, where something happened."""

    def __init__(self, has_zones: bool, has_marks: bool) -> None:
        self.has_zones, self.has_marks = has_zones, has_marks
        heights = [3.0, *([2.0] if has_zones else []), *([1.4] if has_marks else [])]
        gap = 0.09
        scale = (1.0 - gap * (len(heights) - 1)) / sum(heights)
        tops = [1.0 - sum(height * scale + gap for height in heights[:place]) for place in range(len(heights))]
        ends = [top - height * scale for top, height in zip(tops, heights, strict=True)]
        self._domains = [(round(abs(end), 4), round(top, 4)) for end, top in zip(ends, tops, strict=True)]

    @property
    def size(self) -> Literal["tall", "middle", "low"]:
        """The chart's, by how many panels there are."""
        return ("low", "middle", "tall")[self.has_zones + self.has_marks]

    @property
    def _marks_axis(self) -> str:
        return "y3" if self.has_zones else "y2"

    def layout(self, grid: Grid) -> Figure:
        """The panels over one axis of time."""
        axes: dict[str, Figure] = {"yaxis": panel("nodes", self._domains[0])}
        if self.has_zones:
            axes["yaxis2"] = panel("up by zone<br>(nodes)", self._domains[1])
        if self.has_marks:
            axes[f"yaxis{self._marks_axis[1:]}"] = {
                "type": "category",
                "categoryarray": list(_KINDS),
                "range": [len(_KINDS) - 0.5, -0.5],
                "domain": self._domains[-1],
                "tickfont": {"size": 10},
            }
        last = [name.replace("axis", "") for name in axes][-1]
        return layout(xaxis=grid.x_axis | {"anchor": last}, **axes)

    def traces(self, pool: PoolTimeline, there: Sequence[Incident], grid: Grid) -> list[Figure]:
        """Nodes that are up, on order, and up for placeholders alone; and the other panels."""
        bins, nodes = grid.bins, "%{y:.1f} nodes"
        up: Figure = {"fill": "tozeroy", "fillcolor": colour("ready-fill")}
        warm: Figure = {"fill": "tozeroy", "fillcolor": colour("floor-fill")}
        order: Figure = {"line": {"color": colour("forecast"), "width": 1.2, "shape": "hvh", "dash": "dot"}}
        return [
            *grid.steps("up", bins.mean(pool.nodes), nodes, "ready", extra=up),
            *grid.steps("warm", bins.mean(pool.nodes_warm), nodes, "floor", extra=warm),
            *grid.steps("on order", bins.mean(pool.nodes_starting), nodes, "forecast", extra=order),
            *(_zones(pool, grid) if self.has_zones else []),
            *(_marks(there, grid, self._marks_axis) if self.has_marks else []),
        ]


def _zones(pool: PoolTimeline, grid: Grid) -> list[Figure]:
    """Nodes up in each zone, one area above another."""
    if pool.by_zone is None or not np.isfinite(pool.by_zone).any():
        return []
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "uid": f"zone-{place}",
            "name": f"zone {label(zone)}",
            "legendrank": 50 + place,
            **grid.places(),
            "y": packed(grid.bins.mean(pool.by_zone[:, place])),
            "yaxis": "y2",
            "stackgroup": "zones",
            "line": {"color": Look(place).tint, "width": 0.8, "shape": "hvh"},
            "fillpattern": Look(place).area,
            "hovertemplate": "%{fullData.name} %{y:.1f} nodes<extra></extra>",
        }
        for place, zone in enumerate(pool.zones)
    ]


def _marks(there: Sequence[Incident], grid: Grid, axis: str) -> list[Figure]:
    """What the cloud did, a row for each kind; a kind without any has a point that is not drawn and keeps its row."""
    drawn: list[Figure] = []
    for rank, (kind, (_, symbol, tint)) in enumerate(_KINDS.items()):
        mine = [one for one in there if one.what == kind]
        places = [grid.axis.position(one.from_s) for one in mine] or [grid.axis.position(grid.bins.from_s)]
        drawn.append(
            {
                "type": "scatter",
                "mode": "markers",
                "uid": f"mark-{rank}",
                "name": kind,
                "showlegend": False,
                "x": packed(np.array(places), precise=True),
                "y": [kind] * len(mine) or [None],
                "yaxis": axis,
                "text": [f"{label(one.zone)}, nodes: {one.nodes}" for one in mine],
                "marker": {"symbol": symbol, "size": 8, "color": colour(tint)},
                "hovertemplate": f"{kind} {grid.axis.moment}, zone %{{text}}<extra></extra>",
            }
        )
    return drawn


def _row(strategy: str, pool: PoolTimeline, bins: Bins, there: Sequence[Incident]) -> tuple[str, ...]:
    up, order, warm = pool.nodes, pool.nodes_starting, pool.nodes_warm
    notices = sum(one.nodes for one in there if one.what == Happening.NOTICE)
    counts = Counter(one.what for one in there) | Counter({Happening.NOTICE.value: notices})
    return (
        strategy,
        f"{bins.overall_mean(up):,.1f}",
        f"{peak(bins.largest(up)):,.0f}",
        f"{peak(bins.largest(order)):,.0f}",
        f"{bins.overall_mean(warm):,.1f}",
        f"{peak(bins.largest(warm)):,.0f}",
        *(f"{counts[kind]:,}" for kind in _KINDS),
    )
