"""What both node autoscalers of the rig do: buy for pods that cannot be placed, hand over, take away."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.faults import Faults
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.objects import condition, placeholder, required
from tests.cluster.pools import BURST, PRIMARY, SMALL, ZONE_LABEL, Pool
from tests.cluster.watch import Watch

Start = Callable[..., NodeAutoscaler]
Measured = Callable[[str, float, str], None]
HANDOVER = {"karpenter": "0.041-0.130, median 0.10", "cluster-autoscaler": "0.071-0.131, median 0.12"}
RELEASE = {"karpenter": "30.6-33.8, of nodes that had stood for longer", "cluster-autoscaler": "10.3"}


def test_nodes_come_for_pods_are_handed_over_and_go(
    cluster: Cluster, start_node_autoscaler: Start, measured: Measured
) -> None:
    pool = Pool("gpu-primary", zones=("zone-a",))
    autoscaler = start_node_autoscaler((pool, BURST))
    low = cluster.create_priority_class("placeholder", -10)
    begin = now_s()
    held = placeholder("held", cluster.namespace, cluster.create_owner("plan"), low)
    cluster.create("pods", held | {"spec": held["spec"] | {"affinity": required(capacity_type="on-demand")}})
    node = cluster.wait_bound("held", 60.0)
    measured(f"{autoscaler.name}: bound, registration, boot 2 + 3 s", now_s() - begin, "see the stages")
    labels = cluster.api.get("nodes", node)["metadata"]["labels"]
    assert (labels["rig.test/pool"], labels[ZONE_LABEL]) == ("gpu-primary", "zone-a")

    with Watch(cluster.api, "pods", cluster.namespace) as watch:
        begin = now_s()
        cluster.create_pod("real", gpus=8, affinity=required(capacity_type="on-demand"))
        bound = watch.first(lambda seen: seen.name == "real" and seen.object["spec"].get("nodeName"), "real bound", 10)
        gone = watch.first(lambda seen: seen.name == "held" and seen.change == "DELETED", "held to be preempted", 10)
    measured(f"{autoscaler.name}: real pod takes a placeholder's place", bound.at_s - begin, HANDOVER[autoscaler.kind])
    assert bound.object["spec"]["nodeName"] == node
    assert condition(gone.object, "DisruptionTarget")["reason"] == "PreemptionByScheduler"
    assert bound.at_s - begin < 2.0
    assert len(cluster.nodes()) == 1

    begin = now_s()
    cluster.api.delete("pods", "real", cluster.namespace)
    cluster.wait_no_nodes(90.0)
    measured(f"{autoscaler.name}: node gone after its last pod", now_s() - begin, RELEASE[autoscaler.kind])


def test_a_pod_pinned_to_spot_and_zone_gets_just_that(cluster: Cluster, start_node_autoscaler: Start) -> None:
    start_node_autoscaler((PRIMARY, BURST, SMALL))
    cluster.create_pod("real", gpus=1, affinity=required(capacity_type="spot", zone="zone-c"))
    labels = cluster.api.get("nodes", cluster.wait_bound("real", 60.0))["metadata"]["labels"]
    assert (labels["rig.test/pool"], labels[ZONE_LABEL]) == ("gpu-burst", "zone-c")
    assert len(cluster.nodes()) == 1


def test_a_stock_out_blocks_until_it_ends(cluster: Cluster, start_node_autoscaler: Start, faults: Faults) -> None:
    autoscaler = start_node_autoscaler((PRIMARY, BURST))
    out = faults.stock_out(BURST)
    cluster.create_pod("burst", gpus=8, affinity=required(pool="gpu-burst"))
    cluster.create_pod("primary", gpus=8, affinity=required(pool="gpu-primary"))
    cluster.wait_bound("primary", 60.0)
    wait_until(lambda: _refused(cluster, autoscaler.kind), "the refusal to show", 20.0)
    assert cluster.nodes(BURST) == []
    faults.restock(out)
    cluster.wait_bound("burst", 60.0)


def _refused(cluster: Cluster, kind: str) -> bool:
    """Whether the autoscaler has said that it got no machine."""
    if kind == "karpenter":
        events = cluster.api.list("events", fieldSelector="reason=InsufficientCapacityError")
        return any("gpu-burst" in event["message"] for event in events)
    return any("InsufficientCapacity" in event["message"] for event in cluster.events("cluster-autoscaler-status"))


def test_a_zone_without_stock_is_avoided(cluster: Cluster, start_node_autoscaler: Start, faults: Faults) -> None:
    start_node_autoscaler((PRIMARY,))
    faults.stock_out(PRIMARY, ("zone-a", "zone-b"))
    cluster.create_pod("real", gpus=8)
    cluster.create_pod("pinned", gpus=8, affinity=required(zone="zone-a"))
    node = cluster.api.get("nodes", cluster.wait_bound("real", 90.0))
    assert node["metadata"]["labels"][ZONE_LABEL] == "zone-c"
    stays(lambda: cluster.node_of("pinned") is None, "pod pinned to the zone without stock: pending", 3.0)


def test_a_spot_notice_is_followed_by_the_loss(
    cluster: Cluster, start_node_autoscaler: Start, faults: Faults, measured: Measured
) -> None:
    autoscaler = start_node_autoscaler((BURST,))
    low = cluster.create_priority_class("placeholder", -10)
    cluster.create("pods", placeholder("held", cluster.namespace, cluster.create_owner("plan"), low))
    node = cluster.wait_bound("held", 60.0)
    begin = now_s()
    faults.spot_notice(node, 2.0)
    assert any("spot" in taint["key"] for taint in cluster.api.get("nodes", node)["spec"]["taints"])
    wait_until(lambda: cluster.api.find("nodes", node) is None, "the node to go", 30.0)
    measured(f"{autoscaler.name}: node gone after a notice of 2 s", now_s() - begin, "2 s; Karpenter's drain: 5.2 more")
    if autoscaler.kind == "karpenter":
        wait_until(lambda: cluster.pods() == [], "the placeholder to be evicted", 5.0)
    else:
        assert cluster.node_of("held") == node  # runs on a node that is gone, for about a minute


@pytest.mark.parametrize("value", [-10, -11])
def test_priorities_below_the_cutoff_count_with_karpenter_only(
    cluster: Cluster, start_node_autoscaler: Start, value: int
) -> None:
    autoscaler = start_node_autoscaler((PRIMARY,))
    low = cluster.create_priority_class("low", value)
    cluster.create_pod("low", gpus=8, priorityClassName=low)
    if value < -10 and autoscaler.kind == "cluster-autoscaler":
        stays(lambda: cluster.nodes() == [], "no node for a pod below the cutoff", 5.0)
        assert cluster.events("low", "NotTriggerScaleUp") == []
    else:
        wait_until(cluster.nodes, "a node for the pod", 30.0)
