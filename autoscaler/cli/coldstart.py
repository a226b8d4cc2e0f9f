"""`autoscaler coldstart`: where the time of starts goes, and what shortens them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from autoscaler.cli import options
from autoscaler.cli.errors import InputError
from autoscaler.cli.process import CLUSTER, with_settings
from autoscaler.cli.progress import jobs_bar
from autoscaler.cli.waterfall_text import show
from autoscaler.compose import coldstart as live
from autoscaler.compose.simulated_starts import simulated_starts
from autoscaler.evaluation.report.waterfall_page import write_waterfall
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.evaluation.waterfall import stored
from autoscaler.evaluation.waterfall.seen import Seen
from autoscaler.evaluation.waterfall.segment import By
from autoscaler.evaluation.waterfall.summary import summary
from autoscaler.evaluation.waterfall.unfinished import unfinished
from autoscaler.policy.folder import PolicySet, read_paths
from autoscaler.settings import Settings

FINDINGS = 1

app = typer.Typer(
    no_args_is_help=True, help="Cold starts: where their time goes, stage by stage, and what shortens them."
)


@app.callback()
def _group() -> None:
    """Cold starts: where their time goes, stage by stage, and what shortens them."""


@app.command(name="waterfall")
@with_settings(*CLUSTER)
def waterfall(
    settings: Settings,
    simulate: Annotated[
        Path | None, typer.Option(metavar="SCENARIO", help="Look at the starts of a simulated scenario instead.")
    ] = None,
    starts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Look at starts that --format json wrote instead.")
    ] = None,
    by: Annotated[
        By,
        typer.Option(
            help="What is told apart: each workload in each of its pools; pools whatever the workload; or each "
            "workload by one of the others. Start paths are told apart always."
        ),
    ] = By.WORKLOAD,
    policy: Annotated[str | None, typer.Option(help="Look at the workload of this policy alone.")] = None,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
    report: Annotated[Path | None, typer.Option(help="Write a page that shows it here, one HTML file.")] = None,
) -> None:
    """Shows where the time of starts goes: node, image, weights, CUDA, transfer, warm-up, one after another; which
    stage is the slowest, and what shortens it; which starts failed or are stuck, and where. Writes nothing to the
    cluster.

    The stages of a bar are those of the middle start, the mean of the middle half. p50 and p90 are of each stage by
    itself; with > they are lower bounds, since starts failed or still wait there. docs/start-stages.md tells what each
    stage is, and how a serving process publishes the times of its own.

    Exit code 0 where no start is stuck now, 1 with stuck starts or where not all could be read, 3 where the cluster
    does not answer. Starts that failed are history, and often were only let go; they are listed.

    autoscaler coldstart waterfall --policies policies/ --prometheus http://localhost:9090 --report waterfall.html

    autoscaler coldstart waterfall --simulate simulations/demo.yaml --by zone
    """
    if report is not None:
        options.output_file("--report", report)
        _differs(report, {"the scenario": simulate, "the file of --starts": starts})
    seen = _seen(settings, simulate, starts)
    if policy is not None:
        seen = _of(seen, policy)
    is_stuck = any(one.is_stuck for one in unfinished(seen.starts))
    try:
        if output is options.OutputFormat.JSON:
            print(json.dumps(summary(seen, by)))
        else:
            show(Console(highlight=False), seen, by)
    finally:
        if report is not None:
            write_waterfall(report, seen, by)
            Console(stderr=True).print(f"report: {report}", style="dim", highlight=False, soft_wrap=True, markup=False)
    raise typer.Exit(FINDINGS if is_stuck or seen.problems else 0)


def _seen(settings: Settings, scenario: Path | None, stored_starts: Path | None) -> Seen:
    if scenario is not None and stored_starts is not None:
        raise InputError(f"--simulate {scenario} and --starts {stored_starts}: give one of the two")
    if stored_starts is not None:
        return _stored(stored_starts)
    if scenario is not None:
        return _simulated(scenario)
    return live.starts(settings, _policies(settings.policies))


def _simulated(path: Path) -> Seen:
    scenario = read_scenario(path)
    with jobs_bar(scenario.name) as watch:
        return simulated_starts(scenario, watch)


def _stored(path: Path) -> Seen:
    try:
        return stored.read(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise InputError(f"--starts {path}: no such file; write one with --format json > {path}") from None
    except ValueError as error:
        raise InputError(f"--starts {path}: not what --format json writes: {error}") from None


def _policies(folder: Path) -> PolicySet:
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder; name a folder of YAML files with --policies")
    found = read_paths([folder])
    if not found.policies:
        said = "; ".join(str(problem) for problem in found.problems)
        raise InputError(f"{folder}: no usable policy in it{f': {said}' if said else ''}")
    return found


def _of(seen: Seen, policy: str) -> Seen:
    if policy not in seen.policies:
        there = ", ".join(seen.policies) or "none"
        raise InputError(f"--policy {policy!r}: no such policy; there are: {there}")
    return seen.of(policy)


def _differs(report: Path, inputs: Mapping[str, Path | None]) -> None:
    for what, path in inputs.items():
        if path is not None and path.resolve() == report.resolve():
            raise InputError(f"--report {report}: is {what}; name another file")
