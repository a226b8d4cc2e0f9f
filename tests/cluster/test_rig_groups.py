"""LeaderWorkerSet: groups come, go and are renewed whole, but are placed pod by pod."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.api import Json
from tests.cluster.clock import now_s, stays, wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.lws import GROUP_INDEX, GROUP_SETS, NAME, WORKER_INDEX, group_set, wait_ready
from tests.cluster.pools import PRIMARY, Pool
from tests.cluster.processes import Program
from tests.cluster.stages import Stages

Measured = Callable[[str, float, str], None]
SOON_S = 60.0
READY = Pool("gpu-primary", stages=Stages(boot_s=0))
pytestmark = pytest.mark.usefixtures("lws")


def groups(cluster: Cluster) -> dict[str, list[Json]]:
    """Pods by group."""
    found: dict[str, list[Json]] = {}
    for pod in cluster.pods(labelSelector=NAME):
        found.setdefault(pod["metadata"]["labels"][GROUP_INDEX], []).append(pod)
    return found


def wait_groups(cluster: Cluster, count: int, size: int) -> float:
    """Seconds until there are so many groups, all whole and bound."""
    begin = now_s()

    def look() -> bool:
        found = groups(cluster)
        whole = all(len(pods) == size and all(pod["spec"].get("nodeName") for pod in pods) for pods in found.values())
        return len(found) == count and whole

    wait_until(look, f"{count} groups of {size}", SOON_S)
    return now_s() - begin


def scale(cluster: Cluster, replicas: int) -> None:
    cluster.api.patch(GROUP_SETS, "g", {"spec": {"replicas": replicas}}, cluster.namespace, subresource="scale")


def test_groups_follow_the_scale_whole(cluster: Cluster, measured: Measured) -> None:
    cluster.add_nodes(READY, "zone-a", 8)
    cluster.create(GROUP_SETS, group_set("g", cluster.namespace, 1, 2))
    measured("LWS: a group of two is there", wait_groups(cluster, 1, 2), "0.6")
    scale(cluster, 4)
    measured("LWS: 1 to 4 groups", wait_groups(cluster, 4, 2), "0.45")
    scale(cluster, 2)
    measured("LWS: 4 to 2 groups", wait_groups(cluster, 2, 2), "0.30")
    found = cluster.api.get(GROUP_SETS, "g", cluster.namespace, "scale")
    selected = cluster.pods(labelSelector=found["status"]["selector"])
    assert {pod["metadata"]["labels"][WORKER_INDEX] for pod in selected} == {"0"}
    assert len(selected) == 2
    assert len(cluster.pods()) == 4


def test_a_lost_worker_takes_its_group_along(cluster: Cluster, measured: Measured) -> None:
    cluster.add_nodes(READY, "zone-a", 2)
    cluster.create(GROUP_SETS, group_set("g", cluster.namespace, 1, 2))
    wait_groups(cluster, 1, 2)
    before = {pod["metadata"]["uid"] for pod in cluster.pods()}
    begin = now_s()
    cluster.api.delete("pods", "g-0-1", cluster.namespace, {})

    def renewed() -> bool:
        pods = cluster.pods()
        return len(pods) == 2 and not before & {pod["metadata"]["uid"] for pod in pods}

    wait_until(renewed, "both pods of the group to be new", SOON_S)
    measured("LWS: a group renewed after a pod of it was lost", now_s() - begin, "0.6")


def test_half_a_group_holds_its_gpus(cluster: Cluster) -> None:
    cluster.add_nodes(READY, "zone-a", 3)
    cluster.create(GROUP_SETS, group_set("g", cluster.namespace, 2, 2))

    def bound() -> dict[str, list[str]]:
        return {
            group: [pod["metadata"]["name"] for pod in pods if pod["spec"].get("nodeName")]
            for group, pods in groups(cluster).items()
        }

    def half() -> bool:
        return sorted(len(names) for names in bound().values()) == [1, 2]

    wait_until(half, "one and a half groups to be bound", SOON_S)
    stays(half, "half a group on its node", 3.0)


def test_pods_of_others_are_made_while_it_is_dead(cluster: Cluster, lws: Program) -> None:
    lws.stop(kill=True)
    try:
        cluster.add_nodes(PRIMARY, "zone-a")
        cluster.create_pod("real")
    finally:
        lws.start()
        wait_ready(cluster.api, lws)
