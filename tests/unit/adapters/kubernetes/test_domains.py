"""The domain that placeholders of an exclusive group take: free of groups, known, and best one with room."""

from __future__ import annotations

from typing import Any

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.domains import free_domain
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, seen_node, seen_pod
from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.manifest import WITHIN
from autoscaler.placeholder.neighbour import GROUP_KEYS
from autoscaler.placeholder.pin import Pin
from autoscaler.placeholder.shape import Shape, shape
from tests.unit.placeholder.objects import GPU, IN_POOL, POOL, ZONE, container, node, pod

RACK = "rack"
RACKS = ("r1", "r1", "r2", "r2", "r3")
UNZONED = Pin("h100", (IN_POOL,), POOL.tolerations, (), GPU, 8)


def members(count: int = 2) -> list[Shape]:
    found = shape(pod(containers=[container(gpu="8")]), UNZONED, Surroundings())
    assert isinstance(found, Shape)
    return [found] * count


def standing(*pods: SeenPod, racks: tuple[str, ...] = RACKS) -> Standing:
    """One node of eight GPUs for each rack that is named."""
    nodes = {}
    for n, rack in enumerate(racks):
        thing = node(f"n{n}", {"pool": "h100", RACK: rack})
        thing["status"]["allocatable"] = {GPU: "8"}
        nodes[Key("", f"n{n}")] = seen_node(thing, [UNZONED])
    return Standing({Key(one.namespace, one.name): one for one in pods}, nodes)


def on(name: str, **labels: str) -> SeenPod:
    """A pod that holds all GPUs of this node."""
    thing: dict[str, Any] = pod(labels or {"app": "other"}, name, containers=[container(gpu="8")], nodeName=name)
    return seen_pod(thing, "house")


def chosen(seen: Standing, *taken: str, size: int = 2, key: str = RACK) -> str | None:
    """taken: domains of placeholders that stand, as `label=value`."""
    held = {one: {"metadata": {"annotations": {WITHIN: one}}} for one in taken}
    found = free_domain(key, members(size), UNZONED, 0, seen, held)
    assert found is None or found[0] == key
    return None if found is None else found[1]


def test_it_is_the_first_that_has_room_for_the_whole_group() -> None:
    assert chosen(standing()) == "r1"
    assert chosen(standing(on("n0"))) == "r2"


def test_where_none_has_room_it_waits_in_the_first() -> None:
    assert chosen(standing(), size=3) == "r1"


def test_it_is_none_where_a_group_stands() -> None:
    assert chosen(standing(on("n1", **{GROUP_KEYS[0]: "g"}))) == "r2"


def test_it_is_none_that_other_placeholders_took() -> None:
    assert chosen(standing(), "rack=r1") == "r2"
    assert chosen(standing(), "zone=r1") == "r1"
    assert chosen(standing(), "rack=r1", "rack=r2", "rack=r3") is None


def test_zones_of_the_pool_are_known_though_no_node_stands() -> None:
    assert chosen(standing(racks=()), key=ZONE) is None
    found = shape(pod(containers=[container(gpu="8")]), POOL, Surroundings())
    assert isinstance(found, Shape)
    assert free_domain(ZONE, [found], POOL, 0, standing(racks=()), {}) == (ZONE, "a")
