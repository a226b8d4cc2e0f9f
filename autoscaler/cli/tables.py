"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from autoscaler.evaluation.score import Summary


def summary_table(summaries: Sequence[Summary], title: str) -> Table:
    """One row a strategy: cost, lateness and both ratios to the clairvoyant optimum."""
    table = Table(title=title)
    table.add_column("strategy")
    headings = (
        "GPU-hours",
        "dollars",
        "late",
        "cost / optimum at target",
        "cost / optimum at late share",
        "starts",
    )
    for heading in headings:
        table.add_column(heading, justify="right")
    for s in summaries:
        table.add_row(
            s.strategy,
            f"{s.gpu_hours:,.0f}",
            f"{s.dollars:,.0f}",
            f"{100 * s.late_share:.2f} %",
            f"{s.ratio_at_target:.3f}",
            f"{s.ratio_at_achieved:.3f}",
            f"{s.starts:,}",
        )
    return table
