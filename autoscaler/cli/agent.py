"""`autoscaler agent`: the node agent."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Annotated

import typer

from autoscaler.cli.errors import InputError
from autoscaler.cli.output_format import OutputFormat
from autoscaler.compose import agent as node_agent
from autoscaler.compose.agent import AgentSettings
from autoscaler.policy.quantity import duration_s

LEAST_S, MOST_S = 0.1, 60.0


def agent(
    listen: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where /metrics and /healthz answer; 0.0.0.0 for all.")
    ] = "127.0.0.1:9400",
    sample_every: Annotated[str, typer.Option(metavar="TIME", help="Time between two looks at the GPUs.")] = "1s",
    pod_resources: Annotated[
        Path, typer.Option(metavar="SOCKET", help="The kubelet's socket that tells which pod holds which device.")
    ] = Path("/var/lib/kubelet/pod-resources/kubelet.sock"),
    proc: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where /proc of the node is, with its process numbers.")
    ] = Path("/proc"),
    node_name: Annotated[
        str | None,
        typer.Option(metavar="NAME", envvar="NODE_NAME", help="Name of this node. Default the host name."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one look, and end.")] = False,
    output: Annotated[OutputFormat, typer.Option("--format", help="Output of --once.")] = OutputFormat.TEXT,
) -> None:
    """Looks at the GPUs of this node every second, and tells of them as metrics: use of GPUs and of containers, and
    when a start had its CUDA context, its weights and their transfer.

    Runs on each node with GPUs, as root, in the process namespace of the node (hostPID), with the NVIDIA driver's
    library in reach and the kubelet's folder pod-resources mounted. Without a driver it waits for one; without the
    kubelet pods have no names, only uids. docs/agent.md tells how to install it.

    Example: autoscaler agent --once
    """
    host, port = _address(listen)
    settings = AgentSettings(
        host, port, _interval_s(sample_every), str(pod_resources), str(proc), node_name or socket.gethostname()
    )
    if not once:
        if output is not OutputFormat.TEXT:
            raise InputError("--format: only with --once; the agent tells metrics at /metrics")
        node_agent.become(settings)
    from autoscaler.cli.agent_look import show, summary

    view = node_agent.look(settings)
    if output is OutputFormat.JSON:
        print(json.dumps(summary(view)))
    else:
        show(view)


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isdecimal() and int(port) < 65_536):
        raise InputError(f"--listen {listen!r}: write HOST:PORT, for example 0.0.0.0:9400")
    return host.strip("[]"), int(port)


def _interval_s(text: str) -> float:
    try:
        every_s = duration_s(text)
    except ValueError as error:
        raise InputError(f"--sample-every {text!r}: {error}") from None
    if not LEAST_S <= every_s <= MOST_S:
        raise InputError(f"--sample-every {text!r}: must be between 100ms and 1m, for example 1s")
    return every_s
