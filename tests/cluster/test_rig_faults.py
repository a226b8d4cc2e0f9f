"""Losing nodes without any node autoscaler: who takes the pods away, and when."""

from __future__ import annotations

from collections.abc import Callable

from tests.cluster.clock import now_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.faults import Faults
from tests.cluster.objects import condition, required
from tests.cluster.pools import GPU, PRIMARY, Pool
from tests.cluster.stages import Stages
from tests.cluster.watch import Watch

Measured = Callable[[str, float, str], None]
READY = Pool("gpu-primary", stages=Stages(boot_s=0))


def test_a_no_execute_taint_evicts_at_once(cluster: Cluster, faults: Faults, measured: Measured) -> None:
    [node] = cluster.add_nodes(READY, "zone-a")
    cluster.create_pod("real", gpus=8)
    cluster.wait_bound("real", 20.0)
    with Watch(cluster.api, "pods", cluster.namespace) as watch:
        begin = now_s()
        faults.evict(node)
        gone = watch.first(lambda seen: seen.change == "DELETED", "the pod to go", 10.0)
    measured("controller manager: pod gone after a NoExecute taint", gone.at_s - begin, "0.04")
    assert condition(gone.object, "DisruptionTarget")["reason"] == "DeletionByTaintManager"
    assert gone.at_s - begin < 2.0


def test_a_failed_node_loses_its_pods_when_their_patience_ends(cluster: Cluster, faults: Faults) -> None:
    cluster.add_nodes(READY, "zone-b")  # with no node alive nothing would be evicted
    [node] = cluster.add_nodes(READY, "zone-a")
    patience = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "tolerationSeconds": 2}
    tolerations = [{"key": GPU, "operator": "Exists"}, {**patience, "operator": "Exists"}]
    cluster.create_pod("real", gpus=8, affinity=required(zone="zone-a"), tolerations=tolerations)
    assert cluster.wait_bound("real", 20.0) == node
    begin = now_s()
    faults.fail(node)
    wait_until(lambda: cluster.pods() == [], "the pod to be evicted", 20.0)
    assert now_s() - begin >= 1.5


def test_a_boot_can_be_delayed_while_it_runs(cluster: Cluster, faults: Faults) -> None:
    begin = now_s()
    [node] = cluster.add_nodes(PRIMARY, "zone-a")
    faults.delay(node, Stages(boot_s=6))
    cluster.wait_gpus(node, 8, 20.0)
    assert now_s() - begin >= 5.0
