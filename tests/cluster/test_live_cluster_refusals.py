"""What stands in the way on a real cluster, and what a person is told: nothing is lost, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.transport import Transport, TransportSettings
from autoscaler.adapters.kubernetes.watching import WatchSettings
from autoscaler.ports.errors import Forbidden, Invalid, NotFound, OwnedByOthers, QuotaExceeded, Unavailable
from tests.cluster.clock import epoch_s, now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.faults import Faults
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.pools import BURST, GPU, PRIMARY
from tests.cluster.product_link import product_link, relay_to

CHAT, CODE, ON_DEMAND, SPOT = 0, 1, 0, 1


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


@pytest.fixture
def fleet(cluster: Cluster, transport: Transport) -> Iterator[LiveFleet]:
    """Two workloads of one GPU a replica, none running; no node autoscaler."""
    for name in ("chat", "code"):
        cluster.create(DEPLOYMENTS, deployment(name, cluster.namespace, 0))
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY, BURST), ("chat", "code"))) as found:
        yield found


def test_a_quota_refuses_the_next_and_keeps_the_rest(fleet: LiveFleet, cluster: Cluster) -> None:
    hard = {"metadata": {"name": "q", "namespace": fleet.house}, "spec": {"hard": {f"requests.{GPU}": "1"}}}
    cluster.create("resourcequotas", hard)
    wait_until(lambda: cluster.api.get("resourcequotas", "q", fleet.house).get("status", {}).get("hard"), "q", 30)
    fleet.port.create_placeholder(CHAT, ON_DEMAND, 0)
    with pytest.raises(QuotaExceeded, match=r"exceeded quota: q.*raise the quota, or ask for less"):
        fleet.port.create_placeholder(CHAT, ON_DEMAND, 1)
    assert [p.slot for p in fleet.held()] == [0]
    fleet.port.delete_placeholder(CHAT, ON_DEMAND, 0)
    wait_until(
        lambda: cluster.api.get("resourcequotas", "q", fleet.house)["status"]["used"][f"requests.{GPU}"] == "0", "q", 30
    )
    fleet.port.create_placeholder(CODE, ON_DEMAND, 0)


def test_a_missing_priority_class_is_named(cluster: Cluster, transport: Transport) -> None:
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0))
    with (
        live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",), priority_class="nope")) as fleet,
        pytest.raises(Forbidden, match="no PriorityClass with name nope was found"),
    ):
        fleet.port.create_placeholder(CHAT, ON_DEMAND, 0)


def test_replicas_that_another_made_are_left_alone(fleet: LiveFleet, cluster: Cluster) -> None:
    owner = fleet.cluster.create_owner("model")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "model", "uid": owner["metadata"]["uid"]}
    owned = {"metadata": {"ownerReferences": [reference | {"controller": True}]}}
    cluster.api.patch(DEPLOYMENTS, "chat", owned, cluster.namespace)
    with pytest.raises(
        OwnedByOthers, match=r"ConfigMap .*/model moves them; correct .*keep it in mode observe"
    ) as told:
        fleet.port.set_floor(CHAT, 2)
    assert told.value.owners == ((f"ConfigMap {cluster.namespace}/model", "spec.replicas"),)
    fleet.port.set_floor(CODE, 2)
    assert fleet.inventory().floor.tolist() == [0, 2]
    assert fleet.port.owners()["chat"].reason == "NotOurs"


def test_a_workload_that_is_not_there_stops_nobody_else(fleet: LiveFleet, cluster: Cluster) -> None:
    fleet.port.set_floor(CODE, 1)
    cluster.api.delete(DEPLOYMENTS, "chat", cluster.namespace)
    wait_until(lambda: cluster.api.find(DEPLOYMENTS, "chat", cluster.namespace) is None, "it to go", 10.0)
    now = fleet.inventory()
    assert now.floor.tolist() == now.pending.tolist() == [0, 1]
    assert list(fleet.port.problems()) == ["chat"]
    assert "is not there; create it, or correct `workload`" in fleet.port.problems()["chat"]
    assert fleet.port.shapes() == {"chat": 1, "code": 1}
    with pytest.raises(NotFound):
        fleet.port.set_floor(CHAT, 1)
    with pytest.raises(NotFound):
        fleet.port.create_placeholder(CHAT, ON_DEMAND, 0)
    fleet.port.create_placeholder(CODE, ON_DEMAND, 0)


def test_a_workload_that_cannot_land_there_gets_no_placeholder(cluster: Cluster, transport: Transport) -> None:
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, nodeSelector={"gpu": "a100"}, tolerations=[]))
    with (
        live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",))) as fleet,
        pytest.raises(Invalid, match=f"in pool {PRIMARY.name}: Taints: the pods do not tolerate {GPU}"),
    ):
        fleet.port.create_placeholder(CHAT, ON_DEMAND, 0)


def test_what_nobody_wants_is_swept(fleet: LiveFleet, cluster: Cluster) -> None:
    """Of a policy that is gone, and of an owner that was another: ours alone stay."""
    for workload in (CHAT, CODE):
        fleet.port.create_placeholder(workload, ON_DEMAND, 0)
    fleet.workloads = ("code",)
    fleet.restart()
    wait_until(fleet.sweep, "the orphan to go", 10.0)
    assert [(e.policy, e.cause) for e in fleet.ended] == [("chat", "Orphan")]
    assert [(p.workload, p.slot) for p in fleet.held()] == [(0, 0)]
    fleet.owner = cluster.create_plan("other", fleet.house)
    fleet.restart()
    wait_until(fleet.sweep, "the orphan to go", 10.0)
    assert [(e.policy, e.cause) for e in fleet.ended[1:]] == [("code", "Orphan")]
    assert fleet.pods() == []


def test_placeholders_end(cluster: Cluster, transport: Transport) -> None:
    settings = LiveSettings(expires_after_s=2.0)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0))
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",), settings)) as fleet:
        fleet.port.create_placeholder(CHAT, ON_DEMAND, 0)
        assert fleet.sweep() == []
        wait_until(fleet.sweep, "it to expire", 10.0)
        assert [e.cause for e in fleet.ended] == ["Expired"]
        assert fleet.pods() == []


def test_a_stale_watch_is_said_and_nothing_is_guessed(cluster: Cluster) -> None:
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 2))
    settings = LiveSettings(stale_after_s=3.0, watch=WatchSettings(renew_s=1.0, grace_s=1.0))
    with (
        relay_to(cluster) as relay,
        product_link(cluster, settings=TransportSettings(deadline_s=2.0), through=relay) as link,
    ):
        fleet = LiveFleet(cluster, link, (PRIMARY,), ("chat",), settings)
        with pytest.raises(Unavailable, match=r"watch nodes: not listed yet.*nothing is changed until there is"):
            fleet.port.sweep(epoch_s())
        with live_fleet(fleet):
            assert fleet.inventory().floor.tolist() == [2]
            relay.cut()
            with pytest.raises(Unavailable):
                fleet.wait(lambda _: False, "the watch to be stale", 10.0)
            relay.mend()
            wait_until(lambda: _answers(fleet), "news again", 20.0)


def _answers(fleet: LiveFleet) -> bool:
    try:
        return bool(fleet.inventory().floor.tolist() == [2])
    except Unavailable:
        return False


def test_a_stock_out_is_known_for_its_pool_alone(
    fleet: LiveFleet,
    faults: Faults,
    start_node_autoscaler: Callable[..., NodeAutoscaler],
    measured: Callable[[str, float, str], None],
) -> None:
    autoscaler = start_node_autoscaler((PRIMARY, BURST))
    assert fleet.inventory().obtainable.tolist() == [True, True]
    faults.stock_out(BURST)
    begin = now_s()
    fleet.port.create_placeholder(CHAT, SPOT, 0)
    fleet.port.create_placeholder(CHAT, ON_DEMAND, 0)
    fleet.wait(lambda now: now.obtainable.tolist() == [True, False], "the stock-out to be known", 60.0)
    measured(f"{autoscaler.name}: stock-out known after", now_s() - begin, "one scan, one batch")
    fleet.wait(lambda now: {p.pool: p.bound for p in now.placeholders}[ON_DEMAND], "the other pool to deliver", 60.0)
    assert {p.pool: p.bound for p in fleet.held()} == {ON_DEMAND: True, SPOT: False}
