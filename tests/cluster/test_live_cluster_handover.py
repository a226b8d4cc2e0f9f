"""Real pods and placeholders of their workload: the scheduler hands the room over, and where it cannot, we do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.domain.ending import EndFate
from autoscaler.domain.inventory import Inventory
from tests.cluster.clock import epoch_s, now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.live import DEPLOYMENTS, LiveFleet, deployment, live_fleet
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.objects import condition
from tests.cluster.pools import PRIMARY
from tests.cluster.product_link import product_link
from tests.cluster.watch import Watch

CHAT, POOL = 0, 0
HANDOVERS = 104
"""Of one GPU each: full nodes of 8."""
RECORDED = {"karpenter": "0.041-0.130, median 0.10", "cluster-autoscaler": "0.071-0.131, median 0.12"}
TOLD_S = 30.0


@pytest.fixture
def transport(cluster: Cluster) -> Iterator[Transport]:
    with product_link(cluster) as link:
        yield link


def test_room_is_handed_over_many_times(
    cluster: Cluster,
    transport: Transport,
    start_node_autoscaler: Callable[..., NodeAutoscaler],
    measured: Callable[[str, float, str], None],
) -> None:
    """Every place is taken by a pod that preempts, since all nodes are full; and nobody buys one more."""
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0))
    autoscaler = start_node_autoscaler((PRIMARY,))
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",))) as fleet:
        for slot in range(HANDOVERS):
            fleet.port.create_placeholder(CHAT, POOL, slot)
        now = fleet.wait_all_bound(HANDOVERS, 90.0)
        assert (now.nodes.tolist(), now.free_gpus.tolist()) == ([HANDOVERS // PRIMARY.gpus], [0])
        with Watch(cluster.api, "pods", cluster.namespace) as real, Watch(cluster.api, "pods", fleet.house) as held:
            for floor in range(1, HANDOVERS + 1):
                fleet.port.set_floor(CHAT, floor)
                now = fleet.wait(lambda now, n=floor: on_nodes(now) == n, "the replica to have its place", TOLD_S)  # type: ignore[misc]
                assert len(now.placeholders) == HANDOVERS - floor
                assert now.pending.sum() == 0
        wait_until(lambda: fleet.sweep() and len(fleet.ended) == HANDOVERS, "the sweeps to tell", TOLD_S)
        assert {(e.fate, e.cause) for e in fleet.ended} == {(EndFate.CONSUMED, "PreemptionByScheduler")}
        assert len(cluster.nodes()) == HANDOVERS // PRIMARY.gpus
    warned = {one.name for one in held.seen if condition(one.object, "DisruptionTarget").get("status") == "True"}
    assert len(warned) == HANDOVERS
    made = {one.name: one.at_s for one in reversed(real.seen) if one.change == "ADDED"}
    bound = {one.name: one.at_s for one in reversed(real.seen) if one.object["spec"].get("nodeName")}
    took_s = np.array([bound[name] - made[name] for name in made])
    assert took_s.size == HANDOVERS
    recorded = RECORDED[autoscaler.kind]
    measured(f"{autoscaler.name}: handover x {HANDOVERS}, p50", float(np.quantile(took_s, 0.5)), recorded)
    measured(f"{autoscaler.name}: handover x {HANDOVERS}, p99", float(np.quantile(took_s, 0.99)), recorded)
    assert np.quantile(took_s, 0.5) < 1.0


def on_nodes(now: Inventory) -> int:
    """Replicas with a node. Not those that are ready: on a node that has just become Ready, the controller manager
    takes pods for not ready until its next look, every 5 s, and there is no kubelet that says otherwise."""
    return int((now.ready + now.starting).sum())


@pytest.mark.parametrize("why", ["never", "equal"])
def test_where_the_scheduler_cannot_we_step_aside(
    cluster: Cluster, transport: Transport, why: str, measured: Callable[[str, float, str], None]
) -> None:
    """A workload that may not preempt, and one that ranks no higher than placeholders."""
    settings = LiveSettings(patience_s=5.0)
    low = cluster.create_priority_class("placeholder", -10)
    own = cluster.create_priority_class("gentle", 0, "Never") if why == "never" else low
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=4, priorityClassName=own))
    [node] = cluster.add_nodes(PRIMARY, "zone-a")
    cluster.wait_gpus(node, 8, 30.0)
    with live_fleet(LiveFleet(cluster, transport, (PRIMARY,), ("chat",), settings, low)) as fleet:
        for slot in range(2):
            fleet.port.create_placeholder(CHAT, POOL, slot)
        fleet.wait_all_bound(2, 30.0)
        assert fleet.port.step_aside(epoch_s()) == ()
        assert len(fleet.held()) == 2
        begin = now_s()
        fleet.port.set_floor(CHAT, 1)
        fleet.wait(lambda now: _step(fleet) and now.ready.sum() == 1, "the replica to serve", TOLD_S)
        measured(f"step aside ({why}): from asking to serving", now_s() - begin, "bound 0.024 after the delete")
        assert len(fleet.held()) == 1
        wait_until(fleet.sweep, "the sweep to tell", TOLD_S)
        assert [e.cause for e in fleet.ended] == ["Handover"]


def _step(fleet: LiveFleet) -> bool:
    """One look at who waits; nothing may fail."""
    assert fleet.port.step_aside(epoch_s()) == ()
    return True
