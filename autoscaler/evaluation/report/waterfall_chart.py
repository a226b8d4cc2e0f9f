"""Charts of a waterfall: the stages of the middle start, each from where the one before it ends; the last starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from autoscaler.domain.lead_time import Part, Start, StartEnd
from autoscaler.evaluation.page.document import Chart
from autoscaler.evaluation.page.figure import Figure, colour, label, layout, packed
from autoscaler.evaluation.page.looks import pattern
from autoscaler.evaluation.report.stage_bars import stage_bars
from autoscaler.evaluation.waterfall.part import StageTime
from autoscaler.evaluation.waterfall.waterfall import Track
from autoscaler.evaluation.waterfall.words import ago, seconds, stage_name, where

LAST = 12
"""So many starts are drawn one by one."""
_FEWEST, _LOW, _MIDDLE = 3, 4, 8
"""There is room for so many rows at least; up to so many a chart is low, or of middle height."""
_FAR = 1.6
"""A line to a p90 beyond so many times the middle start leaves the chart: drawn whole it would leave bars no width."""


def track_chart(name: str, track: Track) -> Chart:
    """The middle start of a path, offset bars; a tick at the p50 of each stage, a line to its p90."""
    rows = [_row(track, stage) for stage in track.stages]
    title = {"text": "seconds since it was asked for", "font": {"size": 11}}
    drawn = layout(xaxis={"title": title, "range": [0.0, _reach_s(track)]}, yaxis=_rows(rows)) | {
        "barmode": "overlay",
        "bargap": 0.3,
        "hovermode": "closest",
    }
    return Chart(
        id=name,
        describes="Stages of the middle start, one after another",
        layout=drawn,
        runs=[_traces(track, rows)],
        size=_size(len(rows)),
    )


def last_chart(name: str, starts: Sequence[Start], now_s: float) -> Chart:
    """Starts one by one, stage after stage."""
    order = [stage for part in Part for stage in part.stages]
    values = np.array([[start.stages.get(stage, 0.0) for stage in order] for start in starts])
    seen = [rank for rank, stage in enumerate(order) if any(stage in start.stages for start in starts)]
    rows = [_when(place, start, now_s) for place, start in enumerate(starts)]
    who = [label(f"{start.policy}, {where(start)}, {start.seconds:,.0f} s in all") for start in starts]
    axis: Figure = {"title": {"text": "seconds", "font": {"size": 11}}, "rangemode": "tozero"}
    drawn = layout(xaxis=axis, yaxis=_rows(rows)) | {"barmode": "stack", "bargap": 0.3, "hovermode": "closest"}
    bars = stage_bars(rows, who, [stage_name(stage) for stage in order], values)
    return Chart(
        id=name,
        describes="The last starts, one by one",
        layout=drawn,
        runs=[[bars[rank] for rank in seen]],
        size=_size(len(rows)),
    )


def _rows(rows: Sequence[str]) -> Figure:
    """The first one on top."""
    return {
        "type": "category",
        "categoryarray": list(rows),
        "range": [max(len(rows), _FEWEST) - 0.5, -0.5],
        "ticklabelstandoff": 4,
    }


def _size(rows: int) -> Literal["tall", "middle", "low"]:
    if rows <= _LOW:
        return "low"
    return "middle" if rows <= _MIDDLE else "tall"


def _reach_s(track: Track) -> float:
    ends = [track.offset_s(stage.stage) + stage.quantiles.p90.seconds for stage in track.stages]
    return 1.04 * max(track.middle_s, min(max(ends), _FAR * track.middle_s), 1.0)


def _row(track: Track, stage: StageTime) -> str:
    """Name and figures of a stage, the slowest one marked."""
    name = stage_name(stage.stage)
    said = f"<b>\u25b6 {name}</b>" if stage == track.slowest else name
    return f"{said}<br>{stage.middle_s:,.0f} s ({100.0 * track.share(stage):.0f} %)"


def _when(place: int, start: Start, now_s: float) -> str:
    """`1 replica<br>3 min ago, failed`."""
    if start.end is StartEnd.WAITING:
        return f"{place + 1} {start.part.value}<br>goes on"
    ended = "" if start.end is StartEnd.COMPLETE else f", {start.end.value}"
    return f"{place + 1} {start.part.value}<br>{ago(start, now_s)}{ended}"


def _traces(track: Track, rows: Sequence[str]) -> list[Figure]:
    stages, slowest = track.stages, track.slowest
    drawn: list[Figure] = []
    for name, tint, shape, is_mine in _kinds(slowest):
        mine = [n for n, stage in enumerate(stages) if is_mine(stage)]
        if mine:
            drawn.append(_bars(track, rows, mine) | _look(name, tint, shape, len(drawn)))
    return [*drawn, _middles(track, rows)]


def _kinds(slowest: StageTime) -> Sequence[tuple[str, str, int, Callable[[StageTime], bool]]]:
    """(name, colour, pattern, which stages) of each kind of bar."""
    node = Part.NODE.stages
    return (
        ("slowest stage", "late", 0, lambda stage: stage == slowest),
        ("node", "muted", 1, lambda stage: stage != slowest and stage.stage in node),
        ("replica", "forecast", 0, lambda stage: stage != slowest and stage.stage not in node),
    )


def _look(name: str, tint: str, shape: int, rank: int) -> Figure:
    fill = pattern(shape) | {"fgcolor": colour("ground"), "bgcolor": colour(tint)}
    return {
        "uid": name.replace(" ", "-"), "name": name, "legendrank": rank,
        "marker": {"color": colour(tint), "pattern": fill},
    }  # fmt: skip


def _bars(track: Track, rows: Sequence[str], mine: Sequence[int]) -> Figure:
    stages = [track.stages[n] for n in mine]
    middle = np.array([stage.middle_s for stage in stages])
    p90 = np.array([stage.quantiles.p90.seconds for stage in stages])
    beyond = np.maximum(p90 - middle, 0.0)
    said = [
        f"{stage_name(stage.stage)}: {stage.middle_s:,.0f} s of the middle start, "
        f"p50 {label(seconds(stage.quantiles.p50))}, p90 {label(seconds(stage.quantiles.p90))}"
        for stage in stages
    ]
    return {
        "type": "bar",
        "orientation": "h",
        "y": [rows[n] for n in mine],
        "x": packed(middle),
        "base": packed(np.array([track.offset_s(stage.stage) for stage in stages])),
        "error_x": {
            "type": "data", "symmetric": False, "array": packed(beyond), "arrayminus": packed(np.zeros(len(mine))),
            "color": colour("ink"), "thickness": 1.2, "width": 3,
        },
        "text": said,
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }  # fmt: skip


def _middles(track: Track, rows: Sequence[str]) -> Figure:
    """A tick at the p50 of each stage."""
    at = [track.offset_s(stage.stage) + stage.quantiles.p50.seconds for stage in track.stages]
    return {
        "type": "scatter",
        "mode": "markers",
        "uid": "p50",
        "name": "p50 (line: to p90)",
        "legendrank": 9,
        "y": list(rows),
        "x": packed(np.array(at)),
        "hoverinfo": "skip",
        "marker": {"symbol": "line-ns", "size": 16, "line": {"width": 2, "color": colour("ink")}},
    }
