"""The controller as a process: it plans with the lead times that it learned, and goes on doing so after a crash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.controllers import NODE_LEAD_S, REPLICA_LEAD_S, Controller, Site
from tests.cluster.exporter import Exporter
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import Stages

Measured = Callable[[str, float, str], None]
SLOW = Stages(image_s=5, weights_s=30)
REPLICAS = 3


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, tmp_path: Path) -> Site:
    """Replicas that take longer than the prior says, on nodes that take less."""
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8, stages=SLOW))
    return Site(cluster, tmp_path, (PRIMARY, BURST), prometheus.url)


@pytest.fixture
def start(site: Site) -> Iterator[Callable[[str], Controller]]:
    with ExitStack() as stack:

        def begin(identity: str) -> Controller:
            controller = Controller(site, identity)
            stack.callback(controller.program.stop)
            controller.start()
            return controller

        yield begin


def planned_s(controller: Controller, part: str) -> float:
    return controller.metric("planned_lead_seconds", part=part, policy="chat") or 0.0


def seen_s(controller: Controller, stage: str) -> float | None:
    return controller.metric("lead_time_seconds", percentile="50", policy="chat", pool=PRIMARY.name, stage=stage)


def from_now(count: int) -> str:
    begin, end = (
        datetime.fromtimestamp(epoch_s() + more_s, UTC).strftime("%Y-%m-%dT%H:%M:%S") for more_s in (-60.0, 3600.0)
    )
    return f"{{name: launch, from: {begin}, until: {end}, timezone: UTC, atLeast: {{replicas: {count}}}}}"


def test_a_controller_plans_with_what_it_learned_and_after_a_crash_at_once(
    site: Site, start: Callable[[str], Controller], start_karpenter: Callable[..., Karpenter], exporter: Exporter,
    measured: Measured,
) -> None:  # fmt: skip
    start_karpenter((PRIMARY, BURST))
    exporter.rate("requests_total", 0.0, model="chat")
    site.write("chat", schedules=from_now(REPLICAS))
    first = start("first")
    assert (planned_s(first, "node"), planned_s(first, "replica")) == pytest.approx((NODE_LEAD_S, REPLICA_LEAD_S))
    wait_until(lambda: planned_s(first, "node") < NODE_LEAD_S - 5.0, "nodes' starts to be planned with", 60.0)
    measured("run: node lead planned with after three starts", planned_s(first, "node"), f"{NODE_LEAD_S:g} before")
    wait_until(lambda: (seen_s(first, "load") or 0.0) > 25.0, "replicas to have told their starts", 90.0)
    nodes_s, loads_s = (seen_s(first, stage) for stage in ("node_ready", "load"))

    first.program.stop(kill=True)
    second = start("second")
    wait_until(lambda: planned_s(second, "replica") > REPLICA_LEAD_S + 5.0, "what stands to be known again", 30.0)
    assert planned_s(second, "node") < NODE_LEAD_S - 5.0
    assert (seen_s(second, "node_ready"), seen_s(second, "load")) == (nodes_s, loads_s)
    measured("run: replica lead planned with after a crash", planned_s(second, "replica"), f"{REPLICA_LEAD_S:g} before")
