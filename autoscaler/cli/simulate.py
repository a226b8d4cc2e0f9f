"""`autoscaler simulate`: a recorded trace through the real control loop on a simulated cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from autoscaler.cli import options
from autoscaler.cli.progress import progress_bar
from autoscaler.cli.tables import summary_table
from autoscaler.compose import TraceRun, run_trace
from autoscaler.evaluation.timeline import write_timeline


def simulate(
    trace: Annotated[Path, typer.Option(help="Trace of requests, .csv or .csv.gz.")],
    series: Annotated[str | None, typer.Option(help="Series of the trace, where it holds several.")] = None,
    strategy: Annotated[str, typer.Option(help="Strategy; `+loop` adds our outer loop to any.")] = "ours",
    node_lead_time: Annotated[str, typer.Option(help="From asking for a node to its being ready.")] = "180s",
    replica_lead_time: Annotated[str, typer.Option(help="From a ready node to a serving replica.")] = "120s",
    scale_down_delay: Annotated[str, typer.Option(help="How long the node autoscaler keeps an empty node.")] = "0s",
    late: Annotated[str, typer.Option(help="Allowed share of late requests.")] = "1%",
    fleet_peak: Annotated[float, typer.Option(help="Replicas at the 99.5th percentile of demand.")] = 30.0,
    warmup: Annotated[str, typer.Option(help="Time before anything is scored.")] = "7d",
    score: Annotated[str | None, typer.Option(help="Time scored after the warm-up; all by default.")] = None,
    tick: Annotated[str, typer.Option(help="Time between two decisions.")] = "60s",
    seed: Annotated[int, typer.Option(help="Seed of everything drawn.")] = 1,
    signals: Annotated[str, typer.Option(help="Signals the loop sees: arrivals, or queue,gpu.")] = "arrivals",
    gpu_price: Annotated[float, typer.Option(help="Dollars a GPU-hour.")] = 1.0,
    poisson: Annotated[bool, typer.Option(help="Draw counts inside longer steps instead of spreading them.")] = False,
    timeline: Annotated[Path | None, typer.Option(help="Write one CSV row a tick here.")] = None,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Replays traffic and prints what it cost and how many requests came late.

    Example: autoscaler simulate --trace requests.csv --strategy ours --late 1% --timeline out.csv
    """
    request = TraceRun(
        trace=trace,
        series=series,
        strategy=strategy,
        node_lead_s=options.seconds("--node-lead-time", node_lead_time),
        replica_lead_s=options.seconds("--replica-lead-time", replica_lead_time),
        scale_down_delay_s=options.seconds("--scale-down-delay", scale_down_delay),
        late_share=options.late_share(late),
        fleet_peak=fleet_peak,
        warmup_s=options.seconds("--warmup", warmup),
        score_s=None if score is None else options.seconds("--score", score, positive=True),
        tick_s=options.seconds("--tick", tick, positive=True),
        seed=seed,
        signals=options.signal_set(signals),
        gpu_price_dollars=gpu_price,
        poisson=poisson,
        details=timeline is not None,
    )
    request.check()
    with progress_bar(f"{strategy} on {series or trace.name}") as progress:
        result = run_trace(request, progress)
    if timeline is not None:
        write_timeline(timeline, result.timelines)
    row = result.summary.to_dict()
    errors = Console(stderr=True)
    for note in result.notes:
        errors.print(note, style="dim", highlight=False)
    if output is options.OutputFormat.JSON:
        print(json.dumps(row))
    else:
        Console().print(summary_table([result.summary], f"{series or trace.name}, seed {seed}"))
