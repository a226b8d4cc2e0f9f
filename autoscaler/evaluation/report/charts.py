"""The charts of a report: what a workload needed, got and was decided, and what a pool held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.evaluation.comparison import PoolTimeline
from autoscaler.evaluation.page.days import DayAxis, duration
from autoscaler.evaluation.page.figure import SPIKE, Figure, colour, label, layout, packed
from autoscaler.evaluation.report.bins import Bins
from autoscaler.evaluation.report.decisions import Decisions
from autoscaler.evaluation.report.outcome import Outcome
from autoscaler.evaluation.timeline import Numbers, Timeline

MOST_DECISIONS = 1_500
LEGEND = (
    *("demand", "ready", "floor", "forecast p50", "forecast p90", "forecast p99", "raised", "lowered", "late"),
    *("up", "warm", "on order"),
)
"""Every series by the name that the legend gives it, in the legend's order."""
_REPLICA_PANEL, _CHANGE_PANEL, _LATE_PANEL = (0.43, 1.0), (0.21, 0.37), (0.0, 0.15)  # of the height

_THIN: Figure = {"color": colour("forecast"), "width": 0.4, "shape": "hvh"}
_FAN: dict[str, Figure] = {
    "forecast p99": {"line": _THIN},
    "forecast p90": {"line": _THIN, "fill": "tonexty", "fillcolor": colour("fan-outer")},
    "forecast p50": {"line": _THIN | {"width": 1.0}, "fill": "tonexty", "fillcolor": colour("fan-inner")},
}


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the points of a chart lie: bins of ticks of `tick_s` seconds, on an axis of time."""

    bins: Bins
    axis: DayAxis
    tick_s: float

    @property
    def span(self) -> str:
        """Length of a bin in words."""
        return duration(self.bins.ticks * self.tick_s)

    @property
    def x_axis(self) -> Figure:
        """The axis of time, over the bins alone."""
        until_s = self.bins.from_s + (self.bins.end - self.bins.first) * self.tick_s
        span = [self.axis.position(self.bins.from_s), self.axis.position(until_s)]
        return self.axis.layout() | SPIKE | {"range": span}

    def steps(
        self, name: str, values: Floats, hover: str, tint: str, extra: Figure | None = None, first: int = 0
    ) -> list[Figure]:
        """A stepped line through values of the bins from `first`, each over its whole bin.

        So pointing at a step names its value. The hover text is its name and `hover`; no line where no value is known.
        """
        if not np.isfinite(values).any():
            return []
        middle_s = self.bins.from_s + (first + 0.5) * self.bins.ticks * self.tick_s
        trace: Figure = {
            "type": "scatter",
            "mode": "lines",
            "uid": series_id(name),
            "name": name,
            "legendrank": LEGEND.index(name) + 1,
            "x0": self.axis.position(middle_s),
            "dx": self.bins.ticks * self.tick_s / self.axis.unit_s,
            "y": packed(values),
            "line": {"color": colour(tint), "width": 1.2, "shape": "hvh"},
            "hovertemplate": f"{name} {hover}<extra></extra>",
        }
        return [trace | (extra or {})]


def series_id(name: str, stretch: int = 0) -> str:
    """Plotly's id of a series, equal for all runs: what is hidden stays hidden. A part of CSS classes: no spaces."""
    return f"{name.replace(' ', '-')}-{stretch}"


def workload_traces(outcome: Outcome, grid: Grid, forecast_ahead_s: float) -> list[Figure]:
    """Demand, forecast, capacity, decisions and late requests of one workload under one strategy.

    A forecast is drawn at the time that it is for, `forecast_ahead_s` after it was made.
    """
    timeline, bins, replicas = outcome.timeline, outcome.bins, "%{y:.1f} replicas"
    return [
        *_fan(outcome, grid, round(forecast_ahead_s / grid.tick_s)),
        *grid.steps("ready", bins.mean(timeline.ready_replicas), replicas, "ready"),
        *grid.steps("floor", bins.largest(timeline.floor), "%{y:.0f} replicas", "floor"),
        *grid.steps("demand", bins.mean(timeline.offered_replicas), replicas, "demand"),
        *_changes(outcome.decisions.largest(MOST_DECISIONS), grid.axis),
        *_late(timeline, grid),
    ]


def workload_layout(grid: Grid) -> Figure:
    """Three panels over one axis of time: replicas, changes of the floor, late requests."""
    return layout(
        xaxis=grid.x_axis | {"anchor": "y3"},
        yaxis=_panel("replicas", _REPLICA_PANEL),
        yaxis2=_panel("floor change<br>(replicas)", _CHANGE_PANEL),
        yaxis3=_panel(f"late requests<br>per {grid.span}", _LATE_PANEL),
    )


def pool_traces(pool: PoolTimeline, grid: Grid) -> list[Figure]:
    """Nodes that are up, on order, and up for placeholders alone."""
    bins, nodes = grid.bins, "%{y:.1f} nodes"
    up: Figure = {"fill": "tozeroy", "fillcolor": colour("ready-fill")}
    warm: Figure = {"fill": "tozeroy", "fillcolor": colour("floor-fill")}
    return [
        *grid.steps("up", bins.mean(pool.nodes), nodes, "ready", extra=up),
        *grid.steps("warm", bins.mean(pool.nodes_warm), nodes, "floor", extra=warm),
        *grid.steps("on order", bins.mean(pool.nodes_starting), nodes, "forecast"),
    ]


def pool_layout(grid: Grid) -> Figure:
    """One panel of nodes."""
    return layout(xaxis=grid.x_axis, yaxis=_panel("nodes", (0.0, 1.0)))


def _panel(title: str, domain: tuple[float, float]) -> Figure:
    lines = 8 if domain[1] - domain[0] > 0.3 else 5
    return {"title": {"text": title, "font": {"size": 11}}, "domain": domain, "rangemode": "tozero", "nticks": lines}


def _fan(outcome: Outcome, grid: Grid, ahead_ticks: int) -> list[Figure]:
    """Forecast quantiles, a fan for each stretch without a gap: a fill across a gap would be drawn askew.

    From the outermost in, since a fill reaches to the line drawn before.
    """
    timeline = outcome.timeline
    quantiles = {
        "forecast p99": timeline.forecast_p99,
        "forecast p90": timeline.forecast_p90,
        "forecast p50": timeline.forecast_p50,
    }
    values = {name: grid.bins.mean(_later(quantile, ahead_ticks)) for name, quantile in quantiles.items()}
    drawn: list[Figure] = []
    for first, end in _stretches(np.isfinite(np.sum(list(values.values()), axis=0))):
        for name, whole in values.items():
            part: Figure = {"uid": series_id(name, first), "legendgroup": name, "showlegend": len(drawn) < len(values)}
            drawn += grid.steps(name, whole[first:end], "%{y:.1f} replicas", "forecast", part | _FAN[name], first)
    return drawn


def _stretches(known: Bools) -> list[tuple[int, int]]:
    """[first, end) of each run of known bins."""
    edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _later(values: Numbers, ticks: int) -> Floats:
    """The values [T] moved to `ticks` later, NaN before the first of them."""
    moved = np.full(len(values), np.nan)
    moved[ticks:] = np.asarray(values, dtype=np.float64)[: max(len(values) - ticks, 0)]
    return moved


def _changes(decisions: Decisions, axis: DayAxis) -> list[Figure]:
    """Where the floor changed and by how much: raises and cuts apart, with the reasons on hover."""
    change = decisions.after - decisions.before
    raised = _markers("raised", "triangle-up", decisions, change > 0, axis)
    return [raised, _markers("lowered", "triangle-down-open", decisions, change < 0, axis)]


def _markers(name: str, symbol: str, decisions: Decisions, chosen: Bools, axis: DayAxis) -> Figure:
    """The chosen decisions; where there is none a point that is not drawn, since its panel would go with it."""
    places = np.flatnonzero(chosen).tolist()
    at_s, change = decisions.at_s[chosen], (decisions.after - decisions.before)[chosen]
    return {
        "type": "scatter",
        "mode": "markers",
        "uid": series_id(name),
        "name": name,
        "legendrank": LEGEND.index(name) + 1,
        "x": packed(np.array([axis.position(s) for s in at_s]) if places else np.zeros(1), precise=True),
        "y": packed(change if places else np.full(1, np.nan)),
        "yaxis": "y2",
        "text": [_words(decisions, place) for place in places],
        "marker": {"symbol": symbol, "size": 6, "color": colour("floor")},
        "hovertemplate": f"floor {name} {axis.moment}, %{{text}}<extra></extra>",
    }


def _words(decisions: Decisions, place: int) -> str:
    before, after, reasons = decisions.before[place], decisions.after[place], decisions.reasons[place]
    return f"{before:g} → {after:g}: {label(reasons) or 'no reason given'}"


def _late(timeline: Timeline, grid: Grid) -> list[Figure]:
    """Late requests of each bin, a gap where the arrivals have one and none was late."""
    arrivals, late_by_tick = (np.asarray(c, dtype=np.float64) for c in (timeline.arrivals, timeline.late))
    late = grid.bins.total(np.where(np.isfinite(arrivals) | (late_by_tick > 0.0), late_by_tick, np.nan))
    area: Figure = {"yaxis": "y3", "fill": "tozeroy", "fillcolor": colour("late-fill")}
    area["customdata"] = packed(grid.bins.total(arrivals))
    return grid.steps("late", late, "%{y:,.0f} of %{customdata:,.0f} requests", "late", area)
