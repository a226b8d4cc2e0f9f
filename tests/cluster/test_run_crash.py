"""Controllers that are killed in the middle of a scale-up, and policies that are taken away: nothing twice, nothing
left, and nobody loses a replica meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.clock import epoch_s, now_s, read_stamp, stays, wait_until
from tests.cluster.cluster import PLANS, Cluster
from tests.cluster.controllers import TICK_S
from tests.cluster.exporter import Exporter
from tests.cluster.karpenter import Karpenter
from tests.cluster.limited_site import LimitedSite, Start, schedule, see, starting
from tests.cluster.live import DEPLOYMENTS, deployment
from tests.cluster.pools import PRIMARY
from tests.cluster.prometheus import Prometheus
from tests.cluster.stages import Stages
from tests.cluster.watch import Watch

Measured = Callable[[str, float, str], None]
WANTED = 3
SOON_S, GONE_S = 40.0, 90.0


@pytest.fixture
def site(cluster: Cluster, prometheus: Prometheus, exporter: Exporter, tmp_path: Path) -> LimitedSite:
    """A Deployment of one replica, 8 GPUs each, and no demand."""
    stages = Stages(image_s=3, weights_s=5)
    cluster.create(DEPLOYMENTS, deployment("chat", cluster.namespace, 1, gpus=8, stages=stages))
    exporter.rate("requests_total", 0.0, model="chat")
    return LimitedSite(cluster, tmp_path, (PRIMARY,), prometheus.url)


@pytest.fixture
def start(site: LimitedSite) -> Iterator[Start]:
    with starting(site) as begin:
        yield begin


def test_killed_twice_in_the_middle_of_a_scale_up_nothing_is_doubled(
    site: LimitedSite, start: Start, start_karpenter: Callable[..., Karpenter], measured: Measured
) -> None:
    _, text = schedule("launch", 45.0, WANTED)
    site.write("chat", schedules=text)
    karpenter = start_karpenter((PRIMARY,))
    api, space = site.cluster.api, site.cluster.namespace
    api.patch(DEPLOYMENTS, "chat", {"spec": {"replicas": 0}}, space)
    with Watch(api, DEPLOYMENTS, space) as floors, Watch(api, "pods", site.house) as held, Watch(api, "nodes") as nodes:
        first = start("one")
        wait_until(lambda: see(site).waiting > 0, "placeholders to wait for nodes", SOON_S)
        first.program.stop(kill=True)
        second = start("two")
        wait_until(lambda: second.leads, "the second to lead", SOON_S)
        wait_until(lambda: see(site).asked > see(site).ready, "replicas to start", SOON_S)
        second.program.stop(kill=True)
        begin = now_s()
        third = start("three")
        wait_until(lambda: third.leads, "the third to lead", SOON_S)
        measured("run: killed in the middle of a scale-up, the next one leads after", now_s() - begin, "none")
        wait_until(lambda: see(site).ready == WANTED, "all replicas to be ready", 60.0)
        stays(lambda: see(site).ready == WANTED and not see(site).placeholders, "what was wanted", 5 * TICK_S)
    asked = [one.object["spec"]["replicas"] for one in floors.seen]
    assert asked == sorted(asked)
    assert max(asked) == WANTED
    assert len({one.object["metadata"]["uid"] for one in held.seen}) <= WANTED
    assert len({one.name for one in nodes.seen}) == len(karpenter.claims()) == WANTED


def test_killed_without_a_successor_the_room_goes_with_its_plan(
    site: LimitedSite, start: Start, measured: Measured
) -> None:
    _, text = schedule("launch", 25.0, WANTED)
    site.write("chat", schedules=text)
    controller = start("one")
    wait_until(lambda: see(site).waiting > 0, "placeholders", SOON_S)
    controller.program.stop(kill=True)
    for pod in site.cluster.api.list("pods", site.house):
        expires_s = read_stamp(pod["metadata"]["annotations"]["gpu-autoscaler.io/expires"])
        assert 0.0 < expires_s - epoch_s() < 7 * 3600.0, "whoever comes next sweeps it then"
    begin = now_s()
    site.cluster.api.delete(PLANS, "chat", site.house)
    wait_until(lambda: not see(site).placeholders, "the garbage collector", GONE_S)
    measured("run: killed, plan deleted by hand, placeholders gone", now_s() - begin, "none")


def test_a_policy_that_is_taken_away_leaves_nothing(site: LimitedSite, start: Start, measured: Measured) -> None:
    """Two replicas more by a schedule, and room for two others by one that is near; the one before stays."""
    _, now = schedule("now", -5.0, WANTED)
    site.write("chat", schedules=now)
    start("one")
    wait_until(lambda: see(site).asked == WANTED, "the floor of the schedule", SOON_S)
    _, near = schedule("near", 28.0, WANTED + 2)
    site.write("chat", schedules=f"{now}, {near}")
    wait_until(lambda: see(site).waiting == 2, "room for the next one", SOON_S)
    (site.policies / "chat.yaml").unlink()
    begin = epoch_s()
    wait_until(lambda: see(site).asked == 1, "the floor of before", SOON_S)
    measured("run: policy taken away, floor given back", epoch_s() - begin, "none")
    wait_until(lambda: not see(site).placeholders, "the placeholders to go", SOON_S)
    measured("run: policy taken away, placeholders gone", epoch_s() - begin, "none")
    wait_until(lambda: site.cluster.api.list(PLANS, site.house) == [], "the plan to go", SOON_S)
    stays(lambda: see(site).asked == 1 and not see(site).placeholders, "nothing of it", 5 * TICK_S)
