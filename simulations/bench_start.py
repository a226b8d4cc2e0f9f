"""How soon the controller is there, and what it weighs: import, a hundred policies read, the first answer.

No cluster is needed: the controller is started against an API server and a Prometheus that refuse, until it answers at
`/metrics`. What a cluster adds, lists, scales and the past, is measured on the rig (tests/cluster/test_start.py). Each
is a process of its own; wall seconds depend on what else the machine does, processor seconds hardly do, and the best of
`--repeat` counts.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer
from rich.console import Console
from rich.table import Table

from autoscaler.adapters.system_clock import SystemClock
from autoscaler.settings import PREFIX

CLOCK = SystemClock()
LONGEST_S, LOOK_EVERY_S = 120.0, 0.02
POOLS = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: primary}
spec: {capacityType: on-demand, nodeAffinity: [{key: pool, operator: In, values: [primary]}], gpusPerNode: 8,
  pricePerGpuHour: 3}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: burst}
spec: {capacityType: spot, nodeAffinity: [{key: pool, operator: In, values: [burst]}], gpusPerNode: 8,
  pricePerGpuHour: 1}
"""
POLICY = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {{name: chat-{number:04d}}}
spec:
  workload: {{namespace: inference, name: chat-{number:04d}}}
  demand: {{arrivals: {{query: 'sum(rate(requests_total[1m]))'}}, perReplica: {{arrivals: 4}}}}
  pools: {{primary: [primary], burst: [burst]}}
"""
KUBECONFIG = {
    "apiVersion": "v1", "kind": "Config", "current-context": "none",
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
    "clusters": [{"name": "none", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "none", "user": {"token": "none"}}],
}  # fmt: skip


class Output(StrEnum):
    """What is printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process, from its start until it had done what it was to do."""

    what: str
    wall_s: float
    processor_s: float
    peak_mib: float


def folder_of(count: int, folder: Path) -> Path:
    """Writes so many policies, one a file."""
    folder.mkdir()
    (folder / "pools.yaml").write_text(POOLS)
    for number in range(count):
        (folder / f"chat-{number:04d}.yaml").write_text(POLICY.format(number=number))
    return folder


def measured(
    what: str, command: Sequence[str], is_done: Callable[[], bool] | None = None, **environment: str
) -> Cost:  # fmt: skip
    """Runs it to its end, or until `is_done`, and then ends it. RuntimeError where it takes too long or fails."""
    began_s = CLOCK.monotonic_s()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, *command], stdout=said, stderr=said, env={**os.environ, **environment}
        )  # fmt: skip
        wall_s = None
        if is_done is not None:
            while not is_done():
                if process.poll() is not None or CLOCK.monotonic_s() - began_s > LONGEST_S:
                    said.seek(0)
                    raise RuntimeError(f"{what}: {said.read().decode()[-2000:]}")
                CLOCK.wait(LOOK_EVERY_S, until=Event())
            wall_s = CLOCK.monotonic_s() - began_s
            process.send_signal(signal.SIGKILL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if is_done is None and process.returncode:
            said.seek(0)
            raise RuntimeError(f"{what}: {said.read().decode()[-2000:]}")
    wall_s = CLOCK.monotonic_s() - began_s if wall_s is None else wall_s
    return Cost(what, wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024.0)


def answers(port: int) -> bool:
    """Whether metrics can be had."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5.0) as response:
            return bool(response.status == 200)
    except (URLError, ConnectionError):
        return False


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def costs(policies: int, room: Path) -> list[Cost]:
    """Each measured once. room: an empty folder."""
    files = folder_of(policies, room / "policies")
    kubeconfig = room / "kubeconfig"
    kubeconfig.write_text(json.dumps(KUBECONFIG))
    port = free_port()
    settings = {
        "policies": files, "kubeconfig": kubeconfig, "prometheus": "http://127.0.0.1:1", "listen": f"127.0.0.1:{port}",
        "log_format": "json",
    }  # fmt: skip
    run = {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
    return [
        measured("import of the controller", ["-c", "import autoscaler.compose.live"]),
        measured(f"{policies} policies read and checked", ["-m", "autoscaler", "policy", "check", str(files)]),
        measured("start to the first answer", ["-m", "autoscaler", "run"], lambda: answers(port), **run),
    ]


def table(found: Sequence[Cost]) -> Table:
    """One row a process."""
    drawn = Table(title="start of the controller")
    for heading in ("what", "wall, s", "processor, s", "peak memory, MiB"):
        drawn.add_column(heading, justify="left" if heading == "what" else "right")
    for one in found:
        drawn.add_row(one.what, f"{one.wall_s:.2f}", f"{one.processor_s:.2f}", f"{one.peak_mib:.0f}")
    return drawn


def bench(
    policies: Annotated[int, typer.Option(min=1, help="Policies, one a file.")] = 100,
    repeat: Annotated[int, typer.Option(min=1, help="Times that each is measured; the least wall time counts.")] = 3,
    output: Annotated[Output, typer.Option("--format", help="Output.")] = Output.TEXT,
) -> None:
    """Measures each part of a start as a process of its own, and prints all of them."""
    rounds = []
    for _ in range(repeat):
        with tempfile.TemporaryDirectory() as room:
            rounds.append(costs(policies, Path(room)))
    best = [min(each, key=lambda cost: cost.wall_s) for each in zip(*rounds, strict=True)]
    if output is Output.JSON:
        print(json.dumps([asdict(cost) for cost in best]))
    else:
        Console().print(table(best))


if __name__ == "__main__":
    typer.run(bench)
