"""A part of a report: its HTML, and the charts that are drawn into it."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.evaluation.page.document import Chart


@dataclass(frozen=True, slots=True)
class Section:
    """HTML, and the charts whose boxes are in it. name: where links lead to; heading: what they say."""

    name: str
    heading: str
    html: str
    charts: tuple[Chart, ...]
