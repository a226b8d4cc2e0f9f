"""`autoscaler simulate`: traffic through the real control loop on a simulated cluster, from a scenario or a trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from autoscaler.cli import options
from autoscaler.cli.check import run_check
from autoscaler.cli.errors import InputError
from autoscaler.cli.options import OutputFormat
from autoscaler.cli.progress import jobs_bar
from autoscaler.cli.tables import lateness_table, table
from autoscaler.cli.two_runs import compare_files
from autoscaler.compose import scenario as scenarios
from autoscaler.compose import trace as traces
from autoscaler.compose.trace_run import TraceRun
from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.fleet_score import MAIN
from autoscaler.evaluation.report.comparison_page import write_report
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.evaluation.timeline import write_timeline
from autoscaler.plan.parts import PlanPart

TRACE = "Options of a trace"


def _option(text: str, default: str, *names: str) -> Any:
    return typer.Option(*names, help=text, show_default=default, rich_help_panel=TRACE)


def simulate(
    scenario: Annotated[Path | None, typer.Argument(help="Scenario file (YAML): pools, policies, traffic.")] = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="Strategy, or several parted by commas; `+loop` adds our outer loop to any.",
            show_default="ours, or what the scenario lists",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything drawn.", show_default="1, or the scenario's")
    ] = None,
    timeline: Annotated[Path | None, typer.Option(help="Write one CSV row a tick and workload here.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page that shows what happened here, one HTML file.")
    ] = None,
    output: Annotated[OutputFormat, typer.Option("--format", help="Output.")] = OutputFormat.TEXT,
    check: Annotated[
        bool,
        typer.Option("--check", help="Judge what the scenario expects: exit code 0 where all of it holds, else 1."),
    ] = False,
    without: Annotated[
        list[PlanPart] | None,
        typer.Option(help="Switch off a part of the product, to see what it brings. May be given several times."),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--compare", metavar="A B", help="Compare two files that --timeline wrote; replays nothing."),
    ] = None,
    trace: Annotated[
        Path | None, typer.Option(help="Trace of requests, .csv or .csv.gz.", rich_help_panel=TRACE)
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Series of the trace, where it holds several.", rich_help_panel=TRACE)
    ] = None,
    node_lead_time: Annotated[str | None, _option("From asking for a node to its being ready.", "180s")] = None,
    replica_lead_time: Annotated[str | None, _option("From a ready node to a serving replica.", "120s")] = None,
    scale_down_delay: Annotated[str | None, _option("How long the node autoscaler keeps an empty node.", "0s")] = None,
    late: Annotated[str | None, _option("Allowed share of late requests.", "1%")] = None,
    fleet_peak: Annotated[float | None, _option("Replicas at the 99.5th percentile of demand.", "30")] = None,
    warmup: Annotated[str | None, _option("Time before anything is scored.", "7d")] = None,
    score: Annotated[str | None, _option("Time scored after the warm-up, as far as the trace goes.", "8d")] = None,
    tick: Annotated[str | None, _option("Time between two decisions.", "60s")] = None,
    fidelity: Annotated[
        str | None, _option("simple (comparable with theory) or full (queues, stages, scrapes).", "simple")
    ] = None,
    signals: Annotated[str | None, _option("Signals that the loop sees: arrivals, or queue,gpu.", "arrivals")] = None,
    gpu_price: Annotated[float | None, _option("Dollars a GPU-hour.", "1.0")] = None,
    poisson: Annotated[
        bool,
        typer.Option(
            "--poisson", help="Draw counts inside longer steps instead of spreading them.", rich_help_panel=TRACE
        ),
    ] = False,
) -> None:
    """Replays traffic and prints what it cost and how many requests came late.

    Two ways: a scenario file, or a trace of requests with one workload. Or compares two runs that were written.

    autoscaler simulate simulations/demo.yaml --report demo.html

    autoscaler simulate simulations/scenarios/flash-crowd.yaml --check --without forecast

    autoscaler simulate --trace requests.csv --strategy ours,hpa-70 --late 1% --timeline out.csv

    autoscaler simulate --compare before.csv after.csv --report difference.html
    """
    given = {
        "--series": series, "--node-lead-time": node_lead_time, "--replica-lead-time": replica_lead_time,
        "--scale-down-delay": scale_down_delay, "--late": late, "--fleet-peak": fleet_peak, "--warmup": warmup,
        "--score": score, "--tick": tick, "--fidelity": fidelity, "--signals": signals, "--gpu-price": gpu_price,
        "--poisson": poisson or None,
    }  # fmt: skip
    if compare is not None:
        replays = {"SCENARIO": scenario, "--strategy": strategy, "--seed": seed, "--timeline": timeline,
                   "--check": check or None, "--without": without or None, "--trace": trace}  # fmt: skip
        return compare_files(compare, report, replays | given, output)
    names = None if strategy is None else options.strategies("--strategy", strategy)
    if seed is not None and seed < 0:
        raise InputError(f"--seed {seed}: give a whole number from 0")
    files = _Files(timeline, report)
    files.check({"the scenario": scenario, "the trace": trace})
    if scenario is not None:
        _check_scenario(scenario, trace, given)
        if check:
            _check_options(names, files)
            raise typer.Exit(run_check(scenario, seed, frozenset(without or ()), output))
        _simulate_scenario(scenario, names, seed, frozenset(without or ()), files, output)
    elif check or without:
        raise InputError("--check and --without are for scenarios; name a scenario file")
    elif trace is not None:
        request = _request(trace, 1 if seed is None else seed, files.any, given)
        _simulate_trace(request, names or ("ours",), files, output)
    else:
        raise InputError("nothing to replay; name a scenario file, or a trace with --trace FILE")


@dataclass(frozen=True, slots=True)
class _Files:
    """What is to be written."""

    timeline: Path | None
    report: Path | None

    def check(self, inputs: Mapping[str, Path | None]) -> None:
        """Before long work: that each can be written and takes the place of no other file of this run."""
        taken = dict(inputs)
        for option, path in (("--timeline", self.timeline), ("--report", self.report)):
            if path is None:
                continue
            options.output_file(option, path)
            for what, other in taken.items():
                if other is not None and path.resolve() == other.resolve():
                    raise InputError(f"{option} {path}: is {what}; name another file")
            taken[f"the file of {option}"] = path

    @property
    def any(self) -> bool:
        """Whether details are needed."""
        return self.timeline is not None or self.report is not None

    @contextmanager
    def written(self, comparison: Comparison) -> Iterator[None]:
        """Writes them after the block, even where whoever reads its output is gone; says what stands where."""
        try:
            yield
        finally:
            if self.timeline is not None:
                first = comparison.runs[0]
                write_timeline(self.timeline, first.timelines)
                _say([f"timeline of {first.strategy}: {self.timeline}"])
            if self.report is not None:
                write_report(self.report, comparison)
                _say([f"report: {self.report}"])


def _check_scenario(scenario: Path, trace: Path | None, given: Mapping[str, Any]) -> None:
    if trace is not None:
        raise InputError(f"{scenario} and --trace {trace}: a scenario names its own traffic; give one of the two")
    stray = [name for name, value in given.items() if value is not None]
    if stray:
        raise InputError(f"{', '.join(stray)}: for traces only; a scenario says it in its file")


def _check_options(names: tuple[str, ...] | None, files: _Files) -> None:
    given = ["--strategy"] * (names is not None) + ["--timeline or --report"] * files.any
    if given:
        said = "runs the strategies that the scenario's expectations name, and writes no file"
        raise InputError(f"--check with {', '.join(given)}: it {said}; leave one of the two out")


def _simulate_scenario(
    path: Path,
    names: tuple[str, ...] | None,
    seed: int | None,
    without: frozenset[PlanPart],
    files: _Files,
    output: OutputFormat,
) -> None:
    prepared = read_scenario(path, seed, without)
    chosen = names or prepared.spec.strategies
    with jobs_bar(prepared.name, [*chosen, "lower bound"]) as watch:
        results = scenarios.run_scenario(prepared, chosen, watch)
    comparison = scenarios.compare(prepared, results)
    summaries = [result.summary for result in results]
    _say(comparison.notes)
    with files.written(comparison):
        if output is OutputFormat.JSON:
            _print_json([summary.to_dict() for summary in summaries])
        else:
            console = Console()
            places = [comparison.headings.index(heading) for heading in MAIN]
            console.print(table(comparison.title, MAIN, [[row[place] for place in places] for row in comparison.rows]))
            console.print(lateness_table(summaries))


def _simulate_trace(request: TraceRun, names: Sequence[str], files: _Files, output: OutputFormat) -> None:
    name = request.series or request.trace.name
    with jobs_bar(name, names) as watch:
        results = traces.run_strategies(request, names, watch)
    comparison = traces.compare(results, f"{name}, seed {request.seed}")
    _say(comparison.notes)
    with files.written(comparison):
        if output is OutputFormat.JSON:
            _print_json([result.summary.to_dict() for result in results])
        else:
            Console().print(table(comparison.title, comparison.headings, comparison.rows))


def _request(trace: Path, seed: int, details: bool, given: Mapping[str, Any]) -> TraceRun:
    """The request of the options given; what is left out has the defaults of `TraceRun`."""
    fields: dict[str, Any] = {}
    for option, value in given.items():
        if value is not None:
            field, read = FIELDS[option]
            fields[field] = read(option, value)
    request = TraceRun(trace=trace, seed=seed, details=details, **fields)
    request.check()
    return request


def _positive_seconds(option: str, text: str) -> float:
    return options.seconds(option, text, positive=True)


def _as_it_is(_: str, value: Any) -> Any:
    return value


FIELDS: Mapping[str, tuple[str, Callable[[str, Any], Any]]] = {
    "--series": ("series", _as_it_is),
    "--node-lead-time": ("node_lead_s", options.seconds),
    "--replica-lead-time": ("replica_lead_s", options.seconds),
    "--scale-down-delay": ("scale_down_delay_s", options.seconds),
    "--late": ("late_share", lambda _, text: options.late_share(text)),
    "--fleet-peak": ("fleet_peak", options.positive),
    "--warmup": ("warmup_s", options.seconds),
    "--score": ("score_s", _positive_seconds),
    "--tick": ("tick_s", _positive_seconds),
    "--fidelity": ("fidelity", _as_it_is),
    "--signals": ("signals", lambda _, text: options.signal_set(text)),
    "--gpu-price": ("gpu_price_dollars", _as_it_is),
    "--poisson": ("poisson", _as_it_is),
}
"""Option -> field of `TraceRun`, and how its text is read."""


def _say(lines: Sequence[str]) -> None:
    console = Console(stderr=True)
    for line in lines:
        console.print(line, style="dim", highlight=False, soft_wrap=True)


def _print_json(rows: list[dict[str, Any]]) -> None:
    print(json.dumps(rows[0] if len(rows) == 1 else rows))
