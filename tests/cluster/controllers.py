"""The controller as a process on the rig: `autoscaler run`, its files, its log and its metrics."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from autoscaler.settings import PREFIX
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.credentials import ADMIN
from tests.cluster.live import PAUSE, POOL_TEXT
from tests.cluster.pools import GPU, POOL_LABEL, Pool
from tests.cluster.processes import LOOPBACK, Program, free_port

TICK_S, LEASE_S, NODE_LEAD_S, REPLICA_LEAD_S = 1.0, 6, 20.0, 10.0
"""Shorter than usual (15 s, 15 s, 3 min, 2 min): the rig's nodes boot in seconds."""
POLICY = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {{name: {name}}}
spec:
  mode: {mode}
  workload: {{namespace: {namespace}, name: {name}}}
  demand:
    arrivals: {{query: 'sum(rate(requests_total{{model="{name}"}}[10s]))'}}
    perReplica: {{arrivals: 4}}
    staleAfter: 10s
  pools: {{primary: [{primary}], burst: [{burst}]}}
  replicas: {{min: 0, max: 20}}
  schedules: [{schedules}]
---
"""


class Site:
    """One cluster with a policy folder, on which several controllers may run."""

    def __init__(self, cluster: Cluster, folder: Path, pools: Sequence[Pool], prometheus: str) -> None:
        """Makes the namespace of placeholders and their PriorityClass, and writes the pools."""
        self.cluster, self.folder, self.prometheus = cluster, folder, prometheus
        self.pools = tuple(pools)
        self.house = cluster.add_namespace("house")
        self.policies = folder / "policies"
        self.policies.mkdir()
        (self.policies / "pools.yaml").write_text("".join(self._pool(pool) for pool in pools))
        self.priority_class = self.furnish()

    def furnish(self) -> str:
        """Makes what an administrator does; the name of the PriorityClass of placeholders."""
        return self.cluster.create_priority_class("placeholder", -10)

    def write(self, name: str, mode: str = "act", schedules: str = "") -> None:
        """A policy of the Deployment of this name."""
        tiers = {
            kind: ", ".join(p.name for p in self.pools if p.capacity_type == kind) for kind in ("on-demand", "spot")
        }
        text = POLICY.format(
            name=name, mode=mode, namespace=self.cluster.namespace, primary=tiers["on-demand"], burst=tiers["spot"],
            schedules=schedules,
        )  # fmt: skip
        new = self.policies / f"{name}.new"
        new.write_text(text)
        new.rename(self.policies / f"{name}.yaml")

    def environment(self, identity: str, port: int) -> dict[str, str]:
        """The settings of a controller."""
        settings = {
            "policies": self.policies, "prometheus": self.prometheus, "namespace": self.house, "identity": identity,
            "kubeconfig": self.cluster.control_plane.kubeconfig(ADMIN), "listen": f"{LOOPBACK}:{port}",
            "placeholder_image": PAUSE, "placeholder_priority_class": self.priority_class, "log_format": "json",
            "tick_s": TICK_S, "lease_s": LEASE_S, "node_lead_s": NODE_LEAD_S, "replica_lead_s": REPLICA_LEAD_S,
        }  # fmt: skip
        return {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}

    def _pool(self, pool: Pool) -> str:
        return POOL_TEXT.format(
            name=pool.name, capacity_type=pool.capacity_type, label=POOL_LABEL, gpu=GPU, gpus=pool.gpus,
            zones=", ".join(pool.zones),
        )  # fmt: skip


class Settled(Protocol):
    """Where a controller may run. folder: of its log."""

    @property
    def folder(self) -> Path: ...

    def environment(self, identity: str, port: int) -> dict[str, str]:
        """The settings of a controller."""


class Controller:
    """One process."""

    def __init__(self, site: Settled, identity: str) -> None:
        self.identity, self._port = identity, free_port()
        environment = site.environment(identity, self._port)
        command = [sys.executable, "-m", "autoscaler", "run"]
        root = Path(__file__).parents[2]
        self.program = Program(
            identity, command, site.folder / f"{identity}.log", environment, cwd=root, patience_s=30.0
        )  # fmt: skip

    @property
    def url(self) -> str:
        """Of its probes and metrics."""
        return f"http://{LOOPBACK}:{self._port}"

    def start(self) -> None:
        """Starts it and waits until it is ready."""
        self.program.start()
        self.wait_ready(60.0)

    def wait_ready(self, within_s: float) -> None:
        """Waits until its last tick saw the cluster."""

        def look() -> bool:
            self.program.check()
            return self.get("/readyz")[0] == 200

        wait_until(look, f"{self.identity} to be ready", within_s, 0.1)

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer; 0 where nobody answers."""
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=10.0)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        except OSError as error:
            return 0, str(error)
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float | None:
        """A series of its metrics, None where there is none."""
        inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
        series = f"gpu_autoscaler_{name}{{{inside}}}" if labels else f"gpu_autoscaler_{name}"
        lines = [line.rsplit(" ", 1) for line in self.get("/metrics")[1].splitlines()]
        return next((float(value) for key, value in (line for line in lines if len(line) == 2) if key == series), None)

    @property
    def leads(self) -> bool:
        return self.metric("leader") == 1.0

    def log(self, event: str = "") -> list[dict[str, Any]]:
        """Lines of its log, or those of one event."""
        found = [json.loads(line) for line in self.program.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in found if event in ("", line["event"])]
