"""A schedule from nothing, through the controller: placeholders bring primary nodes, what is beyond them goes to spot,
replicas start on them before the time, and when it is over all of it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.clock import epoch_s, now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.exporter import Exporter
from tests.cluster.limited_site import LimitedSite, Start, pool_of, schedule, see, starting
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.pools import BURST, POOL_LABEL, Pool
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import Stages
from tests.cluster.watch import Seen, Watch

STEADY = Pool("gpu-primary", zones=("zone-a",), most_nodes=2)
WANTED, IN_S, FOR_S = 3, 36.0, 5.0


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path) -> LimitedSite:
    """A Deployment without replicas, 8 GPUs each, no demand, and two primary nodes at most."""
    stages = Stages(image_s=3, weights_s=4)  # longer than the controller manager holds pods of a new node not ready
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8, stages=stages))
    exporter.rate("requests_total", 0.0, model="chat")
    return LimitedSite(cluster, tmp_path, (STEADY, BURST), prometheus.url, {STEADY.name: STEADY.most_nodes})


@pytest.fixture
def start(site: LimitedSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def test_a_schedule_from_nothing_and_back(
    site: LimitedSite, start: Start, start_node_autoscaler: Callable[..., NodeAutoscaler],
    measured: Callable[[str, float, str], None],
) -> None:  # fmt: skip
    autoscaler = start_node_autoscaler((STEADY, BURST))
    api, space = site.cluster.api, site.cluster.namespace
    with Watch(api, "pods", site.house) as held, Watch(api, "pods", space) as real, Watch(api, "nodes") as nodes:
        begin_s, text = schedule("launch", IN_S, WANTED, FOR_S)
        site.write("chat", schedules=text)
        controller = start("one")
        wait_until(lambda: see(site).ready >= WANTED, "the replicas to be ready", 90.0)
        ahead_s = begin_s - epoch_s()
        measured(f"{autoscaler.name}: schedule from nothing, {WANTED} ready before its begin", ahead_s, "none")
        wait_until(lambda: see(site).asked == 0, "the schedule to be over", 90.0)
        begin = now_s()
        assert epoch_s() >= begin_s + FOR_S
        site.cluster.wait_no_nodes(120.0)
        measured(f"{autoscaler.name}: schedule over, nodes gone after the floor", now_s() - begin, "10.3 and 30.6-33.8")
        wait_until(lambda: see(site).placeholders == {}, "the placeholders to be gone", 30.0)
    assert ahead_s > 0.0
    pools = {one.name: one.object["metadata"]["labels"][POOL_LABEL] for one in nodes.seen}
    assert sorted(pools.values()) == [BURST.name, STEADY.name, STEADY.name]
    made = first_of(held, lambda one: one.change == "ADDED")
    assert sorted(pool_of(one.object) for one in made.values()) == [BURST.name, STEADY.name, STEADY.name]
    bound, started = first_of(held, on_node), first_of(real, on_node)
    assert {name: pools[node_of(one)] for name, one in bound.items()} == {
        name: pool_of(one.object) for name, one in made.items()
    }
    assert sorted(map(node_of, started.values())) == sorted(map(node_of, bound.values())) == sorted(pools)
    assert min(one.at_s for one in bound.values()) < min(one.at_s for one in started.values())
    wants = [line for line in controller.log("decision") if line["placeholders"] == {STEADY.name: 2, BURST.name: 1}]
    assert any("schedule atLeast" in line["reason"] for line in wants)


def first_of(watch: Watch, which: Callable[[Seen], object]) -> dict[str, Seen]:
    """The first change of each object for which `which` is true."""
    return {one.name: one for one in reversed(watch.seen) if which(one)}


def on_node(one: Seen) -> bool:
    return "nodeName" in one.object["spec"]


def node_of(one: Seen) -> str:
    return str(one.object["spec"]["nodeName"])
