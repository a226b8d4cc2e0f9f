"""`autoscaler doctor`: what stands in the way before the controller acts, and what to do about it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from autoscaler.cli import options
from autoscaler.cli.errors import InputError
from autoscaler.cli.process import CLUSTER, with_settings
from autoscaler.compose import doctor as preflight
from autoscaler.doctor.finding import OK, Check, Level
from autoscaler.policy.folder import PolicySet, read_paths
from autoscaler.settings import Settings

FINDINGS = 1
STYLES = {OK: "green", Level.NOTE: "dim", Level.UNKNOWN: "cyan", Level.WARNING: "yellow", Level.ERROR: "red"}
WIDTH = max(len(state) for state in STYLES)


@with_settings(*CLUSTER, "placeholder_priority_class", "placeholder_image", "lease")
def doctor(
    settings: Settings,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Looks over cluster, metric store and policies before the controller acts: a line a check, and what to do about
    each finding. Writes nothing: placeholders are tried with a dry run of the server.

    Best run as the controller, with its settings and rights:
    kubectl -n gpu-autoscaler exec deploy/gpu-autoscaler -- autoscaler doctor

    Exit code 0 where nothing is wrong, 1 with warnings or errors, 3 where the cluster does not answer. What could not
    be told does not change it. docs/doctor.md explains every finding; docs/settings.md has every setting.

    Example: autoscaler doctor --policies policies/ --prometheus http://localhost:9090
    """
    with _progress() as progress:
        checks = preflight.examined(settings, _read(settings.policies), progress)
    if output is options.OutputFormat.JSON:
        print(json.dumps(summary(checks)))
    else:
        show(checks)
    raise typer.Exit(FINDINGS if _wrong(checks) else 0)


def summary(checks: Sequence[Check]) -> dict[str, object]:
    """The checks for programs."""
    return {
        "checks": [
            {
                "check": one.topic,
                "about": one.about,
                "state": one.state,
                "findings": [
                    {
                        "finding": finding.kind.name,
                        "level": finding.kind.level,
                        "where": finding.where,
                        "what": finding.what,
                        "cause": finding.kind.cause,
                        "do": finding.cure,
                    }
                    for finding in one.findings
                ],
            }
            for one in checks
        ],
        "states": _counts(checks),
    }


def show(checks: Sequence[Check]) -> None:
    """The checks for people: how each went, and under it what was found."""
    out = Console(soft_wrap=True, highlight=False)
    for one in checks:
        out.print(Text.assemble((f"{one.state:<{WIDTH}}", STYLES[one.state]), f"  {one.topic}  {one.about}".rstrip()))
        for (kind, cure), alike in groupby(one.findings, key=lambda finding: (finding.kind, finding.cure)):
            out.print(Text.assemble(f"  {kind.name}, ", (kind.level, STYLES[kind.level])))
            for finding in alike:
                out.print(f"    {finding.where}: {finding.what}", markup=False)
            out.print(f"    why: {kind.cause}", markup=False, style="dim")
            out.print(f"    do: {cure}", markup=False)
    out.print(", ".join(f"{count} {state}" for state, count in _counts(checks).items() if count))


def _counts(checks: Sequence[Check]) -> dict[str, int]:
    states = Counter(one.state for one in checks)
    return {str(state): states[state] for state in (OK, Level.UNKNOWN, Level.WARNING, Level.ERROR)}


def _wrong(checks: Sequence[Check]) -> bool:
    return any(one.state in (Level.WARNING, Level.ERROR) for one in checks)


def _read(folder: Path) -> PolicySet:
    """Problems of files are findings too, but there must be something to look at."""
    if not folder.exists():
        raise InputError(f"{folder}: no such file or folder; name a folder of YAML files with --policies")
    found = read_paths([folder])
    if not (found.policies or found.queues or found.problems):
        raise InputError(f"{folder}: no policy in it; name a folder of YAML files with --policies")
    return found


@contextmanager
def _progress() -> Iterator[preflight.Progress]:
    """What is looked at now, on a terminal; nothing in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what: None
        return
    with console.status("looking at the cluster") as status:
        yield lambda what: status.update(f"looking at {what}")
