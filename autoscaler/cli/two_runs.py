"""`autoscaler simulate --compare A B`: two timelines side by side, as a table, JSON or a page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from autoscaler.cli import options
from autoscaler.cli.errors import InputError
from autoscaler.cli.options import OutputFormat
from autoscaler.cli.tables import table
from autoscaler.evaluation.report.two_runs_page import HEADINGS, cells, notes, verdict_of_two, write_two
from autoscaler.evaluation.two_runs import TwoRuns, read_two

USABLE = ("--warmup", "--score")
"""Of the options of a trace those that choose the part of a timeline."""


def compare_files(
    files: tuple[Path, Path], report: Path | None, given: Mapping[str, Any], output: OutputFormat
) -> None:
    """Prints how the second run differs from the first, and writes the page where one is asked for. given: the other
    options of the command, None where not given. Raises ValueError for what cannot be compared."""
    stray = [name for name, value in given.items() if value is not None and name not in USABLE]
    if stray:
        out = "leave them out" if stray[1:] else "leave it out"
        raise InputError(f"--compare with {', '.join(stray)}: it replays nothing; {out}")
    (first, second), warmup, score = files, given.get("--warmup"), given.get("--score")
    if report is not None:
        options.output_file("--report", report)
        if report.resolve() in (first.resolve(), second.resolve()):
            raise InputError(f"--report {report}: is one of the files to compare; name another file")
    two = read_two(
        first, second,
        warmup_s=0.0 if warmup is None else options.seconds("--warmup", warmup),
        score_s=None if score is None else options.seconds("--score", score, positive=True),
    )  # fmt: skip
    if output is OutputFormat.JSON:
        print(json.dumps(_as_json(two)))
    else:
        _print(two)
    if report is not None:
        write_two(report, two)
        Console(stderr=True).print(f"report: {report}", style="dim", highlight=False, soft_wrap=True)


def _as_json(two: TwoRuns) -> dict[str, object]:
    return {
        "a": two.names[0].removeprefix("A: "),
        "b": two.names[1].removeprefix("B: "),
        "from_s": two.from_s,
        "until_s": two.until_s,
        "same_traffic": two.same_traffic,
        "fleet": two.fleet.to_dict(),
        "workloads": {one.name: one.to_dict() for one in two.workloads},
    }


def _print(two: TwoRuns) -> None:
    said = Console(stderr=True)
    for note in (f"{two.names[0]}, {two.names[1]}", *notes(two)):
        said.print(note, style="dim", highlight=False, soft_wrap=True)
    console = Console()
    console.print(verdict_of_two(two), highlight=False)
    for one in (two.fleet, *two.workloads):
        console.print(table(one.name or "fleet", HEADINGS, cells(one)))
