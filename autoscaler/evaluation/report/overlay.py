"""Charts that lay several runs over one another, a line each, told apart by colour and dash."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.page.figure import Figure, colour, label, packed
from autoscaler.evaluation.page.looks import Look
from autoscaler.evaluation.report.grid import Grid


def overlaid(
    names: Sequence[str], values: Sequence[Floats], grid: Grid, hover: str, axis: str = "y", stepped: bool = True
) -> list[Figure]:
    """A line through the values of the bins for each run. hover: what follows its name. Only the lines of the first
    panel, whose axis is `y`, are in the legend; a click there hides all lines of a run."""
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "uid": f"{axis}-{place}",
            "name": label(name),
            "legendgroup": f"run-{place}",
            "legendrank": place + 1,
            "showlegend": axis == "y",
            **grid.places(),
            "y": packed(one),
            "yaxis": axis,
            "line": Look(place).line(1.4) | {"shape": "hvh" if stepped else "linear"},
            "hovertemplate": f"%{{fullData.name}} {hover}<extra></extra>",
        }
        for place, (name, one) in enumerate(zip(names, values, strict=True))
    ]


def level(name: str, values: Floats, grid: Grid, hover: str, axis: str = "y") -> Figure:
    """A thin grey line that the runs are measured at, such as a bound."""
    return {
        "type": "scatter",
        "mode": "lines",
        "uid": f"level-{axis}",
        "name": label(name),
        "legendrank": 90,
        **grid.places(),
        "y": packed(values),
        "yaxis": axis,
        "line": {"color": colour("muted"), "dash": "longdash", "width": 1.5},
        "hovertemplate": f"%{{fullData.name}} {hover}<extra></extra>",
    }


def running(values: Floats) -> Floats:
    """Sums up to the end of each bin; a bin without a value adds nothing."""
    return np.cumsum(np.nan_to_num(values))
