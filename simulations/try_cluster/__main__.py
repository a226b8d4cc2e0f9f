"""The command: `python -m simulations.try_cluster [--for 5m]`, which `make try-cluster` calls.

Exit code 0 after the time or Ctrl-C, 2 for an option that is none, 3 where a part does not start or ends by itself.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from autoscaler.policy.quantity import duration_s
from simulations.try_cluster.interrupts import Ended, Interrupts
from simulations.try_cluster.screen import Now, Screen, told
from simulations.try_cluster.world import Missing, World
from tests.cluster.api import Refused
from tests.cluster.clock import now_s, pause

ENVIRONMENT = 3
LOOK_S = 1.0
TAIL = 3


def run(for_s: float, screen: Screen) -> int:
    """Starts everything, shows it for so long, and stops everything; an exit code."""
    wrong: BaseException | None = None
    with (
        Interrupts() as interrupts,
        tempfile.TemporaryDirectory(prefix="try-cluster-", ignore_cleanup_errors=True) as folder,
        ExitStack() as parts,
    ):
        world = World(Path(folder), parts)
        try:
            world.start(screen.say)
            _follow(world, screen, now_s() + for_s)
        except Ended:
            pass
        except (Missing, AssertionError, Refused, OSError, subprocess.SubprocessError) as error:
            wrong = error
            _last_words(error, world, screen)
        finally:
            interrupts.ignore()
            screen.say("stopping everything")
    screen.say("all is stopped, and its folder is removed")
    if wrong is not None:
        screen.say(f"try-cluster: {wrong}", "red")
    return ENVIRONMENT if wrong else 0


def _follow(world: World, screen: Screen, until_s: float) -> None:
    screen.links = (
        f"metrics      {world.controller.url}/metrics",
        f"Prometheus   {world.prometheus.url}",
        f"kubectl      export KUBECONFIG={world.kubeconfig}",
    )
    for link in screen.links:
        screen.say(link)
    screen.say("for example  kubectl -n gpu-autoscaler get cplan; kubectl get nodes; kubectl -n inference get pods")
    screen.say("Ctrl-C stops everything.")
    heard = 0
    with screen:
        while now_s() < until_s:
            per_s = world.step()
            log = world.controller.log()
            for line in told(log[heard:]):
                screen.say(line)
            heard = len(log)
            screen.show(Now(world.elapsed_s, world.traffic.clock(world.elapsed_s), per_s, world.seen()))
            pause(min(LOOK_S, max(until_s - now_s(), 0.0)))


def _last_words(error: BaseException, world: World, screen: Screen) -> None:
    """Of every program, since their logs go with the folder."""
    if not isinstance(error, Missing):
        for program in world.programs():
            screen.say(f"end of the log of {program.name}:\n{program.tail(TAIL)}", "dim")


def main(
    for_: Annotated[str, typer.Option("--for", metavar="DURATION", help="How long, such as 5m. Default: Ctrl-C.")] = "",
) -> None:
    """Starts a real control plane with fake GPU nodes, Prometheus with replayed traffic, the chart and the controller,
    shows what it does, and stops all of it at the end: nothing stays."""
    try:
        for_s = duration_s(for_) if for_ else math.inf
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None
    raise typer.Exit(run(for_s, Screen(Console())))


if __name__ == "__main__":
    typer.run(main)
