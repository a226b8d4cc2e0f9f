"""What each strategy costs on recorded traffic, and how many requests it lets come late.

Every strategy replays every trace with the settings of the trace contract, and is held against the exact clairvoyant
optimum at the late share that it reached. The geometric mean of that ratio over the traces compares strategies.
BurstGPT ships with the product; the other traces lie in a folder, and what is not there is left out and said.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autoscaler.cli import options
from autoscaler.cli.errors import InputError
from autoscaler.cli.progress import jobs_bar
from autoscaler.compose.trace import run_trace
from autoscaler.compose.trace_run import DAY_S, TraceRun
from autoscaler.evaluation.demo_traffic import BURSTGPT
from autoscaler.evaluation.parallel import Advance, run_all
from autoscaler.evaluation.score import Summary
from autoscaler.plan.strategies import names

TRACES = Path(__file__).parents[2] / "shared" / "traces"
CLAIRVOYANT = "clairvoyant"


@dataclass(frozen=True, slots=True)
class Case:
    """A trace: a series of a file, and the days before anything is scored."""

    file: str | Path
    series: str
    warmup_days: float = 7.0

    def warmup_s(self, base: TraceRun) -> float:
        """That time in seconds, or what is asked for where that is shorter."""
        return min(base.warmup_s, self.warmup_days * DAY_S)


SHIPPED = (Case(BURSTGPT, "burstgpt-conversation"), Case(BURSTGPT, "burstgpt-api"))
RECORDED = (
    Case("servegen_1min.csv.gz", "servegen-m-small"),
    Case("crane_1min.csv.gz", "crane-0", warmup_days=3.0),
    Case("webtraffic_15min.csv.gz", "web-R2"),
    Case("crane_1min.csv.gz", "crane-11"),
)
"""Of a folder of traces, chosen to differ: minutes of a model service, smooth days, web sessions, day and night."""


@dataclass(frozen=True, slots=True)
class Row:
    """One strategy on one trace."""

    series: str
    summary: Summary


def cases(folder: Path, series: str | None) -> tuple[list[Case], list[str]]:
    """(traces to replay, a line on what is left out, or none). Raises InputError for a series that there is not."""
    there = {case.series: case for case in (*SHIPPED, *RECORDED)}
    wanted = list(there) if series is None else options.several("--series", series)
    for name in wanted:
        if name not in there:
            raise InputError(f"--series {name}: not among the traces of this benchmark: {', '.join(there)}")
    placed = [replace(there[name], file=folder / there[name].file) for name in dict.fromkeys(wanted)]
    absent = [case.series for case in placed if not Path(case.file).exists()]
    said = [f"left out: {', '.join(absent)}, not in {folder}; name their folder with --traces"] if absent else []
    return [case for case in placed if Path(case.file).exists()], said


def replayed(traces: Sequence[Case], strategies: Sequence[str], base: TraceRun, workers: int | None) -> list[Row]:
    """One row a trace and strategy, in that order, whatever the number of `workers`."""
    jobs = [
        replace(base, trace=Path(case.file), series=case.series, warmup_s=case.warmup_s(base), strategy=strategy)
        for case in traces
        for strategy in strategies
    ]
    for job in jobs:
        job.check()
    with jobs_bar(f"{len(strategies)} strategies on {len(traces)} traces") as watch:
        found = run_all(_summary, jobs, watch, workers)
    return [Row(str(job.series), summary) for job, summary in zip(jobs, found, strict=True)]


def _summary(job: TraceRun, advance: Advance) -> Summary:
    return run_trace(job, advance).summary


def geometric_means(rows: Sequence[Row]) -> dict[str, float]:
    """Of `ratio_at_achieved` over the traces, by strategy, the smallest first."""
    logs: dict[str, list[float]] = {}
    for row in rows:
        logs.setdefault(row.summary.strategy, []).append(math.log(row.summary.ratio_at_achieved))
    means = {strategy: math.exp(sum(found) / len(found)) for strategy, found in logs.items()}
    return dict(sorted(means.items(), key=lambda item: item[1]))


def drawn(title: str, *headings: str) -> Table:
    """A table without rows: texts to the left, figures to the right."""
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for heading in headings:
        table.add_column(heading, justify="left" if heading in ("trace", "strategy") else "right")
    return table


def show(rows: Sequence[Row], late_target: float, title: str) -> None:
    """Prints a row a trace and strategy, and the means below."""
    out, table = Console(), drawn(title, "trace", "strategy", "late", "GPU-hours", "cost / optimum at late share")
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        s = row.summary
        late = Text(f"{100 * s.late_share:.2f} %", "green" if s.late_share <= late_target else "red")
        cells = (row.series, s.strategy, late, f"{s.gpu_hours:,.0f}", f"{s.ratio_at_achieved:.3f}")
        table.add_row(*cells, end_section=following is None or following.series != row.series)
    out.print(table)
    worst = {s: max(r.summary.late_share for r in rows if r.summary.strategy == s) for s in geometric_means(rows)}
    means = drawn("over all traces", "strategy", "geometric mean", "late at worst")
    for strategy, mean in geometric_means(rows).items():
        means.add_row(strategy, f"{mean:.3f}", f"{100 * worst[strategy]:.2f} %")
    out.print(means)


def bench(
    traces: Annotated[Path, typer.Option(help="Folder of the traces that do not ship.")] = TRACES,
    series: Annotated[str | None, typer.Option(help="Traces to replay. Default all, as far as they are there.")] = None,
    strategies: Annotated[str | None, typer.Option(help="Strategies to compare. Default all.")] = None,
    late: Annotated[str, typer.Option(help="Allowed share of late requests.")] = "1%",
    warmup: Annotated[str, typer.Option(help="Longest time before anything is scored.")] = "7d",
    score: Annotated[str, typer.Option(help="Time scored after it, as far as the trace goes.")] = "8d",
    fidelity: Annotated[str, typer.Option(help="simple or full.")] = "simple",
    signals: Annotated[str, typer.Option(help="Signals that the loop sees: arrivals, or queue,gpu.")] = "arrivals",
    seed: Annotated[int, typer.Option(help="Seed of everything drawn.")] = 1,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. Default one a core.")] = None,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Replays every strategy on every trace, and prints lateness and cost with their mean by strategy."""
    base = TraceRun(
        trace=traces,
        late_share=options.late_share(late),
        warmup_s=options.seconds("--warmup", warmup),
        score_s=options.seconds("--score", score, positive=True),
        fidelity=fidelity,
        signals=options.signal_set(signals),
        seed=seed,
    )
    known = [name for name in names() if fidelity == "simple" or name != CLAIRVOYANT]
    chosen = known if strategies is None else options.strategies("--strategies", strategies)
    there, absent = cases(traces, series)
    for line in absent:
        print(line, file=sys.stderr)
    rows = replayed(there, chosen, base, workers) if there else []
    if output is options.OutputFormat.JSON:
        found = [{"series": row.series, **row.summary.to_dict()} for row in rows]
        means = {name: mean if math.isfinite(mean) else None for name, mean in geometric_means(rows).items()}
        print(json.dumps({"runs": found, "geometric_means": means}))
    elif rows:
        show(rows, base.late_share, f"at {late}, {fidelity} fidelity, {signals}, seed {seed}")


def main() -> None:
    """Runs the benchmark; input that cannot be used is one line and exit code 2."""
    try:
        typer.run(bench)
    except (InputError, ValueError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
