"""The command `autoscaler`: its sub-commands, and how errors leave it.

Exit codes: 0 good, 1 findings, 2 usage or input, 3 environment.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from autoscaler.cli import bench, simulate
from autoscaler.cli.errors import InputError

app = typer.Typer(
    name="autoscaler",
    help="Predictive GPU capacity autoscaler for Kubernetes: replays its control loop on recorded traffic.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command(name="simulate")(simulate.simulate)
app.add_typer(bench.app, name="bench")


@app.callback()
def _root() -> None:
    """Predictive GPU capacity autoscaler for Kubernetes: replays its control loop on recorded traffic."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; input errors are one line on standard error and exit code 2."""
    try:
        app(args=list(arguments) if arguments is not None else None)
    except (InputError, ValueError) as error:
        print(f"autoscaler: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except OSError as error:
        print(f"autoscaler: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        raise SystemExit(3) from None
