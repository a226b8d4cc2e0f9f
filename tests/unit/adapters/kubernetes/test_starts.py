"""Starts from objects: which stages their times tell, whose start it was, and that a restart tells the same again."""

from __future__ import annotations

import pytest

from autoscaler.domain.lead_time import Part, StartEnd, StartPath
from tests.unit.adapters.kubernetes.start_world import CHAT, T0, Json, World, claim, node, placeholder, pod, stages


@pytest.fixture
def world() -> World:
    return World(nodes=[node()])


def test_a_placeholder_tells_of_its_node_alone(world: World) -> None:
    world.stands(placeholder(world.seats, 0, 60))
    (start,) = world.take()
    assert (start.uid, start.part, start.policy, start.pool) == ("uid-n1", Part.NODE, "chat", "h100")
    assert (start.path, start.end, start.ended_s) == (StartPath.COLD_NODE, StartEnd.COMPLETE, T0 + 60)
    assert stages(start) == [{"ordered": 20, "node_ready": 30, "gpu": 10}]
    assert world.take() == []


def test_a_claim_says_when_the_node_was_launched(world: World) -> None:
    world.claims = [claim(2, 12)]
    world.stands(placeholder(world.seats, 0, 60))
    assert stages(*world.take()) == [{"ordered": 12, "joined": 8, "node_ready": 30, "gpu": 10}]


def test_a_replica_on_a_node_of_its_own_tells_of_both(world: World) -> None:
    world.stands(pod("a", 0, 60, 90, 200))
    found = {start.part: start for start in world.take()}
    assert found[Part.NODE].seconds == 60
    assert stages(found[Part.REPLICA]) == [{"image": 30, "start": 110}]
    assert found[Part.REPLICA].path is StartPath.COLD_NODE
    assert found[Part.REPLICA].ended_s == T0 + 200


def test_a_replica_on_a_warm_node_tells_of_itself_alone(world: World) -> None:
    world.stands(pod("a", 300, 301, 310, 350))
    (start,) = world.take()
    assert (start.part, start.path) == (Part.REPLICA, StartPath.WARM_NODE)
    assert stages(start) == [{"image": 9, "start": 40}]


def test_a_replica_tells_its_images_whatever_their_order(world: World) -> None:
    def images(*names: str) -> list[Json]:
        return [{"name": f"c{n}", "image": name} for n, name in enumerate(names)]

    for name, found in (("a", images("x:1", "y:1")), ("b", images("y:1", "x:1")), ("c", images("x:2", "y:1"))):
        world.stands(pod(name, 300, 301, 310, 350, containers=found))
    first, second, third = (start.image for start in world.take())
    assert first == second != third


@pytest.mark.parametrize(
    ("conditions", "spec", "said"),
    [
        pytest.param({"example.com/Loaded": 150}, {}, {"image": 30, "load": 60, "warm_up": 50}, id="its own"),
        pytest.param(
            {"example.com/Warm": 180, "example.com/Loaded": 150}, {}, {"image": 30, "load": 60, "warm_up": 50},
            id="the first of two",
        ),
        pytest.param({"Initialized": 150}, {}, {"image": 30, "start": 110}, id="one of Kubernetes"),
        pytest.param({"example.com/Injected": 70}, {}, {"image": 30, "start": 110}, id="before the start"),
        pytest.param({"example.com/Seen": 240}, {}, {"image": 30, "start": 110}, id="after it was ready"),
        pytest.param(
            {"example.com/InRotation": 199}, {"readinessGates": [{"conditionType": "example.com/InRotation"}]},
            {"image": 30, "start": 110}, id="one that Ready waits for",
        ),
    ],
)  # fmt: skip
def test_a_condition_of_the_pods_own_parts_its_start(
    world: World, conditions: dict[str, float], spec: Json, said: dict[str, float]
) -> None:
    world.stands(pod("a", 0, 60, 90, 200, conditions=conditions, **spec))
    assert stages(*(start for start in world.take() if start.part is Part.REPLICA)) == [said]


def test_a_node_is_one_start_however_many_came_with_it(world: World) -> None:
    world.claims = [claim(2, 12)]
    joined = placeholder(world.seats, 15, 60, slot=2)
    world.stands(joined, placeholder(world.seats, 1, 61, slot=1), placeholder(world.seats, 0, 60))
    assert stages(*world.take()) == [{"ordered": 12, "joined": 8, "node_ready": 30, "gpu": 10}]


def test_who_only_joined_does_not_tell_of_the_node(world: World) -> None:
    world.claims = [claim(2, 12)]
    world.stands(pod("late", 15, 60))
    assert [start.part for start in world.take()] == [Part.REPLICA]


def test_who_waited_on_for_something_else_does_not_tell_of_the_node(world: World) -> None:
    world.stands(pod("first", 25, 60), placeholder(world.seats, 0, 400))
    assert [start.part for start in world.take()] == [Part.REPLICA]


def test_nodes_of_no_pool_and_pods_of_no_workload_tell_nothing(world: World) -> None:
    world.nodes.append(node(name="n2", pool="cpu"))
    stranger = pod("stranger", 0, 60, 90, 200)
    stranger["metadata"]["labels"] = {"app": "other"}
    world.stands(stranger, pod("astray", 0, 60, 90, 200, node="n2"))
    assert world.take() == []


def test_what_cannot_be_told_yet_is_told_later(world: World) -> None:
    world.scale, nodes, world.nodes = None, world.nodes, []
    world.stands(pod("a", 300, 301, 310, 350))
    assert world.take() == []  # its workload cannot be read
    world.scale = CHAT
    assert world.take() == []  # its node has not been seen
    world.nodes = nodes
    assert stages(*world.take()) == [{"image": 9, "start": 40}]


def test_a_start_under_way_is_told_as_long_as_it_lasts(world: World) -> None:
    world.clock.move(40)
    world.stands(placeholder(world.seats, 0), placeholder(world.seats, 10, slot=1))
    (waits,) = world.take()
    assert (waits.end, waits.part, stages(waits)) == (StartEnd.WAITING, Part.NODE, [{"ordered": 40}])
    world.stands(pod("a", 0, 60, 90))
    world.clock.move(100)
    found = {(start.part, start.end): start for start in world.take()}
    assert stages(found[Part.REPLICA, StartEnd.WAITING]) == [{"image": 30, "start": 50}]
    assert stages(found[Part.NODE, StartEnd.WAITING]) == [{"ordered": 140}]
    assert stages(found[Part.NODE, StartEnd.COMPLETE]) == [{"ordered": 20, "node_ready": 30, "gpu": 10}]
    assert (Part.NODE, StartEnd.COMPLETE) not in {(start.part, start.end) for start in world.take()}


def test_a_start_that_is_given_up_took_at_least_so_long(world: World) -> None:
    waits, loads = placeholder(world.seats, 0), pod("a", 300, 301, 310)
    world.stands(waits, loads)
    world.take()
    world.clock.move(340)
    world.goes(waits)
    world.goes(loads)
    world.clock.move(100)
    found = {start.part: start for start in world.take()}
    assert {start.end for start in found.values()} == {StartEnd.FAILED}
    assert {start.ended_s for start in found.values()} == {T0 + 340}
    assert stages(found[Part.NODE], found[Part.REPLICA]) == [{"ordered": 340}, {"image": 9, "start": 30}]
    assert world.take() == []


def test_a_placeholder_that_is_displaced_at_once_has_told_of_its_node(world: World) -> None:
    world.stands(placeholder(world.seats, 0))
    held = placeholder(world.seats, 0, 60)
    world.stands(held)
    world.goes(held)
    assert stages(*world.take()) == [{"ordered": 20, "node_ready": 30, "gpu": 10}]


@pytest.mark.parametrize("why", ["its pool cannot be had", "it is held back", "nothing says that it needs a node"])
def test_who_waits_for_no_node_on_its_way_tells_nothing(world: World, why: str) -> None:
    waits = placeholder(world.seats, 0)
    if why == "its pool cannot be had":
        world.unobtainable = {0}
    elif why == "it is held back":
        world.stands(placeholder(world.seats, 0) | {"spec": {"schedulingGates": [{"name": "queue"}]}})
    else:
        waits["status"]["conditions"] = []
    world.stands(waits)
    world.clock.move(40)
    assert world.take() == []


def test_who_was_held_back_does_not_tell_of_its_node(world: World) -> None:
    world.stands(pod("a", 0, schedulingGates=[{"name": "queue"}]))
    world.stands(pod("a", 0, 60, 90, 200))
    assert [start.part for start in world.take()] == [Part.REPLICA]


def test_times_of_several_clocks_make_no_negative_stage(world: World) -> None:
    world.claims = [claim(0, 25)]
    world.nodes = [node(created=20, ready=70)]
    world.stands(placeholder(world.seats, 0, 60))
    assert stages(*world.take()) == [{"ordered": 25, "joined": 0, "node_ready": 35, "gpu": 0}]


def test_to_be_ready_again_is_no_start(world: World) -> None:
    world.stands(pod("a", 300, 301, 310, 350))
    assert len(world.take()) == 1
    world.stands(pod("a", 300, 301, 310))
    world.stands(pod("a", 300, 301, 310, 9000))
    assert world.take() == []


def test_of_a_pod_that_crashed_the_whole_start_counts_where_it_was_seen(world: World) -> None:
    world.stands(pod("seen", 300, 301, 310))
    world.take()
    world.stands(pod("seen", 300, 301, 400, 450, restarts=1), pod("unseen", 300, 301, 9000, 9050, restarts=1))
    assert stages(*world.take()) == [{"image": 9, "start": 140}]


def test_after_a_restart_what_stands_tells_the_same_again(world: World) -> None:
    world.claims = [claim(2, 12)]
    world.stands(placeholder(world.seats, 0, 60), pod("a", 1, 60, 90, 200), pod("b", 300, 301, 310, 350))
    before = world.take()
    assert len(before) == 3
    world.restart()
    world.clock.move(5000)
    assert sorted(world.take(), key=lambda s: s.uid) == sorted(before, key=lambda s: s.uid)


def test_of_what_ended_while_nobody_looked_nothing_is_told(world: World) -> None:
    failed = pod("failed", 300, 301, 310)
    failed["status"]["phase"] = "Failed"
    world.stands(pod("went", 300, 301, 310), failed)
    world.goes(pod("went", 300, 301, 310), unseen=True)
    assert world.take() == []


def test_nothing_is_kept_of_pods_that_have_gone(world: World) -> None:
    ready, loads = pod("a", 300, 301, 310, 350), pod("b", 300, 301, 310)
    world.stands(ready, loads, placeholder(world.seats, 0, 60))
    for one in (ready, loads, placeholder(world.seats, 0, 60)):
        world.goes(one)
    world.take()
    assert (world.starts._lives, world.starts._told) == ({}, set())
