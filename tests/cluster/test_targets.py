"""Targets of the controller as a process: what KEDA reads, from the leader and from a follower, and when it must not.

With the real KEDA, where it is built, a Deployment follows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.clock import stays, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.controllers import TICK_S, Controller
from tests.cluster.exporter import Exporter
from tests.cluster.keda import SCALED_OBJECTS, scaled_object
from tests.cluster.limited_site import Start, see, starting
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import Pool
from tests.cluster.prometheus import Prometheus
from tests.cluster.waking_site import WakingSite

STEADY = Pool("gpu-primary", zones=("zone-a",), most_nodes=2)
SOON_S, KNOWN_S, FOLLOWED_S = 30.0, 40.0, 90.0
NEEDS = 3
"""Replicas for 10 requests a second, of which one carries 4."""
PATH = "/api/v1/targets"


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path) -> WakingSite:
    """A Deployment whose replicas somebody else moves, and demand for three of them."""
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 1, gpus=1))
    exporter.rate("requests_total", 10.0, model="chat")
    exporter.rate("served_total", 10.0, model="chat")
    exporter.set("waiting", 0.0, model="chat")
    found = WakingSite(cluster, tmp_path, (STEADY,), prometheus.url)
    found.write_chat(via="metric")
    return found


@pytest.fixture
def start(site: WakingSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def target(controller: Controller, policy: str = "chat") -> tuple[int, dict[str, Any]]:
    code, text = controller.get(f"{PATH}/{policy}")
    return code, json.loads(text) if text.startswith("{") else {}


def published(controller: Controller) -> int:
    """0 where nothing is."""
    return int(target(controller)[1].get("replicas") or 0)


def test_a_target_is_published_by_leader_and_follower_and_moves_nothing(site: WakingSite, start: Start) -> None:
    first = start("one")
    wait_until(lambda: published(first) >= NEEDS, "the target to follow demand", KNOWN_S)
    code, told = target(first)
    assert (code, told["policy"]) == (200, "chat")
    assert "forecast" in told["reasons"]
    assert first.metric("target_replicas", policy="chat") == float(told["replicas"])
    assert target(first, "other")[0] == 404
    code, text = first.get(PATH)
    assert (code, [one["policy"] for one in json.loads(text)["targets"]]) == (200, ["chat"])
    second = start("two")
    assert not second.leads
    wait_until(lambda: published(second) >= NEEDS, "the follower to publish what the leader shows", SOON_S)
    assert second.metric("target_replicas", policy="chat") is None
    stays(lambda: see(site).asked == 1, "replicas that are not ours to move", 3 * TICK_S)
    assert sum(bound + waiting for bound, waiting in see(site).placeholders.values()) >= NEEDS - 1


def test_nothing_is_published_of_who_must_not_be_moved(site: WakingSite, start: Start) -> None:
    site.write_chat(via="metric", mode="observe")
    controller = start("one")
    wait_until(lambda: target(controller)[1].get("wouldBe", 0) >= NEEDS, "the plan to follow demand", KNOWN_S)
    code, told = target(controller)
    assert (code, "replicas" in told) == (200, False)
    assert controller.metric("target_replicas", policy="chat") is None
    site.write_chat(via="metric")
    wait_until(lambda: published(controller) >= NEEDS, "the target of a policy that acts", SOON_S)
    site.cluster.api.patch(PLANS, "chat", {"spec": {"paused": True}}, site.house)
    wait_until(lambda: published(controller) == 0, "the pause to be known", SOON_S)
    assert "paused" in target(controller)[1]["withheld"]


@pytest.mark.usefixtures("keda")
def test_keda_follows_what_is_published_and_keeps_what_runs_where_nothing_is(
    site: WakingSite, start: Start, exporter: Exporter
) -> None:
    controller = start("one")
    wait_until(lambda: published(controller) >= NEEDS, "the target to follow demand", KNOWN_S)
    url = f"{controller.url}{PATH}/chat"
    site.cluster.create(SCALED_OBJECTS, scaled_object("chat", site.cluster.namespace, 0, 20, url, "replicas"))
    wait_until(lambda: see(site).asked >= NEEDS, "KEDA to follow the target", FOLLOWED_S)
    exporter.rate("requests_total", 24.0, model="chat")
    wait_until(lambda: published(controller) >= 2 * NEEDS, "the target to rise", KNOWN_S)
    wait_until(lambda: see(site).asked >= 2 * NEEDS, "KEDA to follow the target up", FOLLOWED_S)
    site.cluster.api.patch(PLANS, "chat", {"spec": {"paused": True}}, site.house)
    wait_until(lambda: published(controller) == 0, "the pause to be known", SOON_S)
    stood = see(site).asked
    exporter.rate("requests_total", 0.0, model="chat")
    stays(lambda: see(site).asked == stood, "what ran when the target ended", 20.0)
