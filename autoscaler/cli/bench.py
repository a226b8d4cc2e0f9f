"""`autoscaler bench`: sweeps that show where the software pays and where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autoscaler.cli import options
from autoscaler.cli.progress import jobs_bar
from autoscaler.compose.crossover import Crossover, run_crossover
from autoscaler.compose.trace_run import TraceRun
from autoscaler.evaluation.crossover import CrossoverRow, conclusion
from autoscaler.evaluation.report.crossover_page import HEADINGS, cells, write_crossover

app = typer.Typer(help="Sweeps that show where prediction pays and where it does not.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Sweeps that show where prediction pays and where it does not."""


@app.command()
def crossover(
    trace: Annotated[Path, typer.Option(help="Trace of requests, .csv or .csv.gz.")],
    series: Annotated[str | None, typer.Option(help="Series of the trace, where it holds several.")] = None,
    late: Annotated[str, typer.Option(help="Allowed share of late requests.")] = "1%",
    fleet_peak: Annotated[float, typer.Option(help="Replicas at the 99.5th percentile of demand.")] = 30.0,
    warmup: Annotated[str, typer.Option(help="Time before anything is scored.")] = "7d",
    score: Annotated[str, typer.Option(help="Time scored after the warm-up.")] = "8d",
    tick: Annotated[str, typer.Option(help="Time between two decisions.")] = "60s",
    seed: Annotated[int, typer.Option(help="Seed of everything drawn.")] = 1,
    poisson: Annotated[bool, typer.Option(help="Draw counts inside longer steps instead of spreading them.")] = False,
    lead_times: Annotated[
        str, typer.Option(help="From asking for a node to serving; 3/5 of each is the node's.")
    ] = "0s,60s,120s,300s,480s,900s",
    strategies: Annotated[str, typer.Option(help="Strategies to compare.")] = "reactive,reactive+loop,ours",
    report: Annotated[Path | None, typer.Option(help="Write the plot here, one HTML file.")] = None,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Replays a trace at several lead times and tells from which on prediction pays.

    Example: autoscaler bench crossover --trace requests.csv --lead-times 0s,60s,300s --report crossover.html
    """
    base = TraceRun(
        trace=trace,
        series=series,
        late_share=options.late_share(late),
        fleet_peak=options.positive("--fleet-peak", fleet_peak),
        warmup_s=options.seconds("--warmup", warmup),
        score_s=options.seconds("--score", score, positive=True),
        tick_s=options.seconds("--tick", tick, positive=True),
        seed=seed,
        poisson=poisson,
    )
    leads = sorted({options.seconds("--lead-times", part) for part in options.several("--lead-times", lead_times)})
    sweep = Crossover(base, options.strategies("--strategies", strategies), tuple(leads))
    if report is not None:
        options.output_file("--report", report)
    _run(sweep, report, output)


def _run(sweep: Crossover, report: Path | None, output: options.OutputFormat) -> None:
    """Replays, and writes and prints what was asked for."""
    base, name = sweep.base, sweep.base.series or sweep.base.trace.name
    notes = sweep.check()
    with jobs_bar(f"{len(sweep.lead_times_s)} lead times on {name}") as watch:
        rows = run_crossover(sweep, watch)
    if report is not None:
        write_crossover(report, f"Where prediction pays: {name}", rows, base.late_share, notes)
    if output is options.OutputFormat.JSON:
        print(json.dumps([row.to_dict() for row in rows]))
    else:
        _print(rows, base.late_share, f"{name}, seed {base.seed}", notes)


def _print(rows: list[CrossoverRow], late_target: float, title: str, notes: list[str]) -> None:
    errors, out = Console(stderr=True), Console()
    for note in notes:
        errors.print(note, style="dim", highlight=False)
    table = Table(title=title)
    for place, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if place == 1 else "right")
    late = HEADINGS.index("late")
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        shown: list[str | Text] = list(cells(row))
        shown[late] = Text(cells(row)[late], "green" if row.summary.late_share <= late_target else "red")
        table.add_row(*shown, end_section=following is None or following.lead_s != row.lead_s)
    out.print(table)
    for sentence in conclusion(rows, late_target):
        out.print(sentence, highlight=False, soft_wrap=True)
