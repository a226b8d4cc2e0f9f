"""Placeholders belong to the plan of their policy: without one none is made, and they go with it, by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.plans.capacity_plans import CapacityPlans
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.compose.live_world import LiveWorld
from autoscaler.policy.folder import PolicySet, read_paths
from autoscaler.ports.errors import NotFound
from autoscaler.settings import read_settings
from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.controllers import Site
from tests.cluster.live import DEPLOYMENTS, PAUSE, deployment
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.product_link import product_link
from tests.cluster.prometheus import Prometheus

SOON_S = 30.0
COLLECTED_S = 90.0
"""The garbage collector learns of a new kind of owner within half a minute, and then of what it has missed."""


class Town:
    """A cluster with a Deployment of one GPU a replica and its policy, as one process of ours composes it."""

    def __init__(self, site: Site, stack: ExitStack) -> None:
        self.site = site
        transport = stack.enter_context(product_link(site.cluster))
        plans = CapacityPlans(transport, Objects(transport, "gpu-autoscaler"), site.house)
        plans.start()
        stack.callback(plans.stop)
        server = PrometheusServer(PrometheusSettings(url=site.prometheus), SystemClock())
        stack.callback(server.close)
        settings = read_settings(
            namespace=site.house, placeholder_image=PAUSE, placeholder_priority_class=site.priority_class
        )
        self.world = LiveWorld(settings, transport, plans, server, SystemClock())

    def policies(self) -> PolicySet:
        return read_paths([self.site.policies])

    def placeholders(self) -> list[str]:
        return [one["metadata"]["name"] for one in self.site.cluster.api.list("pods", self.site.house)]


@pytest.fixture
def town(cluster: Cluster, prometheus: Prometheus, tmp_path: Path) -> Iterator[Town]:
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0))
    site = Site(cluster, tmp_path, (PRIMARY, BURST), prometheus.url)
    site.write("chat")
    with ExitStack() as stack:
        yield Town(site, stack)


def test_placeholders_go_with_their_plan_and_the_policy_is_stopped(town: Town) -> None:
    cluster, house = town.site.cluster, town.site.house
    with ExitStack() as stack:
        in_force = town.world.govern(town.policies())
        stack.callback(in_force.close)
        port = in_force.ports.cluster
        with pytest.raises(NotFound, match="no CapacityPlan chat to own it"):
            port.create_placeholder(0, 0, 0)
        assert in_force.sweep(epoch_s()).failed == ()
        port.create_placeholder(0, 0, 0)
        assert in_force.sweep(epoch_s()).failed == ()
        (pod,) = cluster.api.list("pods", house)
        plan = cluster.api.get(PLANS, "chat", house)
        assert pod["metadata"]["ownerReferences"] == [
            {
                "apiVersion": "gpu-autoscaler.io/v1alpha1", "kind": "CapacityPlan", "name": "chat",
                "uid": plan["metadata"]["uid"], "controller": True,
            }
        ]  # fmt: skip
        assert not in_force.is_outdated()
        cluster.api.delete(PLANS, "chat", house)
        wait_until(in_force.is_outdated, "the deletion to be seen", SOON_S)
        assert in_force.sweep(epoch_s()).failed == ()
        assert cluster.api.find(PLANS, "chat", house) is None
        after = town.world.govern(town.policies())
        stack.callback(after.close)
        assert after.policies.fleet.names == ()
        assert town.world.stopped == {"chat"}
        assert any("its CapacityPlan was deleted" in line for line in after.problems())
        wait_until(lambda: town.placeholders() == [], "the placeholder to be collected", COLLECTED_S)


def test_the_garbage_collector_alone_clears_away_what_a_deleted_plan_owns(town: Town) -> None:
    """Nothing of ours runs any more when the plan is deleted."""
    cluster, house = town.site.cluster, town.site.house
    in_force = town.world.govern(town.policies())
    in_force.sweep(epoch_s())
    in_force.ports.cluster.create_placeholder(0, 0, 0)
    in_force.close()
    assert len(town.placeholders()) == 1
    cluster.api.delete(PLANS, "chat", house)
    wait_until(lambda: town.placeholders() == [], "the placeholder to be collected", COLLECTED_S)


def test_a_stopped_policy_stays_so_where_its_document_was_moved_and_not_changed(town: Town) -> None:
    """A comment above it, or another policy beside it, is no edit of a stopped policy."""
    with ExitStack() as stack:
        in_force = town.world.govern(town.policies())
        stack.callback(in_force.close)
        in_force.sweep(epoch_s())
        town.site.cluster.api.delete(PLANS, "chat", town.site.house)
        wait_until(in_force.is_outdated, "the deletion to be seen", SOON_S)
        file = town.site.policies / "chat.yaml"
        text = file.read_text()
        file.write_text(f"# a comment\n{text}")
        after = town.world.govern(town.policies())
        stack.callback(after.close)
        assert after.policies.fleet.names == ()
        file.write_text(text.replace("max: 20", "max: 21"))
        edited = town.world.govern(town.policies())
        stack.callback(edited.close)
        assert edited.policies.fleet.names == ("chat",)
        assert town.world.stopped == frozenset()
        assert edited.sweep(epoch_s()).failed == ()
        assert town.site.cluster.api.find(PLANS, "chat", town.site.house) is not None
