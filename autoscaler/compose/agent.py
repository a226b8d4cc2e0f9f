"""The composition root of the node agent, and the program that it runs as: without what the command line, planners and
clients of the cluster hold in memory, since it runs on every node with GPUs.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.agent.exposition import Exposition
from autoscaler.agent.log import LineLog
from autoscaler.agent.looker import Looker
from autoscaler.agent.loop import Loop
from autoscaler.agent.view import View
from autoscaler.compose.stop_signals import stop_signals
from autoscaler.ports.errors import NotFound, PortError
from autoscaler.web.probes import ProbeServer

ENVIRONMENT, DEFECT = 3, 70
"""Exit codes, as of every command."""
KUBELET_S, PATIENT_S = 1.0, 10.0
"""How long the kubelet has for its answer: where further looks wait for it, and where none does."""


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """host, port: where /metrics and /healthz answer. every_s: time between two looks. pod_resources: the kubelet's
    socket. proc: where the machine's /proc is. node: the node's name.
    """

    host: str
    port: int
    every_s: float
    pod_resources: str
    proc: str
    node: str


def become(settings: AgentSettings) -> None:
    """Turns this process into the agent, with the same number; returns never. Raises OSError."""
    os.execv(sys.executable, [sys.executable, "-P", "-m", __name__, json.dumps(asdict(settings))])


def main(arguments: Sequence[str]) -> int:
    """The agent as a program; its argument is what `become` gives it. Returns the exit code."""
    try:
        run(AgentSettings(**json.loads(arguments[0])))
    except PortError as error:
        return _failed(ENVIRONMENT, str(error))
    except OSError as error:
        return _failed(ENVIRONMENT, f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except Exception as error:
        return _failed(DEFECT, f"{type(error).__name__}: {error}; a defect of this program: report it")
    return 0


def _failed(code: int, said: str) -> int:
    print(f"autoscaler: {said}", file=sys.stderr)
    return code


def run(settings: AgentSettings) -> None:
    """Looks until SIGTERM or SIGINT. Raises OSError where the address cannot be had, `NotFound` as `look`."""
    clock = SystemClock()
    with ExitStack() as ends:
        stopping = ends.enter_context(stop_signals())
        log = LineLog(sys.stderr, clock)
        loop = Loop(_looker(settings, clock, ends, KUBELET_S).look, clock, settings.every_s, log)
        registry = CollectorRegistry()
        registry.register(Exposition(loop, clock))
        ProcessCollector(registry=registry)
        probes = ProbeServer(settings.host, settings.port, registry, {"/healthz": loop.why_not_alive})
        log.say("info", "agent", node=settings.node, listen=f"{settings.host}:{probes.port}", every_s=settings.every_s)
        loop.look()
        probes.start()
        ends.callback(probes.stop)
        gc.freeze()  # what was imported stays: no collection needs to go through it
        loop.run(stopping)
        log.say("info", "stopped")


def look(settings: AgentSettings) -> View:
    """One look. Raises `NotFound` where the libraries of the extra `gpu` are not installed."""
    with ExitStack() as ends:
        return _looker(settings, SystemClock(), ends, PATIENT_S).look()


def _looker(settings: AgentSettings, clock: SystemClock, ends: ExitStack, kubelet_s: float) -> Looker:
    try:
        from autoscaler.adapters.kubelet.pod_resources import PodResources
        from autoscaler.adapters.kubelet.processes import ProcProcesses
        from autoscaler.adapters.nvml.gpus import NvmlGpus
    except ModuleNotFoundError as error:
        raise NotFound(f"the agent needs {error.name}: install gpu-autoscaler[gpu]") from error
    gpus = NvmlGpus()
    ends.callback(gpus.close)
    holders, processes = PodResources(Path(settings.pod_resources), kubelet_s), ProcProcesses(Path(settings.proc))
    return Looker(gpus, holders, processes, clock, settings.node)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
