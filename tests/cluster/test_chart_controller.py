"""The controller with the chart's settings and permissions: all of its work, and nothing that it is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster.clock import epoch_s, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.controllers import Controller
from tests.cluster.exporter import Exporter
from tests.cluster.helm import ROOT, Helm
from tests.cluster.installed import PLACEHOLDER_LABELS, RELEASE, InstalledSite
from tests.cluster.karpenter import Karpenter
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.manifests import everything
from tests.cluster.pools import BURST, PRIMARY
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import Stages

PLANS = "gpu-autoscaler.io/v1alpha1/capacityplans"
SOON_S = 60.0
"""For what the controller does within some ticks."""
AHEAD_S = 50.0
"""More than a node and a replica take."""


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, tmp_path: Path, helm: Helm) -> InstalledSite:
    stages = Stages(image_s=2, weights_s=2)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8, stages=stages))
    return InstalledSite(cluster, tmp_path, (PRIMARY, BURST), prometheus.url, helm)


@pytest.fixture
def controller(site: InstalledSite) -> Iterator[Controller]:
    with ExitStack() as stack:
        found = Controller(site, "installed")
        stack.callback(found.program.stop)
        site.write("chat")
        found.start()
        yield found


def launch(at_s: float) -> str:
    """A schedule that asks for two replicas for an hour."""
    begin, end = (datetime.fromtimestamp(int(s), UTC).strftime("%Y-%m-%dT%H:%M:%S") for s in (at_s, at_s + 3600.0))
    return f"{{name: launch, from: {begin}, until: {end}, timezone: UTC, atLeast: {{replicas: 2}}}}"


def replicas(site: InstalledSite) -> int:
    return int(site.cluster.api.get(DEPLOYMENTS, "chat", site.cluster.namespace)["spec"]["replicas"])


def placeholders(site: InstalledSite) -> list[dict[str, object]]:
    found = site.cluster.api.list("pods", site.house, labelSelector="gpu-autoscaler.io/role=placeholder")
    return [pod["metadata"]["labels"] for pod in found]


def run(site: InstalledSite, name: str, command: list[str]) -> str:
    """What a command says with the settings and the ServiceAccount of the release."""
    environment = site.environment(name, 0) | {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    assert done.returncode == 0, (name, done.stdout, done.stderr)
    return done.stdout


def leaves(site: InstalledSite, controller: Controller) -> None:
    """What `helm uninstall` does first, while the controller runs."""
    release = [sys.executable, "-m", "autoscaler", "release", "--format", "json"]
    would = json.loads(run(site, "release", release))
    assert would["floors"] == [f"chat: Deployment {site.cluster.namespace}/chat to 0 replicas"]
    assert (would["plans"], would["problems"]) == (["chat"], [])
    assert replicas(site) >= 2
    for name, command in site.hooks("pre-delete").items():
        run(site, name, command)
    assert replicas(site) == 0
    assert placeholders(site) == []
    api = site.cluster.api
    for kind in (PLANS, "configmaps"):
        names = [one["metadata"]["name"] for one in api.list(kind, site.house)]
        assert [name for name in names if name == "chat" or name.startswith("record-")] == []
    wait_until(lambda: not controller.leads, "the controller to stand back", SOON_S)


def test_the_chart_permits_all_that_the_controller_does_and_nothing_is_left(
    site: InstalledSite, request: pytest.FixtureRequest, exporter: Exporter,
    start_karpenter: Callable[..., Karpenter],
) -> None:  # fmt: skip
    api = site.cluster.api
    installed = everything(api)
    start_karpenter((PRIMARY, BURST))
    exporter.rate("requests_total", 0.0, model="chat")
    controller: Controller = request.getfixturevalue("controller")
    wait_until(lambda: controller.leads, "the controller to lead", SOON_S)
    site.write("chat", schedules=launch(epoch_s() + AHEAD_S))
    found = wait_until(lambda: placeholders(site), "a placeholder", AHEAD_S + SOON_S)
    assert all(PLACEHOLDER_LABELS.items() <= labels.items() for labels in found)
    wait_until(lambda: replicas(site) >= 2, "the floor to be raised", AHEAD_S + SOON_S)
    site.cluster.wait_event("chat", "FloorMoved", SOON_S)
    wait_until(lambda: api.get(PLANS, "chat", site.house).get("status"), "the plan to show", SOON_S)
    for name, command in site.hooks("test").items():
        run(site, name, [part.replace(f"http://{RELEASE}:8080", controller.url) for part in command])
    leaves(site, controller)
    controller.program.stop()
    assert controller.log("stopped")
    asked = site.cluster.control_plane.audit.asked(site.house)
    assert {one.verb for one in asked} == {"get", "list", "watch", "create", "update", "patch", "delete"}
    assert [one for one in asked if not one.allowed] == []
    site.helm.uninstall(site.house)
    assert api.list("coordination.k8s.io/v1/leases", site.house) == []
    mine = {key for key in everything(api) - installed if key[1] == site.house and not key[0].startswith("pods")}
    assert not mine
