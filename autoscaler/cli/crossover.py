"""`autoscaler bench crossover`: where prediction pays, over lead times."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from autoscaler.cli import options
from autoscaler.cli.progress import progress_bar
from autoscaler.compose import TraceRun, run_trace
from autoscaler.evaluation.crossover import CrossoverRow, write_crossover

LEADS_S = (0.0, 60.0, 120.0, 300.0, 480.0, 900.0)
NODE_PART = 3.0 / 5.0
STRATEGIES = ("reactive", "ours")


def crossover(
    trace: Annotated[Path, typer.Option(help="Trace of requests, .csv or .csv.gz.")],
    series: Annotated[str | None, typer.Option(help="Series of the trace, where it holds several.")] = None,
    late: Annotated[str, typer.Option(help="Allowed share of late requests.")] = "1%",
    fleet_peak: Annotated[float, typer.Option(help="Replicas at the 99.5th percentile of demand.")] = 30.0,
    warmup: Annotated[str, typer.Option(help="Time before anything is scored.")] = "7d",
    score: Annotated[str | None, typer.Option(help="Time scored after the warm-up; all that is left by default.")] = None,
    report: Annotated[Path, typer.Option(help="The plot, as one HTML file.")] = Path("build/crossover.html"),
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Cost and late share of reactive scaling and ours over total lead times (node : replica = 3 : 2)."""
    base = TraceRun(
        trace=trace,
        series=series,
        late_share=options.late_share(late),
        fleet_peak=fleet_peak,
        warmup_s=options.seconds("--warmup", warmup),
        score_s=None if score is None else options.seconds("--score", score, positive=True),
    )
    rows = _measure(base)
    if report.parent == Path("build"):
        report.parent.mkdir(exist_ok=True)
    write_crossover(report, f"{series or trace.name}: cost and lateness over lead time", rows)
    if output is options.OutputFormat.JSON:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        Console().print(_table(rows, f"{series or trace.name}, late target {late}, seed {base.seed}"))
        Console().print(f"plot: {report}")


def _measure(base: TraceRun) -> list[CrossoverRow]:
    runs = [
        replace(base, strategy=name, node_lead_s=lead * NODE_PART, replica_lead_s=lead * (1 - NODE_PART))
        for lead in LEADS_S
        for name in STRATEGIES
    ]
    rows: list[CrossoverRow] = []
    with progress_bar("lead times") as progress, ProcessPoolExecutor(2) as workers:
        for request, result in zip(runs, workers.map(run_trace, runs), strict=True):
            s = result.summary
            lead_s = request.node_lead_s + request.replica_lead_s
            rows.append(CrossoverRow(lead_s, s.strategy, s.gpu_hours, s.ratio_at_target, s.ratio_at_achieved, s.late_share))
            progress(len(rows), len(runs))
    return rows


def _table(rows: list[CrossoverRow], title: str) -> Table:
    table = Table(title=title)
    for heading in ("lead time", "strategy", "GPU-hours", "cost / optimum at target", "at its late share", "late"):
        table.add_column(heading, justify="left" if heading == "strategy" else "right")
    for r in rows:
        table.add_row(
            f"{r.lead_s:.0f} s", r.strategy, f"{r.gpu_hours:,.0f}", f"{r.ratio_at_target:.3f}",
            f"{r.ratio_at_achieved:.3f}", f"{100 * r.late_share:.2f} %",
        )  # fmt: skip
    return table
