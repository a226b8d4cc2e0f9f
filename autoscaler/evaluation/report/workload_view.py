"""A workload of a report: what it needed, got and was decided, as a chart, and the same numbers as a table."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.page.days import DayAxis
from autoscaler.evaluation.page.document import Chart
from autoscaler.evaluation.page.figure import Figure, colour, label, layout, packed
from autoscaler.evaluation.page.markup import element, folded, table, text
from autoscaler.evaluation.report.decisions import Decisions
from autoscaler.evaluation.report.faults_view import shaded
from autoscaler.evaluation.report.grid import LEGEND, Grid, grid_of, panel, series_id
from autoscaler.evaluation.report.outcome import Outcome
from autoscaler.evaluation.report.section import Section
from autoscaler.evaluation.report.verdict import allowed, listed, percent
from autoscaler.evaluation.timeline import Numbers, Timeline

MOST_DECISIONS = 1_500
REASONS_SHOWN = 3
HEADINGS = (
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
_REPLICA_PANEL, _CHANGE_PANEL, _LATE_PANEL = (0.43, 1.0), (0.21, 0.37), (0.0, 0.15)  # of the height

_THIN: Figure = {"color": colour("forecast"), "width": 0.4, "shape": "hvh"}
_FAN: dict[str, Figure] = {
    "forecast p99": {"line": _THIN},
    "forecast p90": {"line": _THIN, "fill": "tonexty", "fillcolor": colour("fan-outer")},
    "forecast p50": {"line": _THIN | {"width": 1.0}, "fill": "tonexty", "fillcolor": colour("fan-inner")},
}


def workload_section(comparison: Comparison, runs: list[Outcome], place: int, is_open: bool) -> Section:
    """One workload under each strategy, open or folded."""
    name = runs[0].timeline.workload
    grids = [grid_of(comparison, one.bins) for one in runs]
    ahead_s = comparison.forecast_ahead_s.get(name, 0.0)
    faults = [one for one in comparison.faults if one.workload in ("", name)]
    chart = Chart(
        id=f"workload-{place}",
        describes=f"Demand, forecast, capacity, decisions and late requests of {name} over time",
        layout=workload_layout(grids[0]) | {"shapes": shaded(faults, grids[0])},
        runs=[workload_traces(one, grid, ahead_s) for one, grid in zip(runs, grids, strict=True)],
    )
    rows = [_row(one, comparison.late_target[name]) for one in runs]
    notes = [_left_out(runs), _calibration(runs, round(ahead_s / comparison.tick_s))]
    parts = [chart.box(), *(element("p", text(note), class_="note") for note in notes if note)]
    parts.append(table(f"{name} in the scored part", HEADINGS, rows))
    heading = f"Workload {name}"
    return Section(chart.id, heading, folded(heading, "\n".join(parts), is_open), (chart,))


def workload_traces(outcome: Outcome, grid: Grid, forecast_ahead_s: float) -> list[Figure]:
    """Demand, forecast, capacity, decisions and late requests of one workload under one strategy.

    A forecast is drawn at the time that it is for, `forecast_ahead_s` after it was made.
    """
    timeline, bins, replicas = outcome.timeline, outcome.bins, "%{y:.1f} replicas"
    return [
        *_fan(outcome, grid, round(forecast_ahead_s / grid.tick_s)),
        *grid.steps("ready", bins.mean(timeline.ready_replicas), replicas, "ready"),
        *grid.steps("floor", bins.largest(timeline.floor), "%{y:.0f} replicas", "floor", {"line": _FLOOR_LINE}),
        *grid.steps("demand", bins.mean(timeline.offered_replicas), replicas, "demand"),
        *_changes(outcome.decisions.largest(MOST_DECISIONS), grid.axis),
        *late_requests(timeline, grid),
    ]


_FLOOR_LINE: Figure = {"color": colour("floor"), "width": 1.2, "shape": "hvh", "dash": "dot"}


def workload_layout(grid: Grid) -> Figure:
    """Three panels over one axis of time: replicas, changes of the floor, late requests."""
    return layout(
        xaxis=grid.x_axis | {"anchor": "y3"},
        yaxis=panel("replicas", _REPLICA_PANEL),
        yaxis2=panel("floor change<br>(replicas)", _CHANGE_PANEL),
        yaxis3=panel(f"late requests<br>per {grid.span}", _LATE_PANEL),
    )


def late_requests(timeline: Timeline, grid: Grid) -> list[Figure]:
    """Late requests of each bin, a gap where the arrivals have one and none was late."""
    arrivals, late_by_tick = (np.asarray(c, dtype=np.float64) for c in (timeline.arrivals, timeline.late))
    late = grid.bins.total(np.where(np.isfinite(arrivals) | (late_by_tick > 0.0), late_by_tick, np.nan))
    area: Figure = {"yaxis": "y3", "fill": "tozeroy", "fillcolor": colour("late-fill")}
    area["customdata"] = packed(grid.bins.total(arrivals))
    return grid.steps("late", late, "%{y:,.0f} of %{customdata:,.0f} requests", "late", area)


def coverage(timeline: Timeline, first: int, end: int, ahead_ticks: int) -> tuple[float, float, float] | None:
    """Shares of the ticks [first, end) in which what came did not exceed the p50, p90 and p99 that were made for them,
    each 0..1; None where no tick has both."""
    came = np.asarray(timeline.offered_replicas, dtype=np.float64)[first:end]
    columns = (timeline.forecast_p50, timeline.forecast_p90, timeline.forecast_p99)
    quantiles = [_later(column, ahead_ticks)[first:end] for column in columns]
    known = np.isfinite(came) & np.isfinite(np.sum(quantiles, axis=0))
    if not known.any():
        return None
    p50, p90, p99 = (float((came[known] <= quantile[known]).mean()) for quantile in quantiles)
    return p50, p90, p99


def _calibration(runs: list[Outcome], ahead_ticks: int) -> str:
    """How the forecast of the first strategy that has one stood against what came."""
    for one in runs:
        shares = coverage(one.timeline, one.bins.first, one.bins.end, ahead_ticks)
        if shares is not None:
            said = listed([percent(share) for share in shares])
            return f"Forecast of {one.strategy}: demand stayed within p50, p90 and p99 in {said} of the ticks."
    return ""


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


def _row(one: Outcome, late_target: float) -> tuple[str, ...]:
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


def _left_out(runs: list[Outcome]) -> str:
    """Says so where not every decision is marked in the chart."""
    cut = [f"{len(one.decisions):,} under {one.strategy}" for one in runs if len(one.decisions) > MOST_DECISIONS]
    said = f"Of the floor changes only the {MOST_DECISIONS:,} largest are marked: there are {listed(cut)}."
    return said if cut else ""
