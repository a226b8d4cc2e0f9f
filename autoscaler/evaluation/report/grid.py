"""Where the points of a chart over time lie, and the lines that stand on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.page.days import DayAxis, duration
from autoscaler.evaluation.page.figure import SPIKE, Figure, colour, packed
from autoscaler.evaluation.report.bins import Bins

LEGEND = (
    *("demand", "ready", "floor", "forecast p50", "forecast p90", "forecast p99", "raised", "lowered", "late"),
    *("up", "warm", "on order"),
)
"""Every series by the name that the legend gives it, in the legend's order."""


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
    def until_s(self) -> float:
        """End of the last bin."""
        return self.bins.from_s + (self.bins.end - self.bins.first) * self.tick_s

    @property
    def x_axis(self) -> Figure:
        """The axis of time, over the bins alone."""
        span = [self.axis.position(self.bins.from_s), self.axis.position(self.until_s)]
        return self.axis.layout() | SPIKE | {"range": span}

    def places(self, first: int = 0) -> Figure:
        """Where the values of the bins from `first` stand: in the middle of each."""
        middle_s = self.bins.from_s + (first + 0.5) * self.bins.ticks * self.tick_s
        return {"x0": self.axis.position(middle_s), "dx": self.bins.ticks * self.tick_s / self.axis.unit_s}

    def steps(
        self, name: str, values: Floats, hover: str, tint: str, extra: Figure | None = None, first: int = 0
    ) -> list[Figure]:
        """A stepped line through values of the bins from `first`, each over its whole bin.

        So pointing at a step names its value. The hover text is its name and `hover`; no line where no value is known.
        """
        if not np.isfinite(values).any():
            return []
        trace: Figure = {
            "type": "scatter",
            "mode": "lines",
            "uid": series_id(name),
            "name": name,
            "legendrank": LEGEND.index(name) + 1,
            **self.places(first),
            "y": packed(values),
            "line": {"color": colour(tint), "width": 1.2, "shape": "hvh"},
            "hovertemplate": f"{name} {hover}<extra></extra>",
        }
        return [trace | (extra or {})]


def grid_of(comparison: Comparison, bins: Bins) -> Grid:
    """The grid of bins of a comparison."""
    return Grid(bins, DayAxis(comparison.scored_until_s), comparison.tick_s)


def series_id(name: str, stretch: int = 0) -> str:
    """Plotly's id of a series, equal for all runs: what is hidden stays hidden. A part of CSS classes: no spaces."""
    return f"{name.replace(' ', '-')}-{stretch}"


def panel(title: str, domain: tuple[float, float]) -> Figure:
    """A panel's own axis, from 0 upwards, over a part of the chart's height."""
    lines = 8 if domain[1] - domain[0] > 0.3 else 5
    return {"title": {"text": title, "font": {"size": 11}}, "domain": domain, "rangemode": "tozero", "nticks": lines}
