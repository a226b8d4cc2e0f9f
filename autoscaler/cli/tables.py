"""Tables on the terminal: as narrow as their cells allow, so that they fit into 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from autoscaler.evaluation.fleet_score import FleetSummary


def table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str | Text]]) -> Table:
    """Texts under headings, the first column to the left, the others to the right; headings break, cells do not."""
    drawn = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        width = max(len(text) for text in (*heading.split(), *(row[place] for row in rows)))
        drawn.add_column(heading, justify="left" if place == 0 else "right", width=width)
    for row in rows:
        drawn.add_row(*row)
    return drawn


def lateness_table(summaries: Sequence[FleetSummary]) -> Table:
    """Late share of each workload under each strategy, green where its objective is met."""
    workloads = [f"{w.workload}, at most {100 * w.late_target:g} %" for w in summaries[0].workloads]
    rows = [
        [
            Text(summary.strategy),
            *(
                Text(f"{100 * w.late_share:.2f} %", "green" if w.late_share <= w.late_target else "red")
                for w in summary.workloads
            ),
        ]
        for summary in summaries
    ]
    return table("Late requests by workload", ["strategy", *workloads], rows)
