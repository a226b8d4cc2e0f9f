"""Starts as bars, one a start, with its stages one after another."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.page.figure import Figure, packed
from autoscaler.evaluation.page.looks import Look


def stage_bars(
    rows: Sequence[str], who: Sequence[str], stages: Sequence[str], seconds: Floats, panel: str = ""
) -> list[Figure]:
    """A trace for each stage. rows: categories of the N starts; who: said of each when it is pointed at; both safe for
    figures. stages: S names. seconds: float [N, S]. panel: ends the names of the axes.
    """
    return [
        {
            "type": "bar",
            "orientation": "h",
            "uid": f"stage-{rank}",
            "name": stage,
            "legendrank": 10 + rank,
            "offsetgroup": "starts",
            "alignmentgroup": "starts",
            "xaxis": f"x{panel}",
            "yaxis": f"y{panel}",
            "y": list(rows),
            "x": packed(seconds[:, rank]),
            "text": list(who),
            "textposition": "none",
            "marker": Look(rank).bar,
            "hovertemplate": f"{stage} %{{x:.0f}} s: %{{text}}<extra></extra>",
        }
        for rank, stage in enumerate(stages)
    ]
