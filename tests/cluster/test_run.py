"""The controller as a process on the real control plane: leadership, a Prometheus that goes away, an end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.controllers import LEASE_S, TICK_S, Controller, Site
from tests.cluster.exporter import Exporter
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import Stages

Measured = Callable[[str, float, str], None]
Start = Callable[[str], Controller]
WRITTEN = ("configmaps", "pods", PLANS)
KNOWN_S = 40.0
"""From the first scrape to a demand that counts: the rate's window, and what comes back is recovering at first."""


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, tmp_path: Path) -> Site:
    """A Deployment without replicas, 8 GPUs each, and a policy that acts for it."""
    stages = Stages(image_s=2, weights_s=2)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8, stages=stages))
    found = Site(cluster, tmp_path, (PRIMARY, BURST), prometheus.url)
    found.write("chat")
    return found


@pytest.fixture
def start(site: Site) -> Iterator[Start]:
    """Starts a controller; it is stopped at the end of the test."""
    with ExitStack() as stack:

        def begin(identity: str) -> Controller:
            controller = Controller(site, identity)
            stack.callback(controller.program.stop)
            controller.start()
            return controller

        yield begin


def replicas(site: Site) -> int:
    found = site.cluster.api.get(DEPLOYMENTS, "chat", site.cluster.namespace)
    return int(found["spec"]["replicas"])


def placeholders(site: Site) -> int:
    return len(site.cluster.api.list("pods", site.house))


def test_two_controllers_one_acts_and_the_other_takes_over(
    site: Site, start: Start, exporter: Exporter, measured: Measured
) -> None:
    exporter.rate("requests_total", 0.0, model="chat")
    first = start("first")
    wait_until(lambda: first.leads, "the first to lead", 30.0)
    second = start("second")
    stays(lambda: first.leads and not second.leads, "the lead of the first", 3 * TICK_S)
    os.kill(first.program.pid, signal.SIGTERM)
    begin = now_s()
    wait_until(lambda: second.leads, "the second to lead after a graceful end", 30.0)
    measured("run: takeover after SIGTERM, tick 1 s, lease 6 s", now_s() - begin, "none")
    wait_until(lambda: not first.program.running, "the first to end", 30.0)
    assert first.program.exit_code == 0
    assert first.log("stopped")
    third = start("third")
    second.program.stop(kill=True)
    begin = now_s()
    wait_until(lambda: third.leads, "the third to lead after a crash", 60.0)
    took_s = now_s() - begin
    measured("run: takeover after a crash, tick 1 s, lease 6 s", took_s, "none")
    assert took_s < 2 * LEASE_S + 5.0


def test_without_prometheus_the_floor_never_falls(
    site: Site, start: Start, exporter: Exporter, prometheus: Prometheus
) -> None:
    exporter.rate("requests_total", 10.0, model="chat")
    controller = start("one")
    wait_until(lambda: replicas(site) >= 3, "the floor to follow demand", KNOWN_S)
    peak = replicas(site)
    prometheus.program.stop()
    lowest = [peak]

    def stands() -> bool:
        lowest.append(replicas(site))
        return lowest[-1] >= peak

    stays(stands, "the floor", 25.0)
    assert controller.metric("signal_state", policy="chat", signal="arrivals", state="missing") == 1.0
    assert controller.get("/healthz")[0] == 200
    exporter.rate("requests_total", 10.0, model="chat")
    prometheus.start()
    known = {"policy": "chat", "signal": "arrivals", "state": "value"}
    wait_until(lambda: controller.metric("signal_state", **known) == 1.0, "arrivals to be known", 60.0, 0.2)
    assert min(lowest) >= peak
    assert replicas(site) >= peak
    site.cluster.wait_event("chat", "DemandUnknown", 10.0)


def test_observe_touches_nothing_and_a_new_mode_is_in_force_at_once(
    site: Site, start: Start, exporter: Exporter, measured: Measured
) -> None:
    site.write("chat", mode="observe")
    exporter.rate("requests_total", 10.0, model="chat")
    controller = start("one")
    wanted = {"policy": "chat"}
    wait_until(lambda: (controller.metric("planned_floor_replicas", **wanted) or 0.0) >= 3.0, "a plan", KNOWN_S, 0.2)
    assert (replicas(site), placeholders(site)) == (0, 0)
    site.write("chat", mode="act")
    begin = now_s()
    wait_until(lambda: replicas(site) >= 3, "the floor to be raised", 20.0)
    measured("run: from a changed file to a raised floor, tick 1 s", now_s() - begin, "none")


def test_plan_says_what_it_would_do_and_writes_nothing(
    site: Site, exporter: Exporter, prometheus: Prometheus
) -> None:  # fmt: skip
    exporter.rate("requests_total", 10.0, model="chat")
    prometheus.wait_for("sum(rate(requests_total[10s])) > 9", KNOWN_S)
    before = [site.cluster.api.list(kind, site.house) for kind in WRITTEN]
    environment = {"PATH": os.environ["PATH"], **site.environment("plan", 0)}
    done = [
        subprocess.run(
            [sys.executable, "-m", "autoscaler", "plan", *options],
            cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True,
        )
        for options in (["--format", "json"], [])
    ]  # fmt: skip
    assert [one.returncode for one in done] == [0, 0], done[0].stderr + done[1].stdout
    found = json.loads(done[0].stdout)
    (row,) = found["policies"]
    assert row["demand"] == pytest.approx(2.5, rel=0.2)
    assert row["planned"] >= 3
    assert f"ask for at least {row['planned']} replicas of chat" in [one["action"] for one in found["actions"]]
    assert "would ask for at least" in done[1].stdout
    assert [site.cluster.api.list(kind, site.house) for kind in WRITTEN] == before
    assert site.cluster.api.list("coordination.k8s.io/v1/leases", site.house) == []
    assert replicas(site) == 0
