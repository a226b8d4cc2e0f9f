"""`autoscaler release`: gives back all that the controller holds, before it is taken away."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from autoscaler.cli import options
from autoscaler.cli.process import with_settings
from autoscaler.compose import release as giving
from autoscaler.settings import Settings

FINDINGS = 1


@with_settings("kubeconfig", "context", "namespace", "lease")
def release(
    settings: Settings,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without, only what would be done is said.")] = False,
    output: Annotated[options.OutputFormat, typer.Option("--format", help="Output.")] = options.OutputFormat.TEXT,
) -> None:
    """Gives floors back as they were before, and deletes plans, placeholders and records: run it before the controller
    is uninstalled for good. Takes the lead, so that controllers which still run do nothing for ten minutes.

    Exit code 0 where all is given back, or nothing was asked with --yes; 1 where something could not be, which can be
    tried again; 3 where the cluster does not answer.

    Example: autoscaler release --namespace gpu-autoscaler --yes
    """
    if yes:
        problems = giving.release(settings, lambda step: print(step, file=sys.stderr, flush=True))
        _say(output, {"released": not problems, "problems": list(problems)}, list(problems) or ["all is given back"])
    else:
        held, problems = giving.held(settings)
        said = {"floors": list(held.floors), "plans": list(held.plans), "placeholders": held.placeholders}
        lines = [
            *(f"would give back {line}" for line in held.floors),
            *(f"would delete CapacityPlan {name}" for name in held.plans),
            f"would delete {held.placeholders} placeholders; nothing is done without --yes",
        ]
        _say(output, said | {"problems": list(problems)}, [*lines, *problems])
    raise typer.Exit(FINDINGS if problems else 0)


def _say(output: options.OutputFormat, said: dict[str, object], lines: list[str]) -> None:
    print(json.dumps(said) if output is options.OutputFormat.JSON else "\n".join(lines))
