"""Cluster Autoscaler's rules, row by row as recorded from a real one (the letters are those of the record).

They run on the binary that RIG_CLUSTER_AUTOSCALER names, else on our stand-in, which is corrected where they differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.cluster_autoscaler import ClusterAutoscaler
from tests.cluster.faults import Faults
from tests.cluster.intervals import GPU_WAIT, SCAN, UNNEEDED
from tests.cluster.objects import placeholder, required
from tests.cluster.pools import PRIMARY, Pool
from tests.cluster.processes import Died
from tests.cluster.stages import Stages

Start = Callable[..., ClusterAutoscaler]
Measured = Callable[[str, float, str], None]
ONE_ZONE = Pool("gpu-primary", zones=("zone-a",), most_nodes=2)


def held(cluster: Cluster, name: str, owner: Any, low: str, **more: Any) -> None:
    cluster.create("pods", placeholder(name, cluster.namespace, owner, low, **more))


def status(cluster: Cluster, group: str) -> Any:
    """What the status ConfigMap says of a group."""
    text = cluster.api.get("configmaps", "cluster-autoscaler-status", "ca")["data"]["status"]
    groups = YAML(typ="safe", pure=True).load(text)["nodeGroups"]
    return next(one for one in groups if one["name"] == group)


def test_a_f_the_first_gpu_pod_waits_and_the_next_does_not(
    cluster: Cluster, start_cluster_autoscaler: Start, measured: Measured
) -> None:
    """Rows a and f: 30 s for the first; 2 s for another while one is pending, unhelped, for longer than that."""
    name = start_cluster_autoscaler((ONE_ZONE,)).name
    begin = now_s()
    cluster.create_pod("never", gpus=8, affinity=required(zone="zone-x"))
    cluster.wait_event("never", "NotTriggerScaleUp", 45.0)
    measured(f"{name}: first GPU pod looked at", now_s() - begin, "30.2")
    assert GPU_WAIT.tests_s - 1.0 <= now_s() - begin <= GPU_WAIT.tests_s + SCAN.tests_s + 1.0
    begin = now_s()
    cluster.create_pod("next", gpus=8)
    wait_until(cluster.nodes, "a node for the next pod", 15.0)
    measured(f"{name}: node for a GPU pod beside one that waits", now_s() - begin, "2.03-2.05")
    assert now_s() - begin < 2.0 * SCAN.tests_s + 1.0
    assert cluster.wait_event("next", "TriggeredScaleUp", 5.0).startswith("pod triggered scale-up: [{gpu-primary")


def test_e_n_at_its_maximum_a_group_says_so_and_empty_nodes_go(
    cluster: Cluster, start_cluster_autoscaler: Start, measured: Measured
) -> None:
    name = start_cluster_autoscaler((ONE_ZONE,), bypass=True).name
    for i in range(3):
        cluster.create_pod(f"real-{i}", gpus=8)
    said = wait_until(lambda: _not_triggered(cluster), "one pod too many to be told", 20.0)
    assert "1 max node group size reached" in said
    wait_until(lambda: sum(cluster.node_of(f"real-{i}") is not None for i in range(3)) == 2, "two bound", 30.0)
    cluster.api.delete_all("pods", cluster.namespace)
    begin = now_s()
    cluster.wait_no_nodes(40.0)
    measured(f"{name}: empty nodes gone", now_s() - begin, "10.3")
    assert UNNEEDED.tests_s <= now_s() - begin <= UNNEEDED.tests_s + 2.0 * SCAN.tests_s + 2.0


def _not_triggered(cluster: Cluster) -> str:
    found = cluster.api.list("events", cluster.namespace, fieldSelector="reason=NotTriggerScaleUp")
    return " ".join(event["message"] for event in found)


def test_k_a_node_whose_gpus_are_late_is_waited_for(cluster: Cluster, start_cluster_autoscaler: Start) -> None:
    start_cluster_autoscaler((Pool("gpu-primary", zones=("zone-a",), stages=Stages(boot_s=1, gpu_s=6)),), bypass=True)
    cluster.create_pod("real", gpus=8)
    cluster.wait_bound("real", 30.0)
    assert len(cluster.nodes()) == 1


def test_l_without_the_gpu_label_one_pod_buys_many_nodes(cluster: Cluster, start_cluster_autoscaler: Start) -> None:
    stages = Stages(boot_s=1, gpu_s=8)
    pool = Pool("gpu-primary", zones=("zone-a",), stages=stages, has_gpu_label=False)
    start_cluster_autoscaler((pool,), bypass=True)
    cluster.create_pod("real", gpus=8)
    wait_until(lambda: len(cluster.nodes()) >= 3, "three nodes for one pod", 30.0)


def test_m_a_refused_node_sends_its_group_into_back_off(
    cluster: Cluster, start_cluster_autoscaler: Start, faults: Faults
) -> None:
    start_cluster_autoscaler((ONE_ZONE,), bypass=True)
    faults.stock_out(ONE_ZONE)
    cluster.create_pod("real", gpus=8)
    assert "1 in backoff after failed scale-up" in cluster.wait_event("real", "NotTriggerScaleUp", 20.0)
    growth = status(cluster, ONE_ZONE.group("zone-a"))["scaleUp"]
    assert growth["status"] == "Backoff"
    assert growth["backoffInfo"]["errorCode"] == "cloudProviderError"
    assert "InsufficientCapacity" in growth["backoffInfo"]["errorMessage"]
    assert "InsufficientCapacity" in cluster.wait_event("cluster-autoscaler-status", "FailedToScaleUpGroup", 5.0)


def test_r_s_t_half_empty_nodes_are_merged_only_where_pods_may_move(
    cluster: Cluster, start_cluster_autoscaler: Start, measured: Measured
) -> None:
    """Rows s and t, and r on the second zone: placeholders that are not safe to evict keep both nodes."""
    pool = Pool("gpu-primary", zones=("zone-a", "zone-b"), most_nodes=2, stages=Stages(boot_s=0))
    nodes = {zone: cluster.add_nodes(pool, zone, 2) for zone in pool.zones}
    for node in (*nodes["zone-a"], *nodes["zone-b"]):
        cluster.wait_gpus(node, 8, 20.0)
    low, owner = cluster.create_priority_class("placeholder", -10), cluster.create_owner("plan")
    unsafe = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "none"}
    for zone, notes in (("zone-a", {}), ("zone-b", unsafe)):
        for i, node in enumerate(nodes[zone]):  # bound as they are made, one on each node
            pinned = required(zone=zone)
            held(cluster, f"{zone}-{i}", owner, low, gpus=1, affinity=pinned, annotations=notes, nodeName=node)
    name = start_cluster_autoscaler((pool,)).name
    begin = now_s()
    wait_until(lambda: len(cluster.nodes()) == 3, "one node of zone-a to go", 40.0)
    measured(f"{name}: half-empty node merged", now_s() - begin, "12.0")
    [left] = [pod["metadata"]["name"] for pod in cluster.pods() if pod["metadata"]["name"].startswith("zone-a")]
    cluster.api.delete("pods", left, cluster.namespace)  # its node was found unremovable while it was needed
    stays(lambda: len(cluster.nodes()) == 3, "three nodes left", UNNEEDED.tests_s + SCAN.tests_s + 1.0)


def test_i_a_node_that_somebody_deletes_is_not_replaced(
    cluster: Cluster, start_cluster_autoscaler: Start, faults: Faults
) -> None:
    start_cluster_autoscaler((PRIMARY,), bypass=True)
    cluster.create_pod("real", gpus=8)
    faults.lose(cluster.wait_bound("real", 30.0))
    stays(lambda: cluster.nodes() == [], "no node bought for a pod that was bound", 5.0)


def test_a_supplied_binary_that_does_not_run_is_an_error(
    cluster: Cluster, start_cluster_autoscaler: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RIG_CLUSTER_AUTOSCALER", str(tmp_path / "absent"))
    with pytest.raises(AssertionError, match="absent: no executable file"):
        start_cluster_autoscaler((PRIMARY,))
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho flag provided but not defined; exit 2\n")
    broken.chmod(0o755)
    monkeypatch.setenv("RIG_CLUSTER_AUTOSCALER", str(broken))
    with pytest.raises(Died, match=r"ended by itself with 2(.|\n)*flag provided but not defined"):
        start_cluster_autoscaler((PRIMARY,))
