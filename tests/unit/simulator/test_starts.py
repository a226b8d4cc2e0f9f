"""Starts as a simulated cluster tells them: what was there, which stage is open, what failed, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.simulator.departures import Departures
from autoscaler.simulator.objects import Node
from autoscaler.simulator.settings import (
    GIVE_UP_S,
    CrashingReplicas,
    LostNodes,
    NewImage,
    PoolSetting,
    SpotMarket,
    StockOut,
    StuckReplicas,
    WorkloadSetting,
    ZoneLoss,
)
from autoscaler.simulator.stages import StageLaw
from autoscaler.simulator.start_stages import passed

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build, Driven

IMAGE_S, WEIGHTS_S, CUDA_S, TRANSFER_S = 20.0, 31.5, 5.2, 12.6
LOAD_S = WEIGHTS_S + CUDA_S + TRANSFER_S
WHOLE = {Stage.IMAGE: IMAGE_S, Stage.WEIGHTS: WEIGHTS_S, Stage.CUDA: CUDA_S, Stage.TRANSFER: TRANSFER_S}
FOR_EVER = (0.0, 1e9)
CALM = SpotMarket(mean_up_s=1e9, zone_events_a_day=0.0, notice_s=20.0)


def loading(build: Build, **changes: Any) -> WorkloadSetting:
    """A workload with an image to pull and three stages."""
    laws = tuple(StageLaw(one, one) for one in (WEIGHTS_S, CUDA_S, TRANSFER_S))
    return build.workload(image=StageLaw(IMAGE_S, IMAGE_S), stages=laws, **changes)


def world(build: Build, *workloads: WorkloadSetting, **changes: Any) -> Driven:
    """Of one GPU a node, told to the fraction of a second where nothing else is said."""
    pools = changes.pop("pools", (build.pool(gpus_per_node=1),))
    return build.world(*(workloads or (loading(build),)), pools=pools, **({"time_resolution_s": 0.0} | changes))


def told(driven: Driven, part: Part | None = None, end: StartEnd | None = None) -> list[Start]:
    starts = driven.world.starts(driven.now_s)
    return [one for one in starts if part in (None, one.part) and end in (None, one.end)]


def near(seconds: Mapping[Stage, float], within_s: float = 0.01) -> Any:
    return pytest.approx(dict(seconds), abs=within_s)


def serve(driven: Driven, replicas: int) -> Driven:
    """Scales, and waits until so many serve; what is told of it is read."""
    driven.scale(replicas).when(lambda: driven.ready() == replicas, within_s=900.0)
    told(driven)
    return driven


# what was there


def test_a_new_node_is_cold_and_tells_its_zone_and_revision(build: Build) -> None:
    driven = world(build, pools=(build.pool(gpus_per_node=1, zones=2),)).scale(1).wait(400.0)
    node, replica = told(driven)
    assert (node.part, node.path, node.zone, node.image, node.pod) == (Part.NODE, StartPath.COLD_NODE, "a", "", "")
    assert node.stages[Stage.JOINED] == pytest.approx(60.0)
    assert (replica.part, replica.path, replica.zone) == (Part.REPLICA, StartPath.COLD_NODE, "a")
    assert (replica.image, replica.why, replica.end) == ("revision-0", "", StartEnd.COMPLETE)
    assert replica.stages == near(WHOLE)
    assert replica.pod.endswith(replica.uid.removeprefix("pod"))


def test_a_node_that_has_the_image_is_told_from_one_that_has_to_pull_it(build: Build) -> None:
    driven = serve(world(build, pools=(build.pool(gpus_per_node=8),)), 1)
    (beside,) = told(driven.scale(2).wait(100.0))
    assert (beside.path, beside.stages[Stage.IMAGE]) == (StartPath.IMAGE_PRESENT, 0.0)
    (after_rollout,) = world_with_new_image(build)
    assert (after_rollout.path, after_rollout.image) == (StartPath.COLD_NODE, "revision-1")
    assert after_rollout.stages == near(WHOLE)


def world_with_new_image(build: Build) -> list[Start]:
    """The replica of a new image on a node that is up."""
    driven = serve(world(build, pools=(build.pool(gpus_per_node=8),), faults=(NewImage(0, 500.0),)), 1)
    return told(driven.until(700.0), Part.REPLICA)


def test_a_held_node_without_the_image_is_cold_for_the_replica(build: Build) -> None:
    driven = world(build).hold(1).wait(300.0)
    assert [one.part for one in told(driven)] == [Part.NODE]
    (replica,) = told(driven.scale(1).wait(200.0))
    assert (replica.path, replica.stages) == (StartPath.COLD_NODE, near(WHOLE))


def test_replicas_that_stood_all_along_have_no_start(build: Build) -> None:
    driven = world(build, start=(2,)).wait(100.0)
    assert driven.ready() == 2
    assert told(driven) == []


def test_a_workload_that_starts_in_one_stage_tells_no_stage_apart(build: Build) -> None:
    driven = world(build, build.workload()).scale(1).wait(400.0)
    (replica,) = told(driven, Part.REPLICA)
    assert replica.stages == near({Stage.IMAGE: 0.0, Stage.START: 30.0})


def test_a_fourth_stage_is_the_warm_up_and_a_second_one_of_a_node_its_gpus(build: Build) -> None:
    laws = tuple(StageLaw(one, one) for one in (1.0, 2.0, 3.0, 4.0))
    pool = PoolSetting(build.pool(gpus_per_node=1).pool, (StageLaw(40.0, 40.0), StageLaw(10.0, 10.0)))
    driven = world(build, build.workload(stages=laws), pools=(pool,)).scale(1).wait(400.0)
    node, replica = told(driven)
    assert (node.stages[Stage.JOINED], node.stages[Stage.GPU]) == near_pair(40.0, 10.0)
    assert replica.stages[Stage.WARM_UP] == pytest.approx(4.0)


def near_pair(first: float, second: float) -> Any:
    return pytest.approx((first, second))


# times


def test_times_are_cut_to_whole_seconds_and_still_add_up(build: Build) -> None:
    exact, cut = (serve_one(build, resolution_s) for resolution_s in (0.0, 1.0))
    assert all(seconds == round(seconds) for seconds in cut.stages.values())
    assert cut.ended_s == np.floor(exact.ended_s)
    assert cut.began_s == np.floor(exact.began_s)
    assert cut.stages == near(exact.stages, within_s=1.0)
    assert cut.stages != exact.stages


def serve_one(build: Build, resolution_s: float) -> Start:
    driven = world(build, time_resolution_s=resolution_s).scale(1).wait(400.0)
    (replica,) = told(driven, Part.REPLICA)
    return replica


@pytest.mark.parametrize(
    ("until_s", "stages", "open_stage"),
    [
        pytest.param(10.5, {Stage.IMAGE: 0.5}, Stage.IMAGE, id="just begun"),
        pytest.param(14.25, {Stage.IMAGE: 3.0, Stage.START: 1.25}, Stage.START, id="in the second"),
        pytest.param(13.0, {Stage.IMAGE: 3.0, Stage.START: 0.0}, Stage.START, id="at an edge the next is open"),
        pytest.param(99.0, {Stage.IMAGE: 3.0, Stage.START: 6.0, Stage.WARM_UP: 1.0}, None, id="over"),
    ],
)
def test_what_passed_until_a_moment(until_s: float, stages: Mapping[Stage, float], open_stage: Stage | None) -> None:
    ends = ((Stage.IMAGE, 13.0), (Stage.START, 19.9), (Stage.WARM_UP, 20.1))
    found = passed(10.2, ends, until_s, 1.0)
    assert (dict(found.stages), found.in_stage) == (stages, open_stage)


# under way


def test_the_stage_that_is_open(build: Build) -> None:
    driven = world(build).scale(1)
    seen = []
    while driven.now_s < 200.0:
        seen += [one.open_stage for one in told(driven.wait(1.0), end=StartEnd.WAITING)]
    assert list(dict.fromkeys(seen)) == [Stage.ORDERED, Stage.JOINED, *WHOLE]
    assert seen.count(Stage.JOINED) == pytest.approx(60, abs=1)
    assert seen.count(Stage.WEIGHTS) == pytest.approx(WEIGHTS_S, abs=1)


def test_the_oldest_of_those_that_wait_for_a_pool_speaks_for_all(build: Build) -> None:
    driven = world(build).scale(1).wait(15.0).scale(5).wait(10.0)
    (waiting,) = told(driven)
    assert (waiting.seconds, waiting.open_stage) == (25.0, Stage.ORDERED)


def test_a_pool_without_room_for_more_says_so(build: Build) -> None:
    driven = serve(world(build, pools=(build.pool(gpus_per_node=1, max_nodes=1),)), 1)
    (waiting,) = told(driven.scale(2).wait(100.0))
    assert (waiting.open_stage, waiting.seconds) == (Stage.ORDERED, 100.0)
    assert waiting.why == "the pool has as many nodes as it may"


def test_nothing_is_said_of_pods_that_only_wait_for_the_scheduler(build: Build) -> None:
    driven = serve(world(build, pools=(build.pool(gpus_per_node=8),)), 1)
    assert told(driven.scale(2)) == []


# what does not come


def test_a_stuck_start_stays_under_way_in_its_stage(build: Build) -> None:
    driven = world(build, faults=(StuckReplicas(0, 1.0, *FOR_EVER, stage="weights"),)).scale(1).wait(3600.0)
    (stuck,) = told(driven, Part.REPLICA)
    assert (stuck.end, stuck.open_stage, stuck.why) == (StartEnd.WAITING, Stage.WEIGHTS, "it hangs in weights")
    assert stuck.seconds > 3400.0
    assert stuck.stages[Stage.IMAGE] == pytest.approx(IMAGE_S)
    (failed,) = told(driven.scale(0).wait(1.0), end=StartEnd.FAILED)
    assert (failed.uid, failed.open_stage, failed.pod) == (stuck.uid, Stage.WEIGHTS, "")
    assert failed.why == "it hangs in weights; let go before it was ready"


def test_one_that_hung_goes_on_where_it_hung(build: Build) -> None:
    driven = world(build, faults=(StuckReplicas(0, 1.0, 0.0, 500.0, stage="cuda"),)).scale(1).wait(600.0)
    (replica,) = told(driven, Part.REPLICA)
    assert replica.end is StartEnd.COMPLETE
    assert replica.ended_s == pytest.approx(500.0 + CUDA_S + TRANSFER_S)
    assert replica.stages[Stage.WEIGHTS] == pytest.approx(WEIGHTS_S)
    assert replica.stages[Stage.TRANSFER] == pytest.approx(TRANSFER_S)


def test_an_image_that_does_not_come(build: Build) -> None:
    driven = world(build, faults=(StuckReplicas(0, 1.0, 0.0, 500.0),)).scale(1).wait(400.0)
    (stuck,) = told(driven, Part.REPLICA)
    assert (stuck.open_stage, stuck.why) == (Stage.IMAGE, "its image does not come")
    (done,) = told(driven.wait(300.0), Part.REPLICA)
    assert (done.uid, done.end, done.why) == (stuck.uid, StartEnd.COMPLETE, "")


def test_a_container_that_crashes_while_it_loads(build: Build) -> None:
    driven = world(build, faults=(CrashingReplicas(0, 1.0, *FOR_EVER, times=3),)).scale(1)
    looks = [one for _ in range(300) for one in told(driven.wait(1.0), Part.REPLICA)]
    *under_way, done = looks
    assert {one.uid for one in looks} == {done.uid}
    assert done.end is StartEnd.COMPLETE
    lost_s = done.stages[Stage.START]
    assert 30.0 <= lost_s <= 3 * LOAD_S + 30.0  # back-off of 0, 10 and 20 s
    assert {stage: done.stages[stage] for stage in WHOLE} == near(WHOLE)
    words = list(dict.fromkeys(one.why for one in under_way))
    assert words == ["", *(f"crashed while loading, started again {n}" for n in ("once", "2 times", "3 times"))]
    assert all(one.seconds == pytest.approx(one.ended_s - done.began_s) for one in under_way)
    (kept,) = driven.world.journal.starts
    assert kept.lost_s == pytest.approx(lost_s)


def test_one_that_crashes_and_hangs_does_both_at_its_time(build: Build) -> None:
    faults = (CrashingReplicas(0, 1.0, *FOR_EVER), StuckReplicas(0, 1.0, 0.0, 1000.0, stage="transfer"))
    driven = world(build, faults=faults).scale(1).wait(300.0)
    (hung,) = told(driven, Part.REPLICA)
    assert (hung.open_stage, hung.end) == (Stage.TRANSFER, StartEnd.WAITING)
    assert hung.stages[Stage.START] <= LOAD_S
    assert set(hung.why.split("; ")) == {"crashed while loading, started again once", "it hangs in transfer"}
    (done,) = told(driven.wait(800.0), Part.REPLICA)
    assert done.ended_s == pytest.approx(1000.0 + TRANSFER_S)
    assert done.stages[Stage.WEIGHTS] == pytest.approx(WEIGHTS_S)


def test_a_node_that_never_joins_fails_when_it_is_given_up(build: Build) -> None:
    driven = world(build, faults=(LostNodes(None, 1.0, 0.0, 100.0),)).scale(1).wait(500.0)
    (stuck,) = told(driven)
    assert (stuck.end, stuck.open_stage) == (StartEnd.WAITING, Stage.JOINED)
    (failed,) = told(driven.wait(600.0), end=StartEnd.FAILED)
    assert (failed.uid, failed.open_stage, failed.why) == (stuck.uid, Stage.JOINED, "it did not join within 900 s")
    assert failed.stages[Stage.JOINED] == GIVE_UP_S
    node, replica = told(driven.wait(600.0))
    assert (node.part, node.end, replica.end) == (Part.NODE, StartEnd.COMPLETE, StartEnd.COMPLETE)
    assert node.uid != failed.uid


def test_a_refusal_has_failed_and_what_waits_for_the_pool_says_nothing_meanwhile(build: Build) -> None:
    driven = world(build, faults=(StockOut(0, None, 0.0, 2000.0),)).scale(1)
    assert told(driven) == []
    (refused,) = told(driven.wait(100.0))
    assert (refused.part, refused.end, refused.why) == (Part.NODE, StartEnd.FAILED, "zone a has no stock")
    assert refused.stages == {Stage.ORDERED: 30.0}
    assert told(driven.wait(100.0)) == []


def test_a_spot_notice_ends_the_start_of_a_node_and_of_a_replica(build: Build) -> None:
    pool = build.pool(gpus_per_node=1, spot=CALM)
    for at_s, part, open_stage in ((60.0, Part.NODE, Stage.JOINED), (120.0, Part.REPLICA, Stage.WEIGHTS)):
        driven = world(build, pools=(pool,), faults=(ZoneLoss(0, 0, at_s),)).scale(1)
        assert told(driven) == []
        (failed,) = told(driven.until(at_s + 21.0), end=StartEnd.FAILED)
        assert (failed.part, failed.open_stage, failed.why) == (part, open_stage, "spot notice")


def test_a_placeholder_that_is_taken_back_before_its_node_came(build: Build) -> None:
    driven = world(build).hold(1).wait(50.0)
    (waiting,) = told(driven)
    (failed,) = told(driven.let_go(1).wait(1.0))
    assert waiting.open_stage is Stage.JOINED
    assert (failed.part, failed.end, failed.open_stage) == (Part.NODE, StartEnd.FAILED, Stage.JOINED)
    assert (failed.seconds, failed.why) == (50.0, "taken back")


# lives of a reader


def test_what_came_and_went_between_two_looks_is_told(build: Build) -> None:
    driven = world(build)
    assert told(driven) == []
    driven.scale(1).wait(300.0).scale(0).wait(1500.0)
    assert driven.nodes() == 0
    assert [(one.part, one.end) for one in told(driven)] == [(part, StartEnd.COMPLETE) for part in reversed(Part)]


def test_the_same_run_tells_the_same(build: Build) -> None:
    def run() -> list[list[Start]]:
        laws = tuple(StageLaw(one, 1.5 * one) for one in (WEIGHTS_S, CUDA_S, TRANSFER_S))
        driven = world(build, build.workload(stages=laws)).scale(5)
        return [told(driven.wait(10.0)) for _ in range(40)]

    assert run() == run()


def test_a_new_reader_does_not_know_what_went_before_it(build: Build) -> None:
    driven = world(build).scale(2).wait(50.0).scale(1).wait(200.0)
    reader = driven.world.starts_reader()
    ended = [one for one in reader.starts(driven.now_s) if one.end is not StartEnd.WAITING]
    assert {one.end for one in ended} == {StartEnd.COMPLETE}
    assert {one.part for one in ended} == set(Part)


def test_memory_is_bounded_however_much_goes_unread() -> None:
    gone = Departures(most=3)
    nodes = [Node(number, 0, 0, 1, 1) for number in range(10)]
    for node in nodes[:8]:
        gone.add(node)
    assert gone.since(0) == nodes[5:8]
    for node in nodes[8:]:
        gone.add(node)
    assert numbers(gone.since(8)) == [8, 9]
    assert gone.since(10) == []


def numbers(nodes: Iterable[object]) -> list[int]:
    return [node.number for node in nodes if isinstance(node, Node)]


# all of a run together


def test_in_any_weather_every_start_is_told_and_ends_once(build: Build) -> None:
    """Random floors and placeholders under spot losses, refusals, lost nodes, hangs, crashes and a new image."""
    driven, rng = stormy(build), np.random.default_rng(4)
    ended: list[Start] = []
    waiting: list[Start] = []
    bound = 0
    for _ in range(400):
        if rng.random() < 0.2:
            driven.scale(int(rng.integers(6)), workload=int(rng.integers(2)))
        act = driven.hold if rng.random() < 0.5 else driven.let_go
        act(1, workload=int(rng.integers(2)), pool=1, first=int(rng.integers(3)))
        driven.now_s += float(rng.uniform(1.0, 40.0))
        bound += int(driven.world.advance(driven.now_s).starts.sum())
        found = told(driven)
        ended += [one for one in found if one.end is not StartEnd.WAITING]
        waiting = [one for one in found if one.end is StartEnd.WAITING]
        assert all(is_sound(one) for one in found)
        assert not {(one.part, one.uid) for one in waiting} & {(one.part, one.uid) for one in ended}
    assert len({(one.part, one.uid) for one in ended}) == len(ended)
    replicas = [one for one in ended if one.part is Part.REPLICA]
    assert bound == len(replicas) + sum(one.part is Part.REPLICA for one in waiting) > 50
    complete = [one.seconds for one in replicas if one.end is StartEnd.COMPLETE]
    meant = [one.image_s + one.lost_s + sum(one.replica_s) for one in driven.world.journal.starts]
    assert sorted(complete) == pytest.approx(sorted(meant))
    whys = {why for one in ended if one.end is StartEnd.FAILED for why in one.why.split("; ")}
    assert whys >= {"spot notice", "let go before it was ready", "taken back"}
    assert whys >= {"zone a has no stock", "it hangs in cuda", "crashed while loading, started again once"}


def stormy(build: Build) -> Driven:
    """Two workloads, one of them on spot alone."""
    market = SpotMarket(mean_up_s=1800.0, zone_events_a_day=20.0, drought_s=300.0)
    pools = tuple(build.pool(gpus_per_node=2, max_nodes=6, zones=2, spot=spot) for spot in (None, market))
    faults = (
        StockOut(0, 0, 2000.0, 3000.0),
        LostNodes(None, 0.2, 0.0, 5000.0),
        StuckReplicas(None, 0.3, 0.0, 4000.0, "cuda"),
        CrashingReplicas(None, 0.3, *FOR_EVER, times=2),
        NewImage(0, 3500.0),
        ZoneLoss(1, None, 4500.0),
    )
    workloads = (loading(build, pools=(0, 1)), loading(build, pools=(1,), name="batch"))
    return world(build, *workloads, pools=pools, faults=faults, start=(1, 0))


def is_sound(start: Start) -> bool:
    """Stages of its own part, none negative; one is open unless all are over."""
    is_of_part = set(start.stages) <= set(start.part.stages) and min(start.stages.values()) >= 0.0
    return is_of_part and (start.open_stage is None) == (start.end is StartEnd.COMPLETE)
