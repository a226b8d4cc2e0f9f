"""The waterfall as its user sees it: a controller learns starts and crashes in their middle; the command shows them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.controllers import Controller, Site
from tests.cluster.exporter import Exporter
from tests.cluster.karpenter import Karpenter
from tests.cluster.kubelet import TAKEN, Kubelet
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import PULLED, STAMPED, Stages

Measured = Callable[[str, float, str], None]
Json = dict[str, Any]
WITHIN_S, READY_S = 2.0, 120.0
REPLICAS = 2
STAGES = Stages(image_s=4, weights_s=9, cuda_s=2, transfer_s=4, warm_s=3)
MEANT = {"image": 4.0, "weights": 9.0, "cuda": 2.0, "transfer": 4.0, "warm_up": 3.0, "joined": 2.0, "node_ready": 3.0}
STAMPS = {"chat": "conditions", "code": "metrics"}
"""How the pods of each workload tell their stages."""


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path) -> Iterator[Site]:
    for name, stamped in STAMPS.items():
        body = deployment(name, cluster.namespace, 0, gpus=4, stages=STAGES)
        body["spec"]["template"]["metadata"]["annotations"] |= {STAMPED: stamped, PULLED: TAKEN}
        cluster.create(DEPLOYMENTS, body)
        exporter.rate("requests_total", 0.0, model=name)
    with Kubelet(cluster.api, cluster.namespace, exporter):
        yield Site(cluster, tmp_path, (PRIMARY, BURST), prometheus.url)


@pytest.fixture
def start(site: Site) -> Iterator[Callable[[str], Controller]]:
    with ExitStack() as stack:

        def begin(identity: str) -> Controller:
            controller = Controller(site, identity)
            stack.callback(controller.program.stop)
            controller.start()
            return controller

        yield begin


def shown(site: Site, *options: str) -> str:
    """What `autoscaler coldstart waterfall` prints; nothing failed and nothing is unread."""
    command = [sys.executable, "-m", "autoscaler", "coldstart", "waterfall", *options]
    environment = os.environ | site.environment("look", 0)
    del environment["GPU_AUTOSCALER_LISTEN"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60.0)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def middles(site: Site) -> dict[str, dict[str, float]]:
    """p50 of each stage, by workload; of those that have a start that came through."""
    found: dict[str, dict[str, float]] = {}
    for group in json.loads(shown(site, "--format", "json"))["groups"]:
        stages = found.setdefault(group["group"]["workload"], {})
        for part in (part for track in group["tracks"] for part in track["parts"].values()):
            stages |= {one["stage"]: one["p50"]["seconds"] for one in part["stages"]}
    return found


def from_now(count: int) -> str:
    begin, end = (
        datetime.fromtimestamp(epoch_s() + more_s, UTC).strftime("%Y-%m-%dT%H:%M:%S") for more_s in (-60.0, 3600.0)
    )
    return f"{{name: launch, from: {begin}, until: {end}, timezone: UTC, atLeast: {{replicas: {count}}}}}"


def ready(cluster: Cluster) -> list[Json]:
    return [pod for pod in cluster.pods() if any(
        one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ())
    )]  # fmt: skip


def learned(controller: Controller) -> bool:
    """Whether it knows the transfer of a start of each workload."""
    return all(
        controller.metric("lead_time_seconds", percentile="50", policy=name, pool=PRIMARY.name, stage="transfer")
        for name in STAMPS
    )


def test_the_command_shows_what_a_controller_learned_over_a_crash(
    site: Site, cluster: Cluster, start: Callable[[str], Controller], start_karpenter: Callable[..., Karpenter],
    measured: Measured,
) -> None:  # fmt: skip
    start_karpenter((PRIMARY, BURST))
    for name in STAMPS:
        site.write(name, schedules=from_now(REPLICAS))
    first = start("first")
    wait_until(lambda: len(cluster.pods()) == 2 * REPLICAS, "replicas to be asked for", READY_S, 0.2)
    wait_until(lambda: any(pod["status"].get("phase") == "Running" for pod in cluster.pods()), "a start", READY_S, 0.2)
    first.program.stop(kill=True)
    second = start("second")
    wait_until(lambda: len(ready(cluster)) == 2 * REPLICAS, "all replicas to be ready", READY_S, 0.2)
    wait_until(lambda: second.leads, "the second controller to lead", READY_S, 0.2)
    assert_as_injected(site, measured, "of what stands")
    assert json.loads(shown(site, "--format", "json"))["first"]["stage"] == "weights"
    assert "Fix first: weights" in shown(site)

    wait_until(lambda: learned(second), "the second controller to have learned", READY_S, 0.5)
    second.program.stop()
    for name in STAMPS:
        cluster.api.patch(DEPLOYMENTS, name, {"spec": {"replicas": 0}}, cluster.namespace)
    wait_until(lambda: not cluster.pods(), "all replicas to go", READY_S, 0.2)
    assert_as_injected(site, measured, "of records")


def assert_as_injected(site: Site, measured: Measured, of_what: str) -> None:
    found = middles(site)
    assert found.keys() == STAMPS.keys()
    for name, stages in found.items():
        for stage, seconds in MEANT.items():
            measured(f"run: waterfall {of_what}, {name}, {stage}", stages[stage], f"{seconds:g} injected")
            assert abs(stages[stage] - seconds) <= WITHIN_S, (name, stage)
