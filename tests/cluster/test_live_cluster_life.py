"""Placeholders on the real control plane: bought for, taken over, lost, released, and never twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.domain.ending import EndFate
from autoscaler.domain.inventory import Placeholder
from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.faults import Faults
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.product_link import product_link

StartKarpenter = Callable[..., Karpenter]
Measured = Callable[[str, float, str], None]
CHAT, ON_DEMAND, SPOT = 0, 0, 1


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def fleet(cluster: Cluster, transport: Transport) -> Iterator[LiveFleet]:
    """One workload of 8 GPUs a replica, none of them running, on two pools."""
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8))
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY, BURST), ("chat",))) as found:
        yield found


def test_placeholders_bring_nodes_of_their_pool_alone(
    fleet: LiveFleet, start_karpenter: StartKarpenter, measured: Measured
) -> None:
    start_karpenter((PRIMARY, BURST))
    begin = now_s()
    fleet.port.create_placeholder(CHAT, SPOT, 0)
    assert fleet.held() == [Placeholder(CHAT, SPOT, 0, bound=False)]
    fleet.wait(lambda now: now.nodes_starting.tolist() == [0, 1], "a node of the pool to be on order", 20.0)
    now = fleet.wait_all_bound(1, 60.0)
    measured("Karpenter: placeholder from nothing to bound, registration, boot 2 + 3 s", now_s() - begin, "see stages")
    assert now.nodes.tolist() == [0, 1]
    assert now.nodes_starting.tolist() == [0, 0]
    assert now.free_gpus.tolist() == [0, 0]
    assert fleet.sweep() == []
    assert fleet.port.shapes() == {"chat": 8}
    assert fleet.port.problems() == {}


def test_a_replica_takes_the_place_and_no_node_is_bought(
    fleet: LiveFleet, start_karpenter: StartKarpenter, cluster: Cluster
) -> None:
    karpenter = start_karpenter((PRIMARY, BURST))
    fleet.port.create_placeholder(CHAT, ON_DEMAND, 0)
    fleet.wait_all_bound(1, 60.0)
    fleet.port.set_floor(CHAT, 1)
    assert fleet.inventory().floor.tolist() == [1]
    now = fleet.wait(lambda now: now.ready.sum() == 1, "the replica to serve", 20.0)
    assert now.ready.tolist() == [[1, 0]]
    assert now.placeholders == ()
    wait_until(fleet.sweep, "the sweep to tell", 5.0)
    assert [(e.policy, e.pool, e.slot, e.fate) for e in fleet.ended] == [("chat", PRIMARY.name, 0, EndFate.CONSUMED)]
    assert fleet.ended[0].cause == "PreemptionByScheduler"
    assert len(karpenter.claims()) == len(cluster.nodes()) == 1


def test_a_lost_node_is_noticed_at_once(
    fleet: LiveFleet, start_karpenter: StartKarpenter, cluster: Cluster, measured: Measured
) -> None:
    karpenter = start_karpenter((PRIMARY, BURST))
    for slot in range(2):
        fleet.port.create_placeholder(CHAT, SPOT, slot)
    fleet.wait_all_bound(2, 60.0)
    karpenter.stop()  # nobody but us looks after the node
    node = fleet.pods()[0]["spec"]["nodeName"]
    cluster.api.patch("nodes", node, {"metadata": {"finalizers": None}})
    begin = now_s()
    cluster.api.delete("nodes", node)
    fleet.wait_all_bound(1, 5.0)
    measured("a placeholder whose node is gone no longer counts", now_s() - begin, "the watch")
    wait_until(fleet.sweep, "the sweep to delete it", 10.0)
    measured("a placeholder whose node is gone is deleted", now_s() - begin, "55-70 s by others")
    assert [(e.fate, e.cause) for e in fleet.ended] == [(EndFate.LOST, "NodeGone")]
    assert len(fleet.pods()) == 1
    fleet.port.create_placeholder(CHAT, SPOT, fleet.ended[0].slot or 0)
    assert sorted(p.bound for p in fleet.held()) == [False, True]


def test_a_notice_is_enough(fleet: LiveFleet, start_karpenter: StartKarpenter, faults: Faults) -> None:
    start_karpenter((PRIMARY, BURST))
    fleet.port.create_placeholder(CHAT, SPOT, 0)
    fleet.wait_all_bound(1, 60.0)
    faults.spot_notice(fleet.pods()[0]["spec"]["nodeName"], 20.0)
    fleet.wait(lambda now: now.placeholders == (), "the placeholder not to count", 5.0)
    wait_until(fleet.sweep, "the placeholder to go before its node", 5.0)
    assert fleet.ended[0].fate is EndFate.DRAINED
    assert fleet.inventory().free_gpus.tolist() == [0, 0]


def test_released_nodes_go_in_the_node_autoscalers_own_time(
    fleet: LiveFleet, start_karpenter: StartKarpenter, cluster: Cluster, measured: Measured
) -> None:
    start_karpenter((PRIMARY, BURST))
    for slot in range(2):
        fleet.port.create_placeholder(CHAT, ON_DEMAND, slot)
    fleet.wait_all_bound(2, 60.0)
    begin = now_s()
    for slot in range(2):
        fleet.port.delete_placeholder(CHAT, ON_DEMAND, slot)
    assert fleet.held() == []
    now = fleet.wait(lambda now: now.free_gpus.sum() == 16, "the room to be free", 5.0)
    assert now.nodes.tolist() == [2, 0]
    wait_until(lambda: len(fleet.sweep()) + len(fleet.ended) >= 2, "the sweep to tell", 5.0)
    assert {e.fate for e in fleet.ended} == {EndFate.RELEASED}
    cluster.wait_no_nodes(90.0)
    measured("Karpenter: nodes gone after the release of their placeholders", now_s() - begin, "30.6-33.8")
    fleet.wait(lambda now: now.nodes.sum() + now.nodes_starting.sum() == 0, "the inventory to know", 5.0)


def test_a_restart_in_the_middle_doubles_nothing(
    fleet: LiveFleet, start_karpenter: StartKarpenter, cluster: Cluster
) -> None:
    karpenter = start_karpenter((PRIMARY, BURST))
    fleet.port.set_floor(CHAT, 1)
    for slot in range(2):
        fleet.port.create_placeholder(CHAT, ON_DEMAND, slot)
    fleet.restart()
    now = fleet.inventory()
    assert now.floor.tolist() == [1]
    assert [p.slot for p in fleet.held()] == [0, 1]
    for slot in range(2):
        fleet.port.create_placeholder(CHAT, ON_DEMAND, slot)
    fleet.port.set_floor(CHAT, 1)
    fleet.wait(lambda now: now.ready.sum() == 1 and all(p.bound for p in now.placeholders), "all to stand", 60.0)
    fleet.restart()
    assert [(p.slot, p.bound) for p in fleet.held()] == [(0, True), (1, True)]
    assert fleet.sweep() == []
    assert len(karpenter.claims()) == len(cluster.nodes()) == 3
    assert len(fleet.pods()) == 2
