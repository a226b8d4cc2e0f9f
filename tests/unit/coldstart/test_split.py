"""A start split by stamps: each moment counts once, the whole stays as long as it was, skew and other starts aside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.coldstart.split import MOST_SKEW_S, TOLD, split
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.domain.stamp import Stamp, Witness

BOUND_S, STARTED_S, READY_S = 1_000_000.0, 1_000_010.0, 1_000_110.0
POD = "inference/chat-0"


def start(
    until_s: float = READY_S, end: StartEnd = StartEnd.COMPLETE, **stages: float
) -> Start:  # fmt: skip
    """Ten seconds of image, then as said, START where nothing is."""
    told = {Stage(name): seconds for name, seconds in stages.items()} or {Stage.START: until_s - STARTED_S}
    return Start(
        "uid", Part.REPLICA, "chat", "h100", StartPath.WARM_NODE, {Stage.IMAGE: 10.0, **told}, until_s, end, pod=POD
    )


def stamp(
    stage: Stage, from_s: float | None, until_s: float | None, witness: Witness = Witness.PROCESS, uid: str = ""
) -> Stamp:
    """Times since the containers' start."""
    begin = None if from_s is None else STARTED_S + from_s
    end = None if until_s is None else STARTED_S + until_s
    return Stamp(POD, stage, witness, begin, end, uid=uid)


def seconds(found: Start) -> dict[str, object]:
    return {stage.value: pytest.approx(s, abs=0.11) for stage, s in found.stages.items()}


def test_stages_that_follow_one_another_are_as_told_and_the_rest_has_names() -> None:
    stamps = [stamp(Stage.WEIGHTS, 5, 45), stamp(Stage.CUDA, 45, 55), stamp(Stage.TRANSFER, 55, 75)]
    found = split(start(), stamps)
    assert seconds(found) == {"image": 10, "start": 5, "weights": 40, "cuda": 10, "transfer": 20, "warm_up": 25}


def test_an_end_alone_begins_where_the_stage_before_it_ended() -> None:
    stamps = [stamp(Stage.TRANSFER, None, 75), stamp(Stage.WEIGHTS, None, 45), stamp(Stage.CUDA, None, 55)]
    found = split(start(), stamps)
    assert seconds(found) == {"image": 10, "weights": 45, "cuda": 10, "transfer": 20, "warm_up": 25}


def test_what_goes_on_at_a_time_counts_for_what_the_other_waits_for() -> None:
    streamed = [stamp(Stage.CUDA, 2, 8), stamp(Stage.WEIGHTS, 10, 60), stamp(Stage.TRANSFER, 12, 63)]
    found = split(start(), streamed)
    assert seconds(found) == {"image": 10, "start": 4, "cuda": 6, "weights": 50, "transfer": 3, "warm_up": 37}


def test_a_stage_that_nobody_tells_is_not_made_up() -> None:
    found = split(start(), [stamp(Stage.CUDA, 30, 36)])
    assert seconds(found) == {"image": 10, "start": 94, "cuda": 6}


def test_a_stage_whose_end_was_lost_is_not_made_up() -> None:
    found = split(start(), [stamp(Stage.CUDA, 30, 36), stamp(Stage.TRANSFER, 36, None)])
    assert seconds(found) == {"image": 10, "start": 94, "cuda": 6}


@pytest.mark.parametrize(
    "other",
    [
        stamp(Stage.WEIGHTS, -300, None),
        stamp(Stage.WEIGHTS, -300, -20),
        stamp(Stage.WEIGHTS, 30, 400),
        stamp(Stage.WARM_UP, 250, None),
    ],
)
def test_a_stamp_of_another_start_takes_nothing_from_the_others(other: Stamp) -> None:
    """The pod of this name before crashed while it loaded; a model is loaded anew long after Ready."""
    stamps = [stamp(Stage.WEIGHTS, 5, 45), stamp(Stage.CUDA, 45, 55), stamp(Stage.TRANSFER, 55, 75)]
    assert split(start(), [*stamps, other]) == split(start(), stamps)


def test_a_run_after_a_crash_has_not_loaded_what_the_one_before_had() -> None:
    """What was told of the crashed run stays, until the same is told of the one that goes on."""
    stamps = [stamp(Stage.WEIGHTS, 60, 90), stamp(Stage.TRANSFER, 30, 40)]
    found = split(start(end=StartEnd.WAITING), stamps)
    assert (seconds(found), found.in_stage) == ({"image": 10, "start": 70, "weights": 30}, Stage.START)


def test_several_processes_of_a_pod_are_one_stage_from_the_first_to_the_last() -> None:
    found = split(start(), [stamp(Stage.TRANSFER, 30, 40), stamp(Stage.TRANSFER, 33, 50)])
    assert found.stages[Stage.TRANSFER] == pytest.approx(20.0)


def test_the_process_is_believed_before_the_agent_stage_by_stage() -> None:
    stamps = [
        stamp(Stage.TRANSFER, 50, 70, Witness.AGENT),
        stamp(Stage.CUDA, 44, 50, Witness.AGENT),
        stamp(Stage.TRANSFER, 52, 66),
    ]
    found = split(start(), stamps)
    assert seconds(found) == {"image": 10, "start": 46, "cuda": 6, "transfer": 14, "warm_up": 34}


def test_where_only_durations_are_told_they_are_taken_from_what_is_not_told_apart() -> None:
    engine = Stamp(POD, Stage.WEIGHTS, Witness.ENGINE, seconds=64.0)
    assert seconds(split(start(), [engine])) == {"image": 10, "start": 36, "weights": 64}
    assert seconds(split(start(load=80.0, warm_up=20.0), [engine])) == {
        "image": 10, "load": 16, "weights": 64, "warm_up": 20,
    }  # fmt: skip
    longer = replace(engine, seconds=640.0)
    assert seconds(split(start(), [longer])) == {"image": 10, "weights": 100}
    waiting = start(READY_S - 50, StartEnd.WAITING)
    assert split(waiting, [engine]).stages == waiting.stages


def test_an_engine_that_tells_one_load_for_all_of_it_is_heard_where_nobody_tells_more() -> None:
    engine = Stamp(POD, Stage.LOAD, Witness.ENGINE, seconds=70.0)
    assert seconds(split(start(), [engine])) == {"image": 10, "start": 30, "load": 70}
    found = split(start(), [engine, stamp(Stage.CUDA, 30, 36, Witness.AGENT)])
    assert seconds(found) == {"image": 10, "start": 94, "cuda": 6}


def test_what_the_pods_conditions_tell_stays() -> None:
    told = start(weights=60.0, cuda=10.0, transfer=10.0, warm_up=20.0)
    assert split(told, [stamp(Stage.WEIGHTS, 0, 5, Witness.AGENT)]) == told


def test_a_loaded_model_of_a_condition_ends_what_is_not_told_apart() -> None:
    found = split(start(load=70.0, warm_up=30.0), [stamp(Stage.CUDA, 20, 25)])
    assert seconds(found) == {"image": 10, "start": 65, "cuda": 5, "warm_up": 30}


@pytest.mark.parametrize("skew_s", [-45.0, -5.0, 5.0, 45.0])
def test_a_clock_that_goes_wrong_moves_stages_and_keeps_their_length(skew_s: float) -> None:
    stamps = [
        stamp(Stage.WEIGHTS, skew_s, 60 + skew_s),
        stamp(Stage.CUDA, 60 + skew_s, 75 + skew_s),
        stamp(Stage.TRANSFER, 75 + skew_s, 98 + skew_s),
    ]
    found = split(start(), stamps)
    told = {stage: found.stages[stage] for stage in (Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER)}
    assert list(told.values()) == pytest.approx([60.0, 15.0, 23.0], abs=0.2)


@pytest.mark.parametrize(
    ("from_s", "until_s"),
    [
        pytest.param(-300.0, -200.0, id="the start before, of a pod of that name"),
        pytest.param(150.0, 170.0, id="loaded by the first request, after Ready"),
        pytest.param(-2 * MOST_SKEW_S, 40.0, id="a clock that is off by minutes"),
    ],
)
def test_stamps_of_another_start_change_nothing(from_s: float, until_s: float) -> None:
    assert split(start(), [stamp(Stage.WEIGHTS, from_s, until_s)]) == start()


def test_stamps_of_another_pod_of_that_name_change_nothing() -> None:
    assert split(start(), [stamp(Stage.WEIGHTS, 5, 45, uid="another")]) == start()
    assert split(start(), [stamp(Stage.WEIGHTS, 5, 45, uid="uid")]) != start()


@pytest.mark.parametrize("end", [StartEnd.WAITING, StartEnd.FAILED])
@pytest.mark.parametrize(
    ("passed_s", "stuck_in"), [(3.0, Stage.START), (30.0, Stage.WEIGHTS), (50.0, Stage.CUDA), (90.0, Stage.WARM_UP)]
)
def test_a_start_that_is_not_over_stands_in_the_stage_that_goes_on(
    end: StartEnd, passed_s: float, stuck_in: Stage
) -> None:
    told = [(Stage.WEIGHTS, 5, 45), (Stage.CUDA, 45, 55), (Stage.TRANSFER, 55, 75)]
    stamps = [
        stamp(stage, from_s, until_s if until_s <= passed_s else None)
        for stage, from_s, until_s in told
        if from_s <= passed_s
    ]
    found = split(start(STARTED_S + passed_s, end), stamps)
    assert found.open_stage is stuck_in
    assert found.seconds == pytest.approx(10.0 + passed_s)


def test_a_pod_that_still_pulls_is_only_described() -> None:
    pulling = replace(start(), stages={Stage.IMAGE: 30.0}, end=StartEnd.WAITING)
    stamps = [replace(stamp(Stage.WEIGHTS, 75, 95), path=StartPath.RESTORED, model_format="gguf")]
    assert split(pulling, stamps) == replace(pulling, path=StartPath.RESTORED, model_format="gguf")


def test_path_and_format_are_those_that_are_told() -> None:
    stamps = [replace(stamp(Stage.WEIGHTS, 5, 45), path=StartPath.WEIGHTS_PRESENT, model_format="safetensors")]
    found = split(start(), stamps)
    assert (found.path, found.model_format) == (StartPath.WEIGHTS_PRESENT, "safetensors")
    node = replace(start(), part=Part.NODE, stages={Stage.GPU: 1.0})
    assert split(node, stamps) == node


@st.composite
def some_stamps(draw: st.DrawFn) -> list[Stamp]:
    times = st.none() | st.floats(-200.0, 300.0)
    return [
        replace(
            stamp(draw(st.sampled_from(TOLD)), draw(times), draw(times), draw(st.sampled_from(Witness))),
            seconds=draw(st.none() | st.floats(0.0, 500.0)),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]


@given(some_stamps(), st.sampled_from(StartEnd), st.floats(1.0, 400.0), st.booleans())
def test_whatever_is_told_the_whole_stays_and_no_stage_is_negative(
    stamps: Sequence[Stamp], end: StartEnd, passed_s: float, has_condition: bool
) -> None:
    stages = {"load": passed_s * 0.7, "warm_up": passed_s * 0.3} if has_condition else {}
    whole = start(STARTED_S + passed_s, end, **stages)
    found = split(whole, stamps)
    assert found.seconds == pytest.approx(whole.seconds, abs=1e-3)
    assert found.stages[Stage.IMAGE] == 10.0
    assert all(s >= 0.0 for s in found.stages.values())
    assert split(whole, reversed(stamps)).seconds == pytest.approx(whole.seconds, abs=1e-3)
    assert found.end is StartEnd.COMPLETE or found.open_stage in found.stages
