"""`autoscaler policy`: checks the files that platform teams edit, and writes their schema and reference."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from autoscaler.cli import options
from autoscaler.cli.errors import InputError
from autoscaler.policy.folder import PolicyFolder, PolicySet, read_paths
from autoscaler.policy.model import KINDS
from autoscaler.policy.problem import Problem
from autoscaler.policy.schema import json_schema, reference

FINDINGS = 1
WATCH_S = 1.0
TITLE = "Policy files"
INTRODUCTION = """\
Every field of every kind of document that a platform team writes. Made by `autoscaler policy schema --format markdown`;
a field marked with * is required. Durations are written `90s`, `5m`, `2h`, `1d` or as a sum (`1h30m`), percentages `1%`
or as a share (`0.01`), counts as whole numbers. Unknown fields are errors. Schedules and clock changes: a start at a
fixed hour that is skipped in spring begins at the next time that exists, one that comes twice in autumn begins once,
the first time; a duration is elapsed time. How versions change: [decision 6](decisions/0006-versions-of-policies.md).
"""

app = typer.Typer(help="Checks policy files, and writes their schema.", no_args_is_help=True)


class SchemaFormat(StrEnum):
    """What to write."""

    JSON = "json"
    MARKDOWN = "markdown"


@app.callback()
def _root() -> None:
    """Checks policy files, and writes their schema."""


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of .yaml and .yml files, checked as one set.")],
    watch: Annotated[
        bool, typer.Option("--watch", help="Check a folder again whenever it changes, until Ctrl-C.")
    ] = False,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Says all that is wrong with a set of policy files, one line each: file:line:column  path  message  hint.

    Exit code 0 where nothing is, 1 where something is, 2 where there is nothing to check.

    Example: autoscaler policy check policies/
    """
    if watch:
        _watch(paths, output)
        return
    found = _read(paths)
    _print(found, output)
    raise typer.Exit(FINDINGS if found.problems else 0)


@app.command()
def schema(
    form: Annotated[
        SchemaFormat, typer.Option("--format", help="JSON Schema, or the reference page.")
    ] = SchemaFormat.JSON,
) -> None:
    """Writes the JSON Schema of policy files, for editors, or the reference page in Markdown.

    An editor with the YAML language server checks a file that begins with: # yaml-language-server: $schema=schema.json
    """
    if form is SchemaFormat.JSON:
        print(json.dumps(json_schema(KINDS, TITLE), indent=1))
    else:
        print(reference(KINDS, TITLE, INTRODUCTION), end="")


def _read(paths: Sequence[Path]) -> PolicySet:
    for path in paths:
        if not path.exists():
            raise InputError(f"{path}: no such file or folder; name a YAML file or a folder of them")
    found = read_paths(paths)
    if not found.documents and not found.problems:
        raise InputError(f"{paths[0]}: no .yaml or .yml file in it; name a file or another folder")
    return found


def _watch(paths: Sequence[Path], output: options.OutputFormat) -> None:
    if len(paths) != 1 or not paths[0].is_dir():
        raise InputError("--watch: looks at one folder; name a folder and nothing else")
    folder, ends = PolicyFolder(paths[0]), threading.Event()
    first = True
    while first or not ends.wait(WATCH_S):
        if folder.look(time.time()) or first:  # noqa: TID251 the shell has a clock
            _print(folder.current, output)
        first = False


def _print(found: PolicySet, output: options.OutputFormat) -> None:
    if output is options.OutputFormat.JSON:
        print(json.dumps(_summary(found)), flush=True)
        return
    out = Console(soft_wrap=True, highlight=False)
    for problem in found.problems:
        out.print(str(problem), style="red", markup=False)
    for line in _tail(found):
        out.print(line, markup=False)


def _tail(found: PolicySet) -> Iterator[str]:
    for name in found.held:
        yield f"{name}: not in force as it is"
    counts = {
        "policy": len(found.policies) + len(found.queues), "pool": len(found.pools), "budget": len(found.budgets),
    }  # fmt: skip
    plural = {"policy": "policies", "pool": "pools", "budget": "budgets"}
    said = ", ".join(f"{n} {word if n == 1 else plural[word]}" for word, n in counts.items())
    problems = len(found.problems)
    verdict = "nothing wrong" if not problems else f"{problems} problem{'s' if problems > 1 else ''}"
    yield f"{said}: {verdict}"


def _summary(found: PolicySet) -> dict[str, object]:
    return {
        "policies": [d.name for d in (*found.policies, *found.queues)],
        "pools": [d.name for d in found.pools],
        "budgets": [d.name for d in found.budgets],
        "held": list(found.held),
        "problems": [_problem(p) for p in found.problems],
    }


def _problem(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.message,
        "hint": problem.hint,
    }
