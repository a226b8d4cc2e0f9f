"""The command `autoscaler`: its sub-commands, and how errors leave it.

Exit codes: 0 good, 1 findings, 2 usage or input, 3 environment, 70 a defect of the program, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated

import typer

from autoscaler.cli.errors import InputError
from autoscaler.cli.late import late_group
from autoscaler.ports.errors import PortError

USAGE, ENVIRONMENT, DEFECT, INTERRUPTED = 2, 3, 70, 130

COMMANDS = ("run", "plan", "doctor", "release", "simulate", "bench", "trace", "policy", "coldstart", "agent")
"""Each is a module beside this one, which has a function of that name, or a group, `app`."""

app = typer.Typer(
    name="autoscaler",
    cls=late_group({name: f"{__package__}.{name}" for name in COMMANDS}),
    help="Predictive GPU capacity autoscaler for Kubernetes: runs its control loop, live or on recorded traffic.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@dataclass(slots=True)
class _Asked:
    """What was asked of every command."""

    debug: bool = False


def _version(asked: bool) -> None:
    if asked:
        print(f"autoscaler {version('gpu-autoscaler')}")
        raise typer.Exit


@app.callback()
def _root(
    context: typer.Context,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and end.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="With an error, print where in the program it arose.")] = False,
) -> None:
    """Predictive GPU capacity autoscaler for Kubernetes: runs its control loop, live or on recorded traffic."""
    context.obj.debug = debug


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; an error is a line on standard error and an exit code."""
    raise SystemExit(_flushed(_run(None if arguments is None else list(arguments))))


def _run(arguments: list[str] | None) -> int:
    """Exit code of the command."""
    asked = _Asked()
    try:
        app(args=arguments, obj=asked)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):
            return 0  # the reader has what it wanted
        if end.code == INTERRUPTED:
            _say("interrupted")
        return end.code if isinstance(end.code, int) else 0
    except (InputError, ValueError) as error:
        return _failed(USAGE, str(error), asked)
    except PortError as error:
        return _failed(ENVIRONMENT, str(error), asked)
    except OSError as error:
        return _failed(ENVIRONMENT, _of_the_system(error), asked)
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        return _failed(DEFECT, f"{said}; a defect of this program: report it with what --debug prints", asked)
    return 0


def _failed(code: int, said: str, asked: _Asked) -> int:
    if asked.debug:
        traceback.print_exc()
    _say(said)
    return code


def _say(said: str) -> None:
    for line in said.splitlines():
        print(f"autoscaler: {line}", file=sys.stderr)


def _of_the_system(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _flushed(code: int) -> int:
    """The exit code, once what was printed has left: a reader that is gone is no error, a full disk is one."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            _say(f"standard output: {error.strerror}")
            return ENVIRONMENT
    return code
