"""How placeholders end on the real control plane: who took their place, nodes that go, and release node by node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from autoscaler.act.difference import difference
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.controller.apply import apply
from autoscaler.domain.ending import EndFate, Taker
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.plan import Plan
from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.faults import Faults
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.objects import pod
from tests.cluster.pools import Pool
from tests.cluster.product_link import product_link

Measured = Callable[[str, float, str], None]
CHAT, CODE, POOL = 0, 1, 0
ONE_ZONE = Pool("gpu-primary", zones=("zone-a",), most_nodes=2)
GONE = {"karpenter": "30.6-33.8", "cluster-autoscaler": "10.3"}


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@contextmanager
def standing(cluster: Cluster, transport: Transport, held: int, nodes: int = 0) -> Iterator[LiveFleet]:
    """Two workloads of one GPU a replica, none of them running, and so many placeholders of the first, bound."""
    for name in ("chat", "code"):
        cluster.create(DEPLOYMENTS, deployment(name, cluster.namespace, 0))
    for node in cluster.add_nodes(ONE_ZONE, "zone-a", nodes) if nodes else ():
        cluster.wait_gpus(node, ONE_ZONE.gpus, 60.0)
    with live_fleet(LiveFleet(cluster, transport, (ONE_ZONE,), ("chat", "code"))) as fleet:
        for slot in range(held):
            fleet.port.create_placeholder(CHAT, POOL, slot)
        fleet.wait_all_bound(held, 90.0)
        assert fleet.sweep() == []
        yield fleet


def by_node(now: Inventory) -> Counter[str]:
    return Counter(p.node for p in now.placeholders if p.bound)


def bring_about(fleet: LiveFleet, held: int) -> None:
    """What a plan that wants so many placeholders of the first workload does."""
    now = fleet.inventory()
    nothing = np.zeros(now.floor.size)
    plan = Plan(now.floor, np.array([[held], [0]]), nothing, nothing.astype(np.uint32), nothing)
    assert [o.error for o in apply(difference(plan, now), fleet.port) if o.error] == []


def test_a_whole_node_is_emptied_and_goes_and_the_other_keeps_what_it_holds(
    cluster: Cluster, transport: Transport, start_node_autoscaler: Callable[..., NodeAutoscaler], measured: Measured
) -> None:
    autoscaler = start_node_autoscaler((ONE_ZONE,))
    with standing(cluster, transport, held=16) as fleet:
        before = fleet.inventory()
        assert sorted(by_node(before).values()) == [8, 8]
        assert all(p.alone for p in before.placeholders)
        begin = now_s()
        bring_about(fleet, held=8)
        ((kept, count),) = by_node(fleet.inventory()).items()
        assert count == 8
        (emptied,) = set(by_node(before)) - {kept}
        wait_until(lambda: cluster.api.find("nodes", emptied) is None, "the emptied node to go", 120.0)
        measured(f"{autoscaler.name}: one of two nodes gone after 8 of 16", now_s() - begin, GONE[autoscaler.kind])
        stays(lambda: by_node(fleet.inventory()) == {kept: 8}, "the other node and its placeholders", 3.0)
        wait_until(lambda: fleet.sweep() or len(fleet.ended) == 8, "the sweeps to tell", 10.0)
        assert {e.fate for e in fleet.ended} == {EndFate.RELEASED}


def test_a_node_with_a_real_pod_is_told_from_one_that_can_be_emptied(cluster: Cluster, transport: Transport) -> None:
    with standing(cluster, transport, held=12, nodes=2) as fleet:
        fleet.port.set_floor(CODE, 1)
        fleet.wait(lambda now: now.ready[CODE].sum() == 1, "the replica to serve", 30.0)
        shared = {p["spec"]["nodeName"] for p in cluster.pods()}
        now = fleet.wait(lambda now: {p.node for p in now.placeholders if not p.alone} == shared, "it to show", 5.0)
        nodes = by_node(now)
        bring_about(fleet, held=len(now.placeholders) - 6)
        assert by_node(fleet.inventory()) == {node: count for node, count in nodes.items() if node in shared}


def test_who_takes_the_place_is_told(cluster: Cluster, transport: Transport) -> None:
    elsewhere = cluster.add_namespace("research")
    with standing(cluster, transport, held=8, nodes=1) as fleet:
        fleet.inventory()
        fleet.port.set_floor(CHAT, 1)
        wait_until(lambda: fleet.sweep() and len(fleet.ended) == 1, "the use to be told", 30.0)
        fleet.port.set_floor(CODE, 1)
        wait_until(lambda: fleet.sweep() and len(fleet.ended) == 2, "the use by another of ours to be told", 30.0)
        cluster.create("pods", pod("train-0", elsewhere, gpus=4))
        wait_until(lambda: fleet.sweep() and len(fleet.ended) == 6, "what a stranger took to be told", 30.0)
        own, fellow, *others = fleet.ended
        assert {e.fate for e in fleet.ended} == {EndFate.CONSUMED}
        assert (own.taker, fellow.taker) == (Taker.OWN, Taker.FELLOW)
        assert own.taken_by.startswith(f"{cluster.namespace}/chat-")
        assert {(e.taker, e.taken_by) for e in others} == {(Taker.OTHER, f"{elsewhere}/train-0")}
        assert list(fleet.inventory().ended) == others


@pytest.mark.parametrize(
    ("what", "fate", "causes", "within_s"),
    [
        pytest.param("lose", EndFate.LOST, {"NodeGone"}, 10.0, id="the node is gone"),
        pytest.param("evict", EndFate.LOST, {"DeletionByTaintManager"}, 10.0, id="the node gets a NoExecute taint"),
        pytest.param("notice", EndFate.DRAINED, {"aws-node-termination-handler/spot-itn"}, 10.0, id="a spot notice"),
        pytest.param(
            "fail", EndFate.LOST, {"DeletionByTaintManager", "NodeUnknown"}, 60.0, id="the kubelet is not ready"
        ),
    ],
)
def test_what_stood_on_a_bad_node_leaves_and_nothing_else(
    cluster: Cluster, transport: Transport, faults: Faults, measured: Measured, what: str, fate: EndFate,
    causes: set[str], within_s: float,
) -> None:  # fmt: skip
    with standing(cluster, transport, held=16, nodes=2) as fleet:
        bad, good = sorted(by_node(fleet.inventory()))
        begin = now_s()
        getattr(faults, what)(bad) if what != "notice" else faults.spot_notice(bad, 30.0)

        def gone() -> bool:
            fleet.sweep()
            return {p["spec"].get("nodeName") for p in fleet.pods()} == {good}

        wait_until(gone, "the placeholders on the bad node to go", 3.0 * within_s)
        measured(f"bad node ({what}): its 8 placeholders gone", now_s() - begin, "55-70 s by others where it is gone")
        assert by_node(fleet.inventory()) == {good: 8}
        wait_until(lambda: fleet.sweep() or len(fleet.ended) == 8, "the sweeps to tell", 10.0)
        assert {e.fate for e in fleet.ended} == {fate}
        assert {e.cause for e in fleet.ended} <= causes
        assert sorted(e.slot or 0 for e in fleet.inventory().ended) == sorted(e.slot or 0 for e in fleet.ended)
        bring_about(fleet, held=16)
        now = fleet.wait(lambda now: len(now.placeholders) == 16, "as many to be asked for again", 10.0)
        assert by_node(now) == {good: 8}
