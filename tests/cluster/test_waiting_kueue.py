"""Kueue's work, through the controller: its nodes stand before there is quota, or before our check lets it go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.cluster.api import Json
from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.helm import Helm
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
)
from tests.cluster.limited_site import Start, starting
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.objects import condition, is_true
from tests.cluster.pools import GPU, POOL_LABEL
from tests.cluster.prometheus import Prometheus
from tests.cluster.queued_site import STEADY, LimitedQueueSite, Measured, QueueSite, see, wait_seen

CONTROLLER = "gpu-autoscaler.io/nodes"
CHECKED = "admissionCheck: {name: nodes}"
SOON_S, QUIET_S = 60.0, 12.0
pytestmark = pytest.mark.usefixtures("kueue")


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, helm: Helm, tmp_path: Path) -> QueueSite:
    return LimitedQueueSite(cluster, tmp_path, prometheus.url, helm)


@pytest.fixture
def start(site: QueueSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def open_queue(cluster: Cluster, gpus: int, checks: Sequence[str] = ()) -> None:
    """The LocalQueue `main`, with a ClusterQueue of the name of the namespace."""
    cluster.create(FLAVORS, flavor("h100", **{POOL_LABEL: STEADY.name}))
    cluster.create(CLUSTER_QUEUES, cluster_queue(cluster.namespace, "h100", gpus, checks))
    cluster.create(LOCAL_QUEUES, local_queue("main", cluster.namespace, cluster.namespace))


def workload(cluster: Cluster) -> Json:
    """The only one."""
    return wait_until(lambda: next(iter(cluster.api.list(WORKLOADS, cluster.namespace)), None), "a Workload", SOON_S)


def test_a_job_without_quota_finds_its_nodes(
    site: QueueSite, start: Start, start_cluster_autoscaler: Callable[..., NodeAutoscaler], measured: Measured
) -> None:
    start_cluster_autoscaler((STEADY,), bypass=True)
    cluster = site.cluster
    open_queue(cluster, gpus=0)
    site.write_queue()
    start("one")
    begin = now_s()
    cluster.create(JOBS, queued_job("train", cluster.namespace, "main", pods=2))
    wait_seen(site, lambda now: now.held == 2, "room for both pods")
    measured("Kueue: Workload without quota, its nodes stand", now_s() - begin, "3.4-3.8")
    assert not is_true(workload(cluster), "QuotaReserved")
    assert see(site).pods == {}
    begin = now_s()
    quotas = cluster.api.get(CLUSTER_QUEUES, cluster.namespace)["spec"]["resourceGroups"]
    for one in quotas[0]["flavors"][0]["resources"]:
        one["nominalQuota"] = "16" if one["name"] == GPU else one["nominalQuota"]
    cluster.api.patch(CLUSTER_QUEUES, cluster.namespace, {"spec": {"resourceGroups": quotas}})
    wait_seen(site, lambda now: now.placed == 2, "both pods to be bound")
    measured("Kueue: quota there, both pods bound", now_s() - begin, "1.2")
    wait_seen(site, lambda now: now.held + now.waiting == 0, "nothing to be held any more")
    assert see(site).nodes == 2
    stays(lambda: see(site).nodes <= 2, "no third node", QUIET_S)  # they go once their pods have ended


def test_our_check_lets_a_job_go_when_its_nodes_stand(
    site: QueueSite, start: Start, start_cluster_autoscaler: Callable[..., NodeAutoscaler], measured: Measured
) -> None:
    start_cluster_autoscaler((STEADY,), bypass=True)
    cluster = site.cluster
    cluster.create(CHECKS, admission_check("nodes", CONTROLLER))
    open_queue(cluster, gpus=16, checks=["nodes"])
    site.write_queue(more=CHECKED)
    start("one")
    wait_until(lambda: is_true(cluster.api.get(CLUSTER_QUEUES, cluster.namespace), "Active"), "an open queue", SOON_S)
    begin = now_s()
    cluster.create(JOBS, queued_job("train", cluster.namespace, "main", pods=2))
    wait_seen(site, lambda now: now.waiting + now.held == 2, "placeholders for both pods")
    first = wait_seen(site, lambda now: now.pods, "the Job to be let go")
    measured("Kueue: our check, from queued to let go, nodes included", now_s() - begin, "5.1")
    assert first.nodes == 2  # it was let go onto nodes that stood
    assert is_true(workload(cluster), "Admitted")
    wait_seen(site, lambda now: now.placed == 2, "both pods to be bound")
    measured("Kueue: our check, from queued to bound", now_s() - begin, "5.2")
    wait_seen(site, lambda now: now.held + now.waiting == 0, "nothing to be held any more")
    assert see(site).nodes == 2
    stays(lambda: see(site).nodes <= 2, "no third node", QUIET_S)  # they go once their pods have ended


def test_nodes_that_do_not_come_hold_a_job_for_so_long_and_no_longer(site: QueueSite, start: Start) -> None:
    """There is no node autoscaler."""
    cluster = site.cluster
    cluster.create(CHECKS, admission_check("nodes", CONTROLLER))
    open_queue(cluster, gpus=16, checks=["nodes"])
    site.write_queue(more="admissionCheck: {name: nodes, timeout: 8s}")
    start("one")
    cluster.create(JOBS, queued_job("train", cluster.namespace, "main", pods=2))
    wait_seen(site, lambda now: now.waiting == 2, "placeholders for both pods")
    wait_until(lambda: is_true(workload(cluster), "Admitted"), "the Job to be let go", SOON_S)
    [state] = workload(cluster)["status"]["admissionChecks"]
    assert "its nodes do not stand" in state["message"]
    wait_seen(site, lambda now: len(now.pods) == 2 and not now.waiting + now.held, "its pods alone to ask for nodes")


def test_nodes_that_do_not_come_give_the_quota_back_where_that_is_wanted(site: QueueSite, start: Start) -> None:
    """There is no node autoscaler."""
    cluster = site.cluster
    cluster.create(CHECKS, admission_check("nodes", CONTROLLER))
    open_queue(cluster, gpus=16, checks=["nodes"])
    site.write_queue(more="admissionCheck: {name: nodes, timeout: 5s, onTimeout: retry}")
    start("one")
    cluster.create(JOBS, queued_job("train", cluster.namespace, "main", pods=2))
    wait_until(lambda: is_true(workload(cluster), "QuotaReserved"), "the Job to have its quota", SOON_S)
    wait_until(lambda: is_true(workload(cluster), "Evicted"), "its quota to go back", SOON_S)
    assert condition(workload(cluster), "Evicted")["reason"] == "AdmissionCheck"
    assert see(site).pods == {}


def test_a_job_that_fits_no_pool_is_rejected_with_the_reason(site: QueueSite, start: Start) -> None:
    cluster = site.cluster
    cluster.create(CHECKS, admission_check("nodes", CONTROLLER))
    open_queue(cluster, gpus=64, checks=["nodes"])
    site.write_queue(more=CHECKED)
    start("one")
    cluster.create(JOBS, queued_job("train", cluster.namespace, "main", pods=1, gpus=16))

    def rejected() -> Json | None:
        states = (workload(cluster).get("status") or {}).get("admissionChecks") or ()
        return next((one for one in states if one["state"] == "Rejected"), None)

    state = wait_until(rejected, "the Job to be rejected", SOON_S)
    assert "a node of pool gpu-primary has 8" in state["message"]
    assert see(site).pods == {}
