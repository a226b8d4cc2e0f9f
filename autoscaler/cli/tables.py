"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from autoscaler.evaluation.fleet_score import FleetSummary


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Texts under headings, the first column to the left, the others to the right."""
    drawn = Table(title=title)
    for place, heading in enumerate(headings):
        drawn.add_column(heading, justify="left" if place == 0 else "right")
    for row in rows:
        drawn.add_row(*row)
    return drawn


def lateness_table(summaries: Sequence[FleetSummary]) -> Table:
    """Late share of each workload under each strategy, green where its objective is met."""
    drawn = Table(title="Late requests by workload")
    drawn.add_column("strategy")
    for workload in summaries[0].workloads:
        drawn.add_column(f"{workload.workload} (at most {100 * workload.late_target:g} %)", justify="right")
    for summary in summaries:
        cells = [
            Text(f"{100 * w.late_share:.2f} %", "green" if w.late_share <= w.late_target else "red")
            for w in summary.workloads
        ]
        drawn.add_row(summary.strategy, *cells)
    return drawn
