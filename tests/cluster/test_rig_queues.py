"""Kueue: what a Job looks like from outside while it waits, and what lets it go."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.cluster.api import Json
from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.kueue import (
    CHECKS,
    CLUSTER_QUEUES,
    FLAVORS,
    JOBS,
    LOCAL_QUEUES,
    WORKLOADS,
    admission_check,
    cluster_queue,
    flavor,
    local_queue,
    queued_job,
    set_active,
    set_ready,
)
from tests.cluster.objects import condition, is_true
from tests.cluster.pools import GPU, POOL_LABEL

Measured = Callable[[str, float, str], None]
SOON_S = 60.0
pytestmark = pytest.mark.usefixtures("kueue")


def open_queue(cluster: Cluster, gpus: int, checks: Sequence[str] = ()) -> None:
    """The LocalQueue `main`, with a ClusterQueue of the name of the namespace."""
    cluster.create(FLAVORS, flavor("h100", **{POOL_LABEL: "gpu-primary"}))
    cluster.create(CLUSTER_QUEUES, cluster_queue(cluster.namespace, "h100", gpus, checks))
    cluster.create(LOCAL_QUEUES, local_queue("main", cluster.namespace, cluster.namespace))

    def active() -> bool:
        return is_true(cluster.api.get(CLUSTER_QUEUES, cluster.namespace), "Active")

    wait_until(active, "the queue to be open", SOON_S)


def wait_workload(cluster: Cluster, *conditions: str) -> Json:
    """The only Workload, once it has all these conditions."""

    def look() -> Json | None:
        found = cluster.api.list(WORKLOADS, cluster.namespace)
        return next((one for one in found if all(is_true(one, kind) for kind in conditions)), None)

    return wait_until(look, f"a Workload with {conditions}", SOON_S)


def wait_pods(cluster: Cluster, count: int) -> None:
    wait_until(lambda: len(cluster.pods()) == count, f"{count} pods", SOON_S)


def test_a_job_without_quota_shows_its_shape_and_has_no_pod(cluster: Cluster, measured: Measured) -> None:
    open_queue(cluster, gpus=8)
    begin = now_s()
    cluster.create(JOBS, queued_job("train", cluster.namespace, "main", pods=3))
    seen = wait_workload(cluster)
    measured("Kueue: a Job's Workload is there", now_s() - begin, "0.1-0.2")
    [pods] = seen["spec"]["podSets"]
    [container] = pods["template"]["spec"]["containers"]
    assert (pods["count"], container["resources"]["requests"][GPU]) == (3, "8")
    assert cluster.api.get(JOBS, "train", cluster.namespace)["spec"]["suspend"]

    def why() -> str:
        [found] = cluster.api.list(WORKLOADS, cluster.namespace)
        return str(condition(found, "QuotaReserved").get("message", ""))

    wait_until(lambda: "insufficient quota for nvidia.com/gpu" in why(), "the reason to be told", SOON_S)
    stays(lambda: cluster.pods() == [], "no pod of a Job without quota", 2.0)

    begin = now_s()
    body = cluster_queue(cluster.namespace, "h100", 24)
    cluster.api.patch(CLUSTER_QUEUES, cluster.namespace, {"spec": body["spec"]})
    wait_pods(cluster, 3)
    measured("Kueue: pods once there is quota", now_s() - begin, "1.1")
    assert cluster.pods()[0]["spec"]["nodeSelector"] == {POOL_LABEL: "gpu-primary"}


def test_a_check_holds_a_job_that_has_quota_until_it_is_ready(cluster: Cluster, measured: Measured) -> None:
    cluster.create(CHECKS, admission_check("nodes", "rig.test/nodes"))
    set_active(cluster.api, "nodes")
    open_queue(cluster, 16, ["nodes"])
    cluster.create(JOBS, queued_job("train", cluster.namespace, "main", pods=2))
    seen = wait_workload(cluster, "QuotaReserved")

    def held() -> bool:
        checks = wait_workload(cluster, "QuotaReserved")["status"].get("admissionChecks", [])
        return [(check["name"], check["state"]) for check in checks] == [("nodes", "Pending")]

    wait_until(held, "the check to be pending", SOON_S)
    stays(lambda: cluster.pods() == [], "no pod of a Job that is held", 2.0)
    begin = now_s()
    set_ready(cluster.api, seen, "nodes")
    wait_pods(cluster, 2)
    measured("Kueue: pods once the check is Ready", now_s() - begin, "0.1")
    assert is_true(wait_workload(cluster, "Admitted"), "Admitted")


def test_a_job_of_no_queue_goes_at_once(cluster: Cluster) -> None:
    cluster.create(JOBS, queued_job("train", cluster.namespace, ""))
    wait_pods(cluster, 1)
    assert cluster.api.list(WORKLOADS, cluster.namespace) == []
