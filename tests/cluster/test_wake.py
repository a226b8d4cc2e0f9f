"""From zero: the first request that waits brings a node and a replica, in the time that is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.controllers import NODE_LEAD_S, REPLICA_LEAD_S, TICK_S
from tests.cluster.exporter import Exporter
from tests.cluster.limited_site import Start, see, starting
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.pools import Pool
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import Stages
from tests.cluster.waking_site import WakingSite

Measured = Callable[[str, float, str], None]
BOOT_S, IMAGE_S, WEIGHTS_S = 6, 4, 6
STEADY = Pool("gpu-primary", zones=("zone-a",), most_nodes=2, stages=Stages(boot_s=BOOT_S))
INJECTED_S = BOOT_S + IMAGE_S + WEIGHTS_S
RESOLUTION_S = 2.0
"""Times of nodes and pods are whole seconds, each up to one short."""
SOON_S, AWAKE_S, ASLEEP_S = 30.0, 120.0, 150.0


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path) -> WakingSite:
    """No replica, no node, no request; the counter of requests is not even there."""
    stages = Stages(image_s=IMAGE_S, weights_s=WEIGHTS_S)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8, stages=stages))
    for name in ("requests_total", "served_total", "waiting"):
        exporter.set(name, 0.0, model="chat")
    found = WakingSite(cluster, tmp_path, (STEADY,), prometheus.url)
    found.write_chat()
    return found


@pytest.fixture
def start(site: WakingSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def shown(site: WakingSite) -> dict[str, Any]:
    """What the plan says of waking; empty where it says nothing."""
    plan = site.cluster.api.find(PLANS, "chat", site.house) or {}
    return dict((plan.get("status") or {}).get("wakeUp") or {})


def learned_of(site: WakingSite) -> dict[str, Any]:
    """The same, once a start was seen and no node is there any more."""
    now = shown(site)
    said = now.get("message", "")
    return {} if "no start was seen" in said or "its node is there" in said else now


def wake(site: WakingSite, exporter: Exporter) -> dict[str, float]:
    """Seconds from the first request that waits to the floor, the node's being ready, and the first ready replica."""
    begin, after = now_s(), {}
    exporter.set("waiting", 1.0, model="chat")
    for what, look in (
        ("floor", lambda: see(site).asked > 0),
        ("node", lambda: see(site).nodes.get(STEADY.name, 0) > 0),
        ("ready", lambda: see(site).ready > 0),
    ):
        wait_until(look, what, AWAKE_S)
        after[what] = now_s() - begin
    return after


def sleep(site: WakingSite, exporter: Exporter) -> None:
    exporter.set("waiting", 0.0, model="chat")
    wait_until(lambda: see(site).asked == 0, "nothing to be asked for", ASLEEP_S)
    site.cluster.wait_no_nodes(ASLEEP_S)


def test_the_first_request_wakes_a_workload_in_the_time_that_is_shown(
    site: WakingSite, start: Start, start_node_autoscaler: Callable[..., NodeAutoscaler], exporter: Exporter,
    measured: Measured,
) -> None:  # fmt: skip
    """Twice: before anything is learned, when what is shown is the prior, and after."""
    autoscaler = start_node_autoscaler((STEADY,))
    controller = start("one")
    first = wait_until(lambda: shown(site), "the plan to say what waking takes", SOON_S)
    assert first["message"].endswith("no start was seen yet")
    assert first["p90Seconds"] == pytest.approx(NODE_LEAD_S + REPLICA_LEAD_S + TICK_S, abs=1.0)
    none = {"policy": "chat", "signal": "arrivals", "state": "zero"}
    wait_until(lambda: controller.metric("signal_state", **none) == 1.0, "arrivals to be known for none", SOON_S)
    assert (see(site).asked, see(site).nodes) == (0, {})

    took = wake(site, exporter)
    measured(f"{autoscaler.name}: wake: first request to floor, tick 1 s", took["floor"], "none")
    measured(f"{autoscaler.name}: wake: first request to ready", took["ready"], f"stages {INJECTED_S} s")
    measured(f"{autoscaler.name}: wake: shown before anything is learned", first["expectedSeconds"], "the prior")
    assert took["ready"] >= INJECTED_S - RESOLUTION_S
    woken = [line for line in controller.log("decision") if "woken by the first request" in line["reason"]]
    assert woken[0]["floor"] >= 1
    assert woken[0]["floor_was"] == 0

    sleep(site, exporter)
    learned = wait_until(lambda: learned_of(site), "the plan to say what was learned", SOON_S)
    assert controller.metric("wake_up_seconds", percentile="50", policy="chat") == pytest.approx(
        learned["expectedSeconds"], abs=1.0
    )
    again = wake(site, exporter)
    measured(f"{autoscaler.name}: wake: second time, to ready", again["ready"], f"stages {INJECTED_S} s")
    measured(f"{autoscaler.name}: wake: shown after one start", learned["expectedSeconds"], f"{again['ready']:.1f}")
    assert again["ready"] >= INJECTED_S - RESOLUTION_S
    assert 0.5 * INJECTED_S <= learned["expectedSeconds"] <= 3.0 * again["ready"]
    sleep(site, exporter)
