"""The whole controller over an HPA: its floor raised and shown, kept through a kill, and given back at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.clock import epoch_s, now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.controllers import TICK_S
from tests.cluster.exporter import Exporter
from tests.cluster.external_metrics import HPAS, ExternalMetrics, hpa
from tests.cluster.limited_site import LimitedSite, Start, condition, schedule, see, starting
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import PRIMARY
from tests.cluster.prometheus import Prometheus

Measured = Callable[[str, float, str], None]
USERS, MOST, WANTED = 2, 4, 3
SOON_S = 40.0


@pytest.fixture
def site(
    cluster: Cluster, prometheus: Prometheus, exporter: Exporter, external_metrics: ExternalMetrics, tmp_path: Path
) -> LimitedSite:
    """Two replicas by an HPA of two to four, of which the metric asks for one; no demand that we see."""
    external_metrics.set("waiting", 10.0)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, USERS))
    cluster.create(HPAS, hpa("chat", cluster.namespace, USERS, MOST, "waiting"))
    exporter.rate("requests_total", 0.0, model="chat")
    return LimitedSite(cluster, tmp_path, (PRIMARY,), prometheus.url)


@pytest.fixture
def start(site: LimitedSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def least(site: LimitedSite) -> int:
    return int(site.cluster.api.get(HPAS, "chat", site.cluster.namespace)["spec"]["minReplicas"])


def test_an_hpa_gets_a_floor_and_has_its_own_again(site: LimitedSite, start: Start, measured: Measured) -> None:
    site.write("chat")
    first = start("one")
    wait_until(lambda: condition(site, "FloorFollowed")[1] == "Followed", "the owner to be shown", SOON_S)
    stays(lambda: least(site) == USERS, "the user's own minimum, below which we do not go", 3 * TICK_S)
    _, now = schedule("now", -5.0, WANTED)
    begin = now_s()
    site.write("chat", schedules=now)
    wait_until(lambda: least(site) == WANTED and see(site).asked == WANTED, "the HPA to follow", SOON_S)
    measured("run: schedule written, HPA and replicas follow", now_s() - begin, "none")
    _, more = schedule("more", -5.0, MOST + 2)
    site.write("chat", schedules=more)
    wait_until(lambda: condition(site, "FloorFollowed")[1] == "OwnerMaximum", "the maximum to be told", SOON_S)
    assert least(site) == MOST
    first.program.stop(kill=True)
    second = start("two")
    wait_until(lambda: second.leads, "the second to lead", SOON_S)
    (site.policies / "chat.yaml").unlink()
    begin = epoch_s()
    wait_until(lambda: least(site) == USERS, "the user's own minimum", SOON_S)
    measured("run: killed, policy taken away, minReplicas given back", epoch_s() - begin, "none")
    stays(lambda: least(site) == USERS, "nothing of ours", 5 * TICK_S)


def test_what_a_person_writes_under_us_is_left_alone_and_said(site: LimitedSite, start: Start) -> None:
    _, now = schedule("now", -5.0, WANTED)
    site.write("chat", schedules=now)
    start("one")
    wait_until(lambda: least(site) == WANTED, "the floor", SOON_S)
    site.cluster.api.patch(HPAS, "chat", {"spec": {"minReplicas": 1}}, site.cluster.namespace)
    said = wait_until(lambda: condition(site, "Ready") if condition(site, "Ready")[1] == "NotDone" else None,
                      "it to be said", SOON_S)  # fmt: skip
    assert "spec.minReplicas was set to 1 by" in said[2]
    assert "left alone for 300 s" in said[2]
    wait_until(lambda: see(site).waiting == WANTED - 1, "placeholders for what cannot be asked for", SOON_S)
    stays(lambda: least(site) == 1, "what the person wrote", 5 * TICK_S)
