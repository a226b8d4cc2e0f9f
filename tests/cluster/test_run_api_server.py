"""The API server killed and started again under a running controller: it says so, waits, and goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import ControlPlane, Programs
from tests.cluster.controllers import TICK_S
from tests.cluster.exporter import Exporter
from tests.cluster.limited_site import LimitedSite, Start, schedule, see, starting
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import PRIMARY
from tests.cluster.prometheus import Prometheus

WANTED, STOOD = 3, 2
DOWN_S, SOON_S = 4.0, 60.0


@pytest.fixture(scope="module")
def cluster(built: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """On a control plane of its own: the controllers of a shared one need half a minute to come back."""
    plane = ControlPlane(built, tmp_path_factory.mktemp("restarted"))
    try:
        plane.start()
        yield Cluster(plane, "restarted")
    finally:
        plane.stop()


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path) -> LimitedSite:
    """No node autoscaler: placeholders wait until the floor of the schedule takes over."""
    exporter.rate("requests_total", 0.0, model="chat")
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 0, gpus=8))
    return LimitedSite(cluster, tmp_path, (PRIMARY,), prometheus.url)


@pytest.fixture
def start(site: LimitedSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def test_it_waits_for_the_api_server_and_goes_on(
    site: LimitedSite, start: Start, measured: Callable[[str, float, str], None]
) -> None:
    _, now = schedule("now", -5.0, STOOD)
    _, near = schedule("near", 28.0, WANTED)
    site.write("chat", schedules=now)
    controller = start("one")
    wait_until(lambda: see(site).asked == STOOD, "the floor of now", SOON_S)
    site.write("chat", schedules=f"{now}, {near}")
    wait_until(lambda: see(site).waiting == WANTED - STOOD, "room for the next one", SOON_S)
    held = [pod["metadata"]["uid"] for pod in site.cluster.api.list("pods", site.house)]

    program = site.cluster.control_plane.programs["kube-apiserver"]
    program.stop(kill=True)
    stays(lambda: controller.get("/healthz")[0] == 200, "the controller", DOWN_S)
    program.start()
    site.cluster.control_plane.wait_ready()
    begin = now_s()
    assert see(site).asked == STOOD
    assert [pod["metadata"]["uid"] for pod in site.cluster.api.list("pods", site.house)] == held
    wait_until(lambda: controller.leads, "it to lead again", SOON_S)
    wait_until(lambda: see(site).asked == WANTED, "the floor of the next one", SOON_S)
    measured("run: API server killed, the floor moves again after it is ready", now_s() - begin, "none")
    wait_until(lambda: not see(site).placeholders, "room that is no longer needed to go", SOON_S)
    stays(lambda: see(site).asked == WANTED and not see(site).placeholders, "what is wanted", 5 * TICK_S)
    told = " ".join(line["problem"] for line in controller.log("problem"))
    assert "check that the API server runs and is reachable" in told
    assert not controller.log("tick failed")
