"""`autoscaler simulate FILE --check`: what a scenario expects, line by line, and an exit code for CI."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from autoscaler.cli.options import OutputFormat
from autoscaler.cli.progress import jobs_bar
from autoscaler.cli.tables import table
from autoscaler.compose.scenario_check import check, strategies_of
from autoscaler.evaluation.scenario.expectations import figure_text
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.evaluation.scenario.verdict import INVARIANT, Verdict
from autoscaler.plan.parts import WORDS, PlanPart

FINDINGS = 1
HEADINGS = ("", "expectation", "figure", "wanted", "guards")


def run_check(path: Path, seed: int | None, without: frozenset[PlanPart], output: OutputFormat) -> int:
    """Prints a line an expectation and invariant; the exit code: 0 where all hold, else 1.

    Raises PolicyError with all that is wrong with the file.
    """
    prepared = read_scenario(path, seed, without)
    with jobs_bar(prepared.name, strategies_of(prepared)) as watch:
        verdicts = check(prepared, watch)
    if output is OutputFormat.JSON:
        print(json.dumps([verdict.to_dict() for verdict in verdicts]))
    else:
        _print(f"Scenario {prepared.name}, seed {prepared.spec.seed}", without, verdicts)
    return 0 if all(verdict.holds for verdict in verdicts) else FINDINGS


def _print(title: str, without: frozenset[PlanPart], verdicts: Sequence[Verdict]) -> None:
    console = Console()
    console.print(table(title, HEADINGS, [_row(verdict) for verdict in verdicts]))
    for verdict in verdicts:
        if not verdict.holds:
            since = "" if verdict.at_s != verdict.at_s else f", first at {_clock(verdict.at_s)}"
            console.print(f"{verdict.name}: {verdict.what}{since}", highlight=False, soft_wrap=True)
    for part in sorted(without):
        console.print(f"without {part}: {WORDS[part]}", style="dim", highlight=False, soft_wrap=True)


def _row(verdict: Verdict) -> list[str | Text]:
    said = Text("pass", "green") if verdict.holds else Text("FAIL", "red")
    figure = figure_text(verdict.what, verdict.figure, " / " in verdict.what)
    if verdict.guards == INVARIANT:
        figure = f"{verdict.figure:.0f} ticks"
    return [said, verdict.name, figure, verdict.bound, verdict.guards]


def _clock(at_s: float) -> str:
    """`1d08h05m` from the start of the replay."""
    minutes = round(at_s / 60.0)
    return f"{minutes // 1440}d{minutes // 60 % 24:02d}h{minutes % 60:02d}m"
