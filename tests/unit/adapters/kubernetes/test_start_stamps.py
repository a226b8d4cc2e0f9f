"""Stamps in the conditions of pods: which stage each moment belongs to, and what stamps of other runs are worth."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd
from tests.unit.adapters.kubernetes.start_world import Json, World, at, node, pod, stages


@pytest.fixture
def world() -> World:
    return World(nodes=[node()])


def stamped(**ends: float) -> dict[str, float]:
    return {f"gpu-autoscaler.io/{stage}": end for stage, end in ends.items()}


def replica(world: World, name: str = "a") -> Start:
    [start] = [start for start in world.take() if start.part is Part.REPLICA and start.uid == f"uid-{name}"]
    return start


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        pytest.param(
            {"weights": 130, "cuda": 140, "transfer": 170},
            {"image": 30, "weights": 40, "cuda": 10, "transfer": 30, "warm_up": 30}, id="one after the other",
        ),
        pytest.param(
            {"weights": 130, "cuda": 100, "transfer": 140},
            {"image": 30, "weights": 40, "cuda": 0, "transfer": 10, "warm_up": 60}, id="CUDA while the weights come in",
        ),
        pytest.param(
            {"weights": 130, "transfer": 170}, {"image": 30, "weights": 40, "transfer": 40, "warm_up": 30},
            id="one is missing",
        ),
        pytest.param({"weights": 130}, {"image": 30, "weights": 40, "start": 70}, id="nobody tells of the transfer"),
        pytest.param({"transfer": 170}, {"image": 30, "transfer": 80, "warm_up": 30}, id="of the transfer alone"),
        pytest.param(
            {"weights": 70, "transfer": 170}, {"image": 30, "weights": 0, "transfer": 80, "warm_up": 30},
            id="weights from an init container",
        ),
        pytest.param(
            {"weights": 130, "transfer": 260}, {"image": 30, "weights": 40, "start": 70}, id="one after it was ready"
        ),
        pytest.param({"weights": 240}, {"image": 30, "start": 110}, id="loaded by the first request"),
        pytest.param(
            {"weights": 200, "cuda": 200, "transfer": 200},
            {"image": 30, "weights": 110, "cuda": 0, "transfer": 0, "warm_up": 0}, id="in the second of Ready",
        ),
    ],
)  # fmt: skip
def test_a_moment_belongs_to_the_stage_that_the_others_wait_for(
    world: World, ends: Mapping[str, float], said: dict[str, float]
) -> None:
    world.stands(pod("a", 0, 60, 90, 200, conditions=stamped(**ends)))
    start = replica(world)
    assert stages(start) == [said]
    assert start.seconds == 140


def test_stamps_tell_more_than_a_condition_of_another_kind(world: World) -> None:
    said = stamped(weights=130, cuda=140, transfer=170) | {"example.com/Loaded": 120}
    world.stands(pod("a", 0, 60, 90, 200, conditions=said))
    assert "load" not in stages(replica(world))[0]


@pytest.mark.parametrize(
    ("ends", "open_stage", "said"),
    [
        pytest.param({}, Stage.START, {"image": 30, "start": 90}, id="none yet"),
        pytest.param({"weights": 130}, Stage.START, {"image": 30, "weights": 40, "start": 50}, id="weights"),
        pytest.param(
            {"weights": 130, "cuda": 135, "transfer": 150}, Stage.WARM_UP,
            {"image": 30, "weights": 40, "cuda": 5, "transfer": 15, "warm_up": 30}, id="all",
        ),
    ],
)  # fmt: skip
def test_a_start_under_way_is_in_the_stage_after_the_last_stamp(
    world: World, ends: Mapping[str, float], open_stage: Stage, said: dict[str, float]
) -> None:
    world.clock.move(180)
    world.stands(pod("a", 0, 60, 90, conditions=stamped(**ends)))
    start = replica(world)
    assert (start.end, start.open_stage, stages(start)) == (StartEnd.WAITING, open_stage, [said])


def test_clocks_that_differ_make_no_stage_negative_and_no_start_longer(world: World) -> None:
    """The node's clock is behind the scheduler's by a minute, then ahead of it."""
    world.stands(pod("behind", 0, 100, 60, 140, conditions=stamped(weights=80, cuda=90, transfer=120)))
    assert stages(replica(world, "behind")) == [
        {"image": 0, "weights": 0, "cuda": 0, "transfer": 20, "warm_up": 20}
    ]  # fmt: skip
    world.clock.move(130)
    world.stands(pod("ahead", 0, 100, 160, conditions=stamped(weights=190)))
    ahead = replica(world, "ahead")
    assert (ahead.seconds, min(ahead.stages.values())) == (30, 0)


def crashed(first: float, again: float, ready: float | None, **ends: float) -> Json:
    """Its container ran from `first` on, ended, and runs again."""
    found = pod("a", 0, 60, again, ready, conditions=stamped(**ends), restarts=1)
    ended = {"terminated": {"startedAt": at(first), "finishedAt": at(again - 10), "reason": "Error", "exitCode": 1}}
    found["status"]["containerStatuses"][0]["lastState"] = ended
    return found


def test_stamps_of_a_run_that_ended_in_vain_count_for_nothing(world: World) -> None:
    world.stands(pod("a", 0, 60, 90, conditions=stamped(weights=110)))
    world.take()
    world.stands(crashed(90, 150, 220, weights=110))
    assert stages(replica(world)) == [{"image": 30, "start": 130}]


def test_stamps_of_the_run_that_came_through_part_its_time(world: World) -> None:
    world.stands(pod("a", 0, 60, 90, conditions=stamped(weights=110)))
    world.take()
    world.stands(crashed(90, 150, 220, weights=180, cuda=190, transfer=200))
    said = {"image": 30, "start": 60, "weights": 30, "cuda": 10, "transfer": 10, "warm_up": 20}
    assert stages(replica(world)) == [said]
