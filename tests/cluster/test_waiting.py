"""Work that no node autoscaler sees, through the controller: its nodes stand before it is let go, and none is bought
twice when it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import objects
from tests.cluster.api import Json
from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.limited_site import Start, starting
from tests.cluster.node_autoscaler import NodeAutoscaler
from tests.cluster.prometheus import Prometheus
from tests.cluster.queued_site import JOBS, STEADY, Measured, QueueSite, job, see, wait_seen

WITHIN_A_LOOK_S = 10.0
"""The usual time from one look of Cluster Autoscaler to the next."""
QUIET_S = 12.0
"""Longer than node autoscalers and controller take to look at what is new."""


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, tmp_path: Path) -> QueueSite:
    return QueueSite(cluster, tmp_path, prometheus.url)


@pytest.fixture
def start(site: QueueSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def test_a_gated_pod_finds_its_node(
    site: QueueSite, start: Start, start_node_autoscaler: Callable[..., NodeAutoscaler], measured: Measured
) -> None:
    autoscaler = start_node_autoscaler((STEADY,))
    site.write_queue()
    start("one")
    cluster = site.cluster
    begin = now_s()
    cluster.create_pod("train", gpus=8, schedulingGates=[{"name": "example.com/data"}])
    wait_seen(site, lambda now: now.held == 1, "room for the pod")
    measured(f"{autoscaler.name}: gated pod, its node stands while it waits", now_s() - begin, "3.0-3.6 and 7.0")
    assert cluster.node_of("train") is None
    begin = now_s()
    cluster.api.patch("pods", "train", {"spec": {"schedulingGates": None}}, cluster.namespace)
    cluster.wait_bound("train", 30.0)
    measured(f"{autoscaler.name}: gate gone, bound", now_s() - begin, "0.03-0.24")
    wait_seen(site, lambda now: now.held + now.waiting == 0, "nothing to be held any more")
    stays(lambda: see(site).nodes == 1 and not see(site).held + see(site).waiting, "one node", QUIET_S)


def test_a_suspended_job_finds_all_its_nodes(
    site: QueueSite, start: Start, start_node_autoscaler: Callable[..., NodeAutoscaler], measured: Measured
) -> None:
    autoscaler = start_node_autoscaler((STEADY,))
    site.write_queue()
    start("one")
    cluster = site.cluster
    begin = now_s()
    pod = objects.pod("train", cluster.namespace, 8, restartPolicy="Never")
    cluster.create(JOBS, job("train", cluster.namespace, pod, 2, suspend=True))
    wait_seen(site, lambda now: now.held == 2, "room for both pods")
    measured(f"{autoscaler.name}: suspended Job of 2 x 8 GPUs, its nodes stand", now_s() - begin, "3.5-4.0 and 7.7")
    assert see(site).pods == {}
    begin = now_s()
    cluster.api.patch(JOBS, "train", {"spec": {"suspend": False}}, cluster.namespace)
    wait_seen(site, lambda now: now.placed == 2, "both pods to be bound", 30.0)
    measured(f"{autoscaler.name}: Job let go, both pods bound", now_s() - begin, "0.20-0.42")
    wait_seen(site, lambda now: now.held + now.waiting == 0, "nothing to be held any more")
    assert see(site).nodes == 2
    stays(lambda: see(site).nodes <= 2, "no third node", QUIET_S)  # they go once their pods have ended


def test_work_that_is_let_go_early_is_bought_for_once(
    site: QueueSite, start: Start, start_node_autoscaler: Callable[..., NodeAutoscaler], measured: Measured
) -> None:
    """Its pods are Pending while its placeholders are: the same demand twice, until those make way, which they do
    before a node autoscaler looks again. One that looks in that very moment cannot be helped: here it is held then.
    """
    autoscaler = start_node_autoscaler((STEADY,))
    site.write_queue()
    start("one")
    cluster = site.cluster
    pod = objects.pod("train", cluster.namespace, 8, restartPolicy="Never")
    cluster.create(JOBS, job("train", cluster.namespace, pod, 2, suspend=True))
    wait_seen(site, lambda now: now.waiting == 2, "placeholders to wait for nodes")
    with autoscaler.program.paused():
        begin = now_s()
        cluster.api.patch(JOBS, "train", {"spec": {"suspend": False}}, cluster.namespace)
        wait_seen(site, lambda now: now.waiting == 0, "placeholders without a node to make way", WITHIN_A_LOOK_S)
        measured(f"{autoscaler.name}: Job let go early, its placeholders made way", now_s() - begin, "none")
    wait_seen(site, lambda now: now.placed == 2, "both pods to be bound")
    wait_seen(site, lambda now: now.held + now.waiting == 0, "nothing to be held any more")
    assert see(site).nodes == 2
    stays(lambda: see(site).nodes <= 2, "no third node", QUIET_S)  # they go once their pods have ended


def test_work_that_the_budget_holds_back_gets_nothing_and_the_rest_goes_on(
    site: QueueSite, start: Start, start_cluster_autoscaler: Callable[..., NodeAutoscaler]
) -> None:
    start_cluster_autoscaler((STEADY,), bypass=True)
    site.write_queue(gpus=16)
    cluster = site.cluster
    pod = objects.pod("large", cluster.namespace, 8, restartPolicy="Never")
    cluster.create(JOBS, job("large", cluster.namespace, pod, 3, suspend=True))
    cluster.create(JOBS, job("small", cluster.namespace, pod, 1, suspend=True))
    start("one")
    wait_seen(site, lambda now: now.held == 1, "room for the small Job")
    stays(lambda: see(site).held + see(site).waiting == 1, "nothing held for the large one", QUIET_S)
    cluster.api.delete(JOBS, "small", cluster.namespace)
    wait_seen(site, lambda now: now.held + now.waiting == 0, "nothing to be held for a Job that is gone")


def test_a_pod_that_displaces_nobody_is_given_its_place(
    site: QueueSite, start: Start, start_cluster_autoscaler: Callable[..., NodeAutoscaler]
) -> None:
    """Its priority class preempts never, so the scheduler cannot put it in the place of its placeholder."""
    start_cluster_autoscaler((STEADY,), bypass=True)
    site.write_queue()
    start("one")
    cluster = site.cluster
    polite = cluster.create_priority_class("polite", 0, "Never")
    cluster.create_pod("train", gpus=8, schedulingGates=[{"name": "example.com/data"}], priorityClassName=polite)
    wait_seen(site, lambda now: now.held == 1, "room for the pod")
    cluster.api.patch("pods", "train", {"spec": {"schedulingGates": None}}, cluster.namespace)
    cluster.wait_bound("train", 60.0)
    assert len(cluster.nodes()) <= 2  # the node autoscaler may have bought one meanwhile, as for any pod that waits


def test_a_dry_run_says_what_would_be_done_and_the_plan_what_was(site: QueueSite, start: Start) -> None:
    """No nodes come: the placeholder waits."""
    site.write_queue(gpus=8)
    cluster = site.cluster
    cluster.create_pod("train", gpus=8, schedulingGates=[{"name": "example.com/data"}])
    cluster.create_pod("large", gpus=8, schedulingGates=[{"name": "example.com/data"}])
    done = subprocess.run(
        [sys.executable, "-m", "autoscaler", "plan", "--format", "json"], cwd=Path(__file__).parents[2],
        env={"PATH": os.environ["PATH"], **site.environment("plan", 0)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert sorted(one["state"] for one in found["queued"]) == ["BudgetLimit", "NodesOnOrder"]
    assert [one["action"].partition(" of training")[2] for one in found["actions"]] == [f" in {STEADY.name}"]
    assert cluster.api.list("pods", site.house) == []
    start("one")

    def shown() -> Json | None:
        status = (cluster.api.find(PLANS, "training", site.house) or {}).get("status") or {}
        return status if status.get("placeholders") == [{"pool": STEADY.name, "bound": 0, "pending": 1}] else None

    status = wait_until(shown, "the plan to say what waits", 60.0)
    assert status["waiting"] == {"items": 2, "gpus": 16, "heldBack": 1}
    assert "budget training has less left" in status["reason"]


def test_a_controller_that_comes_back_goes_on_and_a_policy_that_goes_takes_all(
    site: QueueSite, start: Start, start_cluster_autoscaler: Callable[..., NodeAutoscaler]
) -> None:
    start_cluster_autoscaler((STEADY,), bypass=True)
    site.write_queue()
    cluster = site.cluster
    pod = objects.pod("train", cluster.namespace, 8, restartPolicy="Never")
    cluster.create(JOBS, job("train", cluster.namespace, pod, 2, suspend=True))
    one = start("one")
    wait_seen(site, lambda now: now.held == 2, "room for both pods")
    before = {one["metadata"]["uid"] for one in cluster.api.list("pods", site.house)}
    one.program.stop(kill=True)
    start("two")
    stays(lambda: see(site).held == 2, "the same room", QUIET_S)
    assert {one["metadata"]["uid"] for one in cluster.api.list("pods", site.house)} == before
    (site.policies / "training.yaml").unlink()
    wait_seen(site, lambda now: now.held + now.waiting == 0, "all to be given back")
    wait_until(lambda: cluster.api.find(PLANS, "training", site.house) is None, "its plan to go", 30.0)


def test_a_policy_that_observes_holds_nothing(
    site: QueueSite, start: Start, start_cluster_autoscaler: Callable[..., NodeAutoscaler]
) -> None:
    start_cluster_autoscaler((STEADY,), bypass=True)
    site.write_queue(mode="observe")
    cluster = site.cluster
    cluster.create_pod("train", gpus=8, schedulingGates=[{"name": "example.com/data"}])
    start("one")
    stays(lambda: not see(site).nodes and not see(site).held + see(site).waiting, "nothing", QUIET_S)
