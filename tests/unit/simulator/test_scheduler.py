"""The scheduler: free room first, then the room of placeholders, which never take anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build

HANDOVER_S = 0.2
"""From the creation of a real pod to its binding in a placeholder's room, at most (knowledge: 0.04-0.13 measured)."""


def test_a_replica_takes_the_place_of_a_placeholder_at_once(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=1)
    machine.hold(0)
    replica = machine.cluster.create_replica(0, 1, (0,))
    machine.wait(HANDOVER_S)
    assert replica.node is not None
    assert machine.cluster.placeholder_list() == ()


def test_free_room_is_taken_before_that_of_placeholders(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=2)
    machine.hold(0, 1)
    spare = machine.node(gpus=8)
    replica = machine.cluster.create_replica(0, 1, (0,))
    machine.wait()
    assert replica.node is spare
    assert machine.slots() == [0, 1]


def test_the_fullest_node_with_room_is_taken_so_that_others_can_get_empty(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=8)
    full = machine.node(gpus=3)
    replica = machine.cluster.create_replica(0, 1, (0,))
    machine.wait()
    assert replica.node is full


def test_eight_replicas_take_what_is_free_and_then_four_placeholders(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=8)
    machine.hold(0, 1, 2, 3)
    replicas = [machine.cluster.create_replica(0, 1, (0,)) for _ in range(8)]
    machine.wait(HANDOVER_S)
    assert all(replica.node is not None for replica in replicas)
    assert machine.slots() == []


def test_the_node_with_the_fewest_victims_is_chosen(build: Build) -> None:
    machine = build.machine(build.workload(), build.workload(gpus=4))
    large = machine.node(gpus=4)
    machine.hold(0, workload=1, gpus=4)
    machine.node(gpus=4)
    machine.hold(0, 1, 2, 3, workload=0)
    replica = machine.cluster.create_replica(1, 4, (0,))
    machine.wait()
    assert replica.node is large
    assert machine.slots(workload=0) == [0, 1, 2, 3]


def test_a_small_replica_breaks_a_large_placeholder_where_there_is_no_other(build: Build) -> None:
    machine = build.machine(build.workload(), build.workload(gpus=8))
    node = machine.node(gpus=8)
    machine.hold(0, workload=1, gpus=8)
    machine.cluster.create_replica(0, 1, (0,))
    machine.wait()
    assert machine.slots(workload=1) == []
    assert node.free == 7


def test_only_as_many_placeholders_go_as_are_in_the_way(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=4)
    machine.hold(0, 1, 2)
    machine.cluster.create_replica(0, 2, (0,))
    machine.wait()
    assert len(machine.slots()) == 2


def test_placeholders_that_were_bound_first_stay_whoever_asked_for_them(build: Build) -> None:
    machine = build.machine(build.workload(), build.workload())
    machine.node(gpus=3)
    machine.hold(0, workload=0)
    machine.hold(0, 1, workload=1)
    machine.cluster.create_replica(0, 1, (0,))
    machine.wait()
    assert machine.slots(workload=0) == [0]
    assert machine.slots(workload=1) == [0]


def test_of_equal_nodes_the_one_whose_placeholder_came_last_is_chosen(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=1)
    machine.hold(0)
    last = machine.node(gpus=1)
    machine.hold(1)
    replica = machine.cluster.create_replica(0, 1, (0,))
    machine.wait()
    assert replica.node is last


def test_a_placeholder_takes_the_room_of_nobody(build: Build) -> None:
    machine = build.machine(build.workload(), build.workload())
    machine.node(gpus=2)
    machine.hold(0, workload=1)
    machine.cluster.create_replica(1, 1, (0,))
    machine.wait()
    machine.hold(0, workload=0)
    machine.wait(60.0)
    assert machine.slots(workload=0, bound=False) == [0]
    assert machine.slots(workload=1) == [0]
    assert len(machine.cluster.replicas[1]) == 1


def test_a_placeholder_stays_in_its_pool(build: Build) -> None:
    machine = build.machine(pools=2)
    machine.node(pool=0)
    machine.hold(0, pool=1)
    assert machine.slots(bound=False) == [0]
    machine.node(pool=1)
    machine.wait()
    assert machine.slots() == [0]
    assert [node.free for node in machine.cluster.nodes] == [8, 7]


def test_a_replica_stays_in_its_pools(build: Build) -> None:
    machine = build.machine(pools=2)
    machine.node(pool=0)
    machine.hold(0, pool=0)
    replica = machine.cluster.create_replica(0, 1, (1,))
    machine.wait(60.0)
    assert replica.node is None
    assert machine.slots() == [0]


def test_replicas_go_before_placeholders_that_were_asked_for_earlier(build: Build) -> None:
    machine = build.machine()
    machine.cluster.create_placeholder(0, 1, 0, 0)
    machine.wait(60.0)
    replica = machine.cluster.create_replica(0, 1, (0,))
    machine.node(gpus=1)
    machine.wait()
    assert replica.node is not None
    assert machine.slots(bound=False) == [0]


def test_a_node_that_leaves_takes_no_pods(build: Build) -> None:
    machine = build.machine()
    node = machine.node(gpus=8)
    machine.hold(0)
    node.leaving = True
    replica = machine.cluster.create_replica(0, 8, (0,))
    machine.wait()
    assert replica.node is None
    assert machine.slots() == [0]


def test_a_replica_that_is_too_large_evicts_nobody(build: Build) -> None:
    machine = build.machine()
    machine.node(gpus=4)
    machine.hold(0, 1)
    replica = machine.cluster.create_replica(0, 5, (0,))
    machine.wait()
    assert replica.node is None
    assert machine.slots() == [0, 1]


def test_victims_are_all_on_one_node(build: Build) -> None:
    machine = build.machine()
    for slot in (0, 1):
        machine.node(gpus=1)
        machine.hold(slot)
    replica = machine.cluster.create_replica(0, 2, (0,))
    machine.wait()
    assert replica.node is None
    assert machine.slots() == [0, 1]
