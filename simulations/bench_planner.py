"""What a strategy costs by group of traces, at two lead times: the figures that the planner is judged by.

All traces are replayed as workloads of one run in simple fidelity, each scored on its own: cost over the clairvoyant
optimum at the late share that was reached. Groups: steady, scheduled (batch windows, day and night switching), bursty
(what nobody could foresee). The traces lie in a folder; those that are not there are left out and said.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from autoscaler.cli import options
from autoscaler.cli.errors import InputError
from autoscaler.cli.progress import jobs_bar
from autoscaler.compose.trace import replay_traffic
from autoscaler.compose.trace_run import DAY_S, TraceRun
from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.parallel import Advance, run_all
from autoscaler.evaluation.score import score
from autoscaler.evaluation.traffic import Traffic, prepare

TRACES = Path(__file__).parents[2] / "shared" / "traces"
CRANE, SERVEGEN, WEB, NAB = "crane_1min.csv.gz", "servegen_1min.csv.gz", "webtraffic_15min.csv.gz", "nab_5min.csv.gz"
GROUPS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "steady": (
        (SERVEGEN, "servegen-m-large"), (SERVEGEN, "servegen-m-small"), (CRANE, "crane-0"), (CRANE, "crane-4"),
        (CRANE, "crane-8"), (CRANE, "crane-14"), (WEB, "web-R1"), (WEB, "web-R2"), (WEB, "web-R3"),
    ),
    "scheduled": ((CRANE, "crane-1"), (CRANE, "crane-2"), (CRANE, "crane-11")),
    "bursty": (
        (NAB, "tweets-AAPL"), (NAB, "tweets-GOOG"), (NAB, "tweets-IBM"), (NAB, "tweets-KO"), (NAB, "tweets-UPS"),
        (NAB, "elb-requests"),
    ),
}  # fmt: skip
"""File and series of each trace."""
SHORT_WARMUP_DAYS = {"crane-0": 3.0}
"""Traces that do not have a week before what is scored."""
LEADS_S = {180.0: 120.0, 300.0: 180.0}
"""Whole lead times, and the part of each that is the node's."""


@dataclass(frozen=True, slots=True)
class Job:
    """One strategy on all traces of a folder, at one lead time."""

    request: TraceRun
    traces: tuple[tuple[str, str, str], ...]

    @property
    def lead_s(self) -> float:
        return self.request.node_lead_s + self.request.replica_lead_s


@dataclass(frozen=True, slots=True)
class Row:
    """One trace under one strategy. late: share of the requests."""

    strategy: str
    lead_s: float
    group: str
    series: str
    late: float
    gpu_hours: float
    ratio_at_achieved: float


def there(folder: Path) -> tuple[list[tuple[str, str, str]], list[str]]:
    """(group, file and series of the traces that are in the folder; names of those that are not)."""
    found, absent = [], []
    for group, traces in GROUPS.items():
        for file, series in traces:
            if series in _series(folder / file):
                found.append((group, file, series))
            else:
                absent.append(series)
    return found, absent


def _series(path: Path) -> set[str]:
    if not path.exists():
        return set()
    with gzip.open(path, "rt") as stream:
        return {row["series"] for row in csv.DictReader(stream)}


def replayed(job: Job, advance: Advance) -> list[Row]:
    """One row a trace."""
    request = job.request
    traffics = [
        prepare(
            request.trace / file, series, request.tick_s, request.fleet_peak,
            min(request.warmup_s, SHORT_WARMUP_DAYS.get(series, math.inf) * DAY_S), request.score_s,
        )
        for _, file, series in job.traces
    ]  # fmt: skip
    recording = replay_traffic(_of_one_length(traffics), request, advance)
    rows = []
    for w, ((group, _, series), traffic) in enumerate(zip(job.traces, traffics, strict=True)):
        scored = slice(traffic.first, traffic.end)
        ready, billed = recording.columns["ready_replicas"][scored, w], recording.billed_gpus[scored, w].sum(axis=1)
        ticks = job.lead_s / request.tick_s
        found = score(traffic.offered[scored], ready, billed, request.tick_s, ticks, request.late_share)
        result = found.late_share, found.gpu_hours, found.ratio_at_achieved
        rows.append(Row(request.strategy, job.lead_s, group, series, *result))
    return rows


def _of_one_length(traffics: Sequence[Traffic]) -> list[Traffic]:
    """Shorter ones end in ticks without data."""
    ticks = max(traffic.requests.size for traffic in traffics)

    def padded(values: Floats) -> Floats:
        return np.concatenate([values, np.full(ticks - values.size, np.nan)])

    return [replace(one, requests=padded(one.requests), offered=padded(one.offered)) for one in traffics]


def means(rows: Iterable[Row]) -> dict[tuple[str, float, str], float]:
    """Geometric mean of the ratio, by strategy, lead time and group."""
    logs: dict[tuple[str, float, str], list[float]] = {}
    for row in rows:
        logs.setdefault((row.strategy, row.lead_s, row.group), []).append(math.log(row.ratio_at_achieved))
    return {key: math.exp(sum(found) / len(found)) for key, found in logs.items()}


def show(rows: Sequence[Row], title: str) -> None:
    """Prints a row a trace, and the means by group."""
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for heading in ("lead", "strategy", "trace", "late", "GPU-hours", "cost / optimum"):
        table.add_column(heading, justify="left" if heading in ("strategy", "trace") else "right")
    found = means(rows)
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        figures = (f"{100 * row.late:.2f} %", f"{row.gpu_hours:,.0f}", f"{row.ratio_at_achieved:.3f}")
        table.add_row(f"{row.lead_s:.0f} s", row.strategy, row.series, *figures)
        key = row.strategy, row.lead_s, row.group
        if following is None or key != (following.strategy, following.lead_s, following.group):
            whole = f"{found[key]:.3f}"
            table.add_row(f"{row.lead_s:.0f} s", row.strategy, f"all {row.group}", "", "", whole, end_section=True)
    Console().print(table)


def bench(
    traces: Annotated[Path, typer.Option(help="Folder of the traces.")] = TRACES,
    strategies: Annotated[str, typer.Option(help="Strategies to compare.")] = "ours,reactive+loop",
    late: Annotated[str, typer.Option(help="Allowed share of late requests.")] = "1%",
    scale_down_delay: Annotated[str, typer.Option(help="How long a released GPU stays, and is billed.")] = "0s",
    warmup: Annotated[str, typer.Option(help="Longest time before anything is scored.")] = "7d",
    score_for: Annotated[str, typer.Option("--score", help="Time scored after it, as far as a trace goes.")] = "8d",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes. Default one a core.")] = None,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Replays strategies on all traces at 3 and 5 minutes of lead time, and prints cost and lateness by group."""
    chosen = options.strategies("--strategies", strategies)
    base = TraceRun(
        trace=traces,
        late_share=options.late_share(late),
        scale_down_delay_s=options.seconds("--scale-down-delay", scale_down_delay),
        warmup_s=options.seconds("--warmup", warmup),
        score_s=options.seconds("--score", score_for, positive=True),
    )
    found, absent = there(traces)
    if absent:
        print(f"left out: {', '.join(absent)}, not in {traces}; name their folder with --traces", file=sys.stderr)
    jobs = [
        Job(replace(base, strategy=one, node_lead_s=node_s, replica_lead_s=lead_s - node_s), tuple(found))
        for lead_s, node_s in LEADS_S.items()
        for one in chosen
        if found
    ]
    for job in jobs:
        job.request.check()
    with jobs_bar(f"{len(chosen)} strategies on {len(found)} traces") as watch:
        rows = [row for some in run_all(replayed, jobs, watch, workers) for row in some]
    if output is options.OutputFormat.JSON:
        by_group = [
            {"strategy": strategy, "lead_s": lead_s, "group": group, "geometric_mean": mean}
            for (strategy, lead_s, group), mean in means(rows).items()
        ]
        print(json.dumps({"runs": [asdict(row) for row in rows], "groups": by_group}))
    elif rows:
        show(rows, f"at {late}, simple fidelity, scale-down delay {scale_down_delay}")


def main() -> None:
    """Runs the benchmark; input that cannot be used is one line and exit code 2."""
    try:
        typer.run(bench)
    except (InputError, ValueError) as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
