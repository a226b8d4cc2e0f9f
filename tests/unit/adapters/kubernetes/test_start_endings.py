"""Starts that fail, stick, or are seen by a process that began in their middle: none is dropped, and each says why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from tests.unit.adapters.kubernetes.start_world import T0, Json, World, at, condition, node, pod, stages

HANGS = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
KILLED = {"terminated": {"startedAt": at(90), "finishedAt": at(100), "reason": "OOMKilled", "exitCode": 137}}
STAMPS = {"gpu-autoscaler.io/weights": 110, "gpu-autoscaler.io/cuda": 120, "gpu-autoscaler.io/transfer": 130}


@pytest.fixture
def world() -> World:
    return World(nodes=[node()])


def container(one: Json, state: Json, last: Json | None = None, restarts: int = 0) -> Json:
    """The pod with its container in this state."""
    told = {"name": "serve", "restartCount": restarts, "state": state, "lastState": last or {}}
    return one | {"status": one["status"] | {"containerStatuses": [told]}}


def unready_since(one: Json, since: float) -> Json:
    """The pod with the time at which it stopped being ready."""
    kept = [said for said in one["status"]["conditions"] if said["type"] != "Ready"]
    return one | {"status": one["status"] | {"conditions": [*kept, condition("Ready", since, "False")]}}


def leaving(one: Json, asked: float, grace: int) -> Json:
    meta = {"deletionTimestamp": at(asked + grace), "deletionGracePeriodSeconds": grace}
    return one | {"metadata": one["metadata"] | meta}


def failed(one: Json, reason: str = "", message: str = "") -> Json:
    said = {"phase": "Failed", **({"reason": reason, "message": message} if reason else {})}
    return one | {"status": one["status"] | said}


def replicas(world: World) -> list[Start]:
    return [start for start in world.take() if start.part is Part.REPLICA]


def test_a_pod_that_crashes_goes_on_starting_and_says_how_often(world: World) -> None:
    world.stands(pod("a", 0, 60, 90))
    world.take()
    world.stands(container(pod("a", 0, 60), {"waiting": {"reason": "CrashLoopBackOff"}}, KILLED, 3))
    world.clock.move(400)
    [start] = replicas(world)
    assert (start.end, start.seconds, start.open_stage) == (StartEnd.WAITING, 340, Stage.START)
    assert start.why == "CrashLoopBackOff; restarted 3 times; OOMKilled, exit code 137"
    world.stands(container(pod("a", 0, 60, 500, 600), {"running": {"startedAt": at(500)}}, KILLED, 4))
    [start] = replicas(world)
    assert (start.end, stages(start)) == (StartEnd.COMPLETE, [{"image": 30, "start": 510}])
    assert start.why == "restarted 4 times; OOMKilled, exit code 137"
    assert replicas(world) == []


def test_a_container_that_has_just_ended_had_begun(world: World) -> None:
    world.stands(container(pod("a", 0, 60), KILLED))
    world.clock.move(120)
    assert stages(*replicas(world)) == [{"image": 30, "start": 30}]


def test_an_image_that_cannot_be_had_holds_the_start_up(world: World) -> None:
    world.stands(container(pod("a", 0, 60), HANGS))
    world.clock.move(900)
    [start] = replicas(world)
    assert (start.end, start.open_stage, start.seconds) == (StartEnd.WAITING, Stage.IMAGE, 840)
    assert start.why == "ImagePullBackOff"


def test_who_finds_no_node_says_what_the_scheduler_says(world: World) -> None:
    one = pod("a", 0)
    said = "0/9 nodes are available: " + ", ".join(f"{n} had untolerated taint {{a{n}: b}}" for n in range(9))
    one["status"]["conditions"][0]["message"] = said + "\nmore of it"
    world.stands(one)
    world.clock.move(60)
    [start] = world.take()
    assert start.part is Part.NODE
    assert (start.why, len(start.why)) == (("Unschedulable: " + said)[:120], 120)


def test_a_failed_pod_has_failed_when_it_ended(world: World) -> None:
    world.stands(pod("a", 0, 60, 90))
    world.take()
    world.clock.move(300)
    world.stands(failed(container(pod("a", 0, 60), KILLED)))
    world.goes(failed(container(pod("a", 0, 60), KILLED)))
    [start] = replicas(world)
    assert (start.end, start.ended_s, start.why) == (StartEnd.FAILED, T0 + 100, "OOMKilled, exit code 137")
    assert stages(start) == [{"image": 30, "start": 10}]
    assert replicas(world) == []


def test_an_evicted_pod_says_so(world: World) -> None:
    world.stands(pod("a", 0, 60, 90))
    world.take()
    world.stands(failed(pod("a", 0, 60, 90), "Evicted", "The node was low on resource: memory.\nThreshold 1Gi"))
    assert [start.why for start in replicas(world)] == ["Evicted: The node was low on resource: memory."]


def test_a_pod_that_is_told_to_go_ended_when_it_was(world: World) -> None:
    world.stands(pod("a", 0, 60, 90))
    world.take()
    world.clock.move(300)
    world.stands(leaving(pod("a", 0, 60, 90), 150, 30))
    [start] = replicas(world)
    assert (start.end, start.ended_s, start.why) == (StartEnd.FAILED, T0 + 150, "deleted")


def test_a_pod_that_goes_at_once_says_so_beside_what_held_it_up(world: World) -> None:
    hung = container(pod("a", 0, 60), HANGS)
    world.stands(hung)
    world.take()
    world.clock.move(200)
    world.goes(hung)
    [start] = replicas(world)
    assert (start.end, start.ended_s, start.why) == (StartEnd.FAILED, T0 + 200, "ImagePullBackOff; deleted")


def test_a_start_whose_node_went_has_failed(world: World) -> None:
    world.stands(pod("a", 0, 60, 90))
    world.take()
    world.nodes = []
    world.clock.move(200)
    world.goes(pod("a", 0, 60, 90))
    assert [(start.end, start.pool, start.seconds) for start in replicas(world)] == [(StartEnd.FAILED, "h100", 140)]


def test_a_pod_that_went_while_nobody_watched_took_until_it_was_seen_last(world: World) -> None:
    world.clock.move(150)
    world.stands(pod("a", 0, 60, 90))
    world.take()
    world.clock.move(1000)
    world.goes(pod("a", 0, 60, 90), unseen=True)
    [start] = replicas(world)
    assert (start.end, start.ended_s, start.why) == (StartEnd.FAILED, T0 + 150, "deleted")
    assert replicas(world) == []


def test_a_node_that_comes_again_under_its_name_is_another(world: World) -> None:
    world.stands(pod("a", 0, 60, 90, 200))
    world.goes(pod("a", 0, 60, 90, 200))
    world.take()
    again = node(created=320, ready=350)
    again["metadata"]["uid"] = "uid-n1-again"
    world.nodes = [again]
    world.stands(pod("b", 300, 360, 380, 400))
    nodes = [start for start in world.take() if start.part is Part.NODE]
    assert [(start.uid, start.seconds) for start in nodes] == [("uid-n1-again", 60)]


def test_who_was_on_a_node_before_it_registered_anew_did_not_ask_for_it(world: World) -> None:
    """Its pods live on: whoever looks for the first time then cannot know what their node took."""
    world.nodes = [node(created=1000, ready=1010)]
    world.clock.move(1100)
    world.stands(pod("a", 0, 60, 90, 200))
    assert [(start.part, start.path, start.seconds) for start in world.take()] == [
        (Part.REPLICA, StartPath.WARM_NODE, 140)
    ]


@pytest.mark.parametrize("crashes", [0, 2])
def test_who_was_ready_before_anybody_looked_is_not_starting(world: World, crashes: int) -> None:
    """Days after its start it is not ready for a while; whoever restarts meanwhile takes that for no start."""
    running = {"running": {"startedAt": at(90 if not crashes else 90_000)}}
    lost = container(unready_since(pod("a", 0, 60), 90_000), running, KILLED if crashes else None, crashes)
    world.clock.move(90_010)
    world.stands(lost)
    assert replicas(world) == []
    world.stands(container(pod("a", 0, 60, 90, 90_050), running, KILLED if crashes else None, crashes))
    assert replicas(world) == []


States = Sequence[tuple[float, Json]]
"""The pod in each of its states, and the time at which it came to be in it."""


def plain() -> list[tuple[float, Json]]:
    waits, bound, loads = pod("a", 0), pod("a", 0, 60), pod("a", 0, 60, 90)
    half = pod("a", 0, 60, 90, conditions={kind: STAMPS[kind] for kind in list(STAMPS)[:1]})
    stamped, ready = (pod("a", 0, 60, 90, ready, conditions=STAMPS) for ready in (None, 200))
    return [(0, waits), (60, bound), (90, loads), (110, half), (130, stamped), (200, ready)]


def crashing() -> States:
    runs = {"running": {"startedAt": at(125)}}
    again = [container(pod("a", 0, 60, 125, ready), runs, KILLED, 1) for ready in (None, 200)]
    return [*plain()[1:3], (100, container(pod("a", 0, 60), KILLED)), (125, again[0]), (200, again[1])]


def failing() -> States:
    return [*plain()[1:3], (100, failed(container(pod("a", 0, 60), KILLED)))]


def told_to_go() -> States:
    return [*plain()[1:3], (150, leaving(pod("a", 0, 60, 90), 150, 30))]


def final(states: States, restart_in: int | None = None, is_blind: bool = False) -> dict[object, object]:
    """What is known in the end. restart_in: in which of the states another process begins; is_blind: it comes to look
    only when that has passed for long.
    """
    world = World(nodes=[node()])
    ended: dict[object, Start] = {}
    passed_s = 0.0
    for n, (at_s, one) in enumerate(states):
        world.clock.move(at_s - passed_s)
        passed_s = at_s
        world.stands(one)
        if n == restart_in:
            world.restart()
        if not (is_blind and restart_in is not None and n < restart_in):
            ended |= {(start.uid, start.part): start for start in world.take() if start.end is not StartEnd.WAITING}
    return {key: (start.end, start.ended_s, start.why, stages(start)) for key, start in ended.items()}


@pytest.mark.parametrize("is_blind", [False, True], ids=["after a process", "after nobody"])
@pytest.mark.parametrize(
    ("story", "restart_in"),
    [(plain, n) for n in range(6)] + [(crashing, n) for n in range(4)] + [(failing, n) for n in range(3)]
    + [(told_to_go, n) for n in range(3)],
)  # fmt: skip
def test_whoever_begins_to_look_in_any_stage_ends_with_the_same(
    story: Callable[[], States], restart_in: int, is_blind: bool
) -> None:
    meant = final(story())
    assert set(meant) == {("uid-n1", Part.NODE), ("uid-a", Part.REPLICA)}
    assert final(story(), restart_in, is_blind) == meant
