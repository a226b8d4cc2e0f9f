"""Rolling updates: a quarter more, a quarter fewer, images pulled anew."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from autoscaler.domain.rollout import QUARTER_FEWER, QUARTER_MORE, Allowance, Rollout
from autoscaler.simulator.rollout import room_for_new
from autoscaler.simulator.settings import NewImage
from autoscaler.simulator.stages import StageLaw

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build, Driven

AT_S, PULL_S = 600.0, 40.0
DEFAULTS = Rollout(QUARTER_MORE, QUARTER_FEWER, replicas=0, standing=0, left=0)


def rolled(build: Build, replicas: int) -> Driven:
    """`replicas` that serve from the beginning on, and a new image after ten minutes."""
    chat = build.workload(image=StageLaw(PULL_S, PULL_S))
    return build.world(chat, start=(replicas,), faults=(NewImage(0, AT_S),))


def starting(world: Driven) -> int:
    inventory = world.world.inventory(world.now_s)
    return int(inventory.starting.sum() + inventory.pending.sum())


@pytest.mark.parametrize(
    ("target", "have", "new", "room"),
    [
        pytest.param(10, 10, 0, 3, id="surge is rounded up"),
        pytest.param(10, 13, 3, 0, id="no room"),
        pytest.param(10, 11, 9, 1, id="never more than wanted"),
        pytest.param(1, 1, 0, 1, id="of one"),
        pytest.param(0, 2, 0, 0, id="of none"),
    ],
)
def test_new_ones_have_the_room_of_the_surge(target: int, have: int, new: int, room: int) -> None:
    assert room_for_new(DEFAULTS, target, have, new) == room


@pytest.mark.parametrize("replicas", [1, 4, 10])
def test_never_fewer_ready_and_never_more_in_all_than_a_quarter(build: Build, replicas: int) -> None:
    world = rolled(build, replicas).until(AT_S - 1.0)
    least, most = replicas - math.floor(0.25 * replicas), replicas + math.ceil(0.25 * replicas)
    seen_most = 0
    while world.now_s < AT_S + 1200.0:
        world.wait(1.0)
        assert world.ready() >= least
        assert world.ready() + starting(world) <= most
        seen_most = max(seen_most, world.ready() + starting(world))
    assert seen_most > replicas - math.floor(0.25 * replicas)
    assert (world.ready(), starting(world)) == (replicas, 0)


def test_without_a_surge_none_stands_beyond_and_as_many_are_away(build: Build) -> None:
    chat = build.workload(image=StageLaw(PULL_S, PULL_S))
    rule = NewImage(0, AT_S, Allowance(), Allowance(count=2))
    world = build.world(chat, start=(6,), faults=(rule,)).until(AT_S + 1.0)
    assert (world.ready(), starting(world)) == (4, 2)
    world.when(lambda: world.ready() > 4, 300.0)
    while world.now_s < AT_S + 1200.0:
        world.wait(1.0)
        assert world.ready() >= 4
        assert world.ready() + starting(world) <= 6
    assert world.ready() == 6


def test_it_is_seen_until_all_are_new_and_serve(build: Build) -> None:
    world = rolled(build, 8).until(AT_S - 1.0)
    assert world.world.inventory(world.now_s).rollouts == ()
    (found,) = world.until(AT_S + 1.0).world.inventory(world.now_s).rollouts
    assert found is not None
    assert (found.replicas, found.standing, found.left, found.to_come) == (8, 10, 4, 0)
    world.when(lambda: world.world.inventory(world.now_s).rollouts == (), 1200.0)
    assert (world.ready(), starting(world)) == (8, 0)
    world.scale(10).wait(5.0)
    assert starting(world) == 2
    assert world.world.inventory(world.now_s).rollouts == ()


def test_every_replica_is_started_once_more(build: Build) -> None:
    world = rolled(build, 6).until(AT_S)
    before = world.world.advance(AT_S + 0.001).starts[0]
    record = world.world.advance(AT_S + 1200.0)
    assert before + record.starts[0] == 6


def test_nodes_pull_the_image_anew(build: Build) -> None:
    world = rolled(build, 4).until(AT_S)
    ready_s = world.when(lambda: starting(world) > 0, 60.0)
    assert world.when(lambda: world.ready() > 3, 300.0) >= ready_s + PULL_S + 30.0 - 1.0


def test_a_change_of_scale_in_the_middle_is_followed(build: Build) -> None:
    world = rolled(build, 4).until(AT_S + 10.0).scale(8).wait(900.0)
    assert (world.ready(), starting(world)) == (8, 0)
    world = rolled(build, 8).until(AT_S + 10.0).scale(2).wait(900.0)
    assert (world.ready(), starting(world)) == (2, 0)


def test_a_rollout_of_nothing_is_nothing(build: Build) -> None:
    world = rolled(build, 0).until(AT_S + 60.0)
    assert (world.ready(), starting(world)) == (0, 0)
    world.scale(2).wait(600.0)
    assert world.ready() == 2
