"""Replica sets: as many as asked for, and who goes first; the stages of a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from autoscaler.simulator.objects import Pod, PodState
from autoscaler.simulator.stages import StageLaw

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build, Machine

START_S = 30.0
PULL_S = 100.0


def running(machine: Machine, count: int, workload: int = 0) -> list[Pod]:
    """The workload's replicas after scaling, oldest first, all started."""
    machine.sets[workload].scale(count)
    machine.wait(START_S + 1.0)
    return list(machine.cluster.replicas[workload])


def test_there_are_as_many_replicas_as_asked_for(build: Build) -> None:
    machine = build.machine()
    machine.node()
    assert len(running(machine, 3)) == 3
    machine.sets[0].scale(1)
    assert len(machine.cluster.replicas[0]) == 1


def test_there_are_never_more_than_the_maximum(build: Build) -> None:
    machine = build.machine(build.workload(max_replicas=2))
    machine.node()
    assert len(running(machine, 5)) == 2


def test_pending_replicas_go_first(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=2)
    kept = running(machine, 2)
    machine.sets[0].scale(3)
    machine.wait()
    machine.sets[0].scale(2)
    assert machine.cluster.replicas[0] == kept


def test_pending_replicas_go_before_those_that_are_starting(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=1)
    machine.sets[0].scale(2)
    machine.wait()
    starting = machine.cluster.replicas[0][0]
    machine.sets[0].scale(1)
    assert machine.cluster.replicas[0] == [starting]


def test_then_those_that_are_starting_though_they_are_older(build: Build) -> None:
    machine = build.machine(build.workload(stages=(StageLaw(0.0, 0.0),), image=StageLaw(PULL_S, PULL_S)))
    machine.sets[0].scale(1)
    machine.wait()
    machine.node(gpus=1)
    machine.wait()
    warm = machine.node(gpus=1)
    warm.images[0] = 0.0
    machine.sets[0].scale(2)
    machine.wait()
    old, young = machine.cluster.replicas[0]
    assert (old.state, young.state) == (PodState.STARTING, PodState.READY)
    machine.sets[0].scale(1)
    assert machine.cluster.replicas[0] == [young]


def test_then_those_with_most_of_their_own_beside_them_though_they_are_older(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=3)
    running(machine, 3)
    machine.node(gpus=1)
    alone = running(machine, 4)[3]
    machine.sets[0].scale(3)
    assert alone in machine.cluster.replicas[0]


def test_then_the_youngest(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=8)
    old = running(machine, 1)
    running(machine, 2)
    machine.sets[0].scale(1)
    assert machine.cluster.replicas[0] == old


def test_placeholders_and_strangers_on_the_node_do_not_count_as_its_own(build: Build) -> None:
    machine = build.machine(build.workload(), build.workload())
    machine.node(gpus=6)
    running(machine, 4, workload=1)
    machine.hold(0)
    running(machine, 1)
    machine.node(gpus=2)
    crowded = running(machine, 3)[0]
    machine.sets[0].scale(2)
    assert crowded in machine.cluster.replicas[0]


def test_a_replica_that_ends_serves_no_more_and_holds_its_gpus_until_it_has_drained(build: Build) -> None:
    machine = build.machine(build.workload(drain_s=10.0))
    node = machine.node()
    running(machine, 1)
    machine.sets[0].scale(0)
    assert machine.cluster.ready[0, 0] == 0
    machine.wait(9.9)
    assert node.free == 7
    machine.wait(0.2)
    assert node.free == 8


def test_a_replica_that_ends_while_it_starts_never_serves(build: Build) -> None:
    machine = build.machine()
    machine.node()
    machine.sets[0].scale(1)
    machine.wait(1.0)
    machine.sets[0].scale(0)
    machine.wait(2 * START_S)
    assert machine.cluster.ready[0, 0] == 0
    assert machine.cluster.starting[0, 0] == 0


def test_lost_replicas_are_replaced(build: Build) -> None:
    machine = build.machine()
    doomed = machine.node()
    lost = running(machine, 2)
    doomed.leaving = True
    machine.sets[0].drain(doomed)
    assert len(machine.cluster.replicas[0]) == 2
    assert not set(lost) & set(machine.cluster.replicas[0])
    spare = machine.node()
    machine.wait(START_S + 1.0)
    assert {pod.node for pod in machine.cluster.replicas[0]} == {spare}
    assert machine.cluster.ready[0, 0] == 2


def test_draining_a_node_leaves_other_workloads_and_placeholders_alone(build: Build) -> None:
    machine = build.machine(build.workload(), build.workload())
    node = machine.node()
    stranger = running(machine, 1, workload=1)
    machine.hold(0)
    machine.sets[0].drain(node)
    assert machine.cluster.replicas[1] == stranger
    assert machine.slots() == [0]


def test_a_node_that_vanishes_takes_everything_on_it_along(build: Build) -> None:
    machine = build.machine()
    node = machine.node()
    running(machine, 2)
    machine.hold(0)
    machine.cluster.remove_node(node)
    assert machine.cluster.ready[0, 0] == 0
    assert machine.cluster.replicas[0] == []
    assert machine.cluster.placeholder_list() == ()
    assert machine.cluster.meter.up[0] == 0
    assert machine.cluster.meter.held[0, 0] == 0


def test_a_start_takes_its_stages_one_after_another(build: Build) -> None:
    stages = StageLaw(20.0, 20.0), StageLaw(30.0, 30.0)
    machine = build.machine(build.workload(stages=stages, image=StageLaw(PULL_S, PULL_S)))
    machine.node()
    machine.sets[0].scale(1)
    machine.wait(PULL_S + 50.0)
    assert machine.cluster.ready[0, 0] == 0
    machine.wait(0.2)
    assert machine.cluster.ready[0, 0] == 1


def test_a_node_pulls_an_image_once(build: Build) -> None:
    machine = build.machine(build.workload(image=StageLaw(PULL_S, PULL_S)))
    machine.node()
    machine.sets[0].scale(1)
    machine.wait(PULL_S + START_S + 1.0)
    machine.sets[0].scale(2)
    machine.wait(START_S + 1.0)
    assert machine.cluster.ready[0, 0] == 2


def test_replicas_that_come_while_the_image_is_pulled_wait_for_it(build: Build) -> None:
    machine = build.machine(build.workload(image=StageLaw(PULL_S, PULL_S)))
    machine.node()
    machine.sets[0].scale(4)
    machine.wait(PULL_S + START_S - 1.0)
    assert machine.cluster.ready[0, 0] == 0
    machine.wait(2.0)
    assert machine.cluster.ready[0, 0] == 4


@pytest.mark.parametrize("other", ["node", "workload"])
def test_an_image_is_there_for_its_own_workload_on_its_own_node(build: Build, other: str) -> None:
    chat = build.workload(image=StageLaw(PULL_S, PULL_S))
    machine = build.machine(chat, chat)
    machine.node(gpus=1 if other == "node" else 8)
    machine.sets[0].scale(1)
    machine.wait(PULL_S + START_S + 1.0)
    machine.node()
    second = 0 if other == "node" else 1
    machine.sets[second].scale(machine.sets[second].target + 1)
    machine.wait(START_S + 1.0)
    assert machine.cluster.starting[second, 0] == 1
