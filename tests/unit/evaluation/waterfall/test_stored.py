"""Starts as JSON: they come back as they were, and what is something else is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from autoscaler.domain.lead_time import Stage, StartEnd
from autoscaler.evaluation.waterfall.segment import By
from autoscaler.evaluation.waterfall.stored import read, written
from autoscaler.evaluation.waterfall.summary import summary
from tests.unit.evaluation.waterfall.seen_starts import known, replica, seen


def test_what_was_written_comes_back_and_says_the_same() -> None:
    rich = replica(
        "x", 1.0, 2.0, 3.5, end=StartEnd.FAILED, in_stage=Stage.WEIGHTS, zone="b", digest="sha256:1", image="i",
        model_format="gguf", pod="ml/x", why='<b>"quoted"</b>',
    )  # fmt: skip
    there = known()
    there = replace(there, starts=(*there.starts, rich))
    back = read(json.loads(json.dumps(written(there))))
    assert sorted(back.starts, key=lambda start: start.uid) == sorted(there.starts, key=lambda start: start.uid)
    assert (back.now_s, back.gpus) == (there.now_s, there.gpus)
    for by in By:
        assert summary(back, by) == summary(there, by)


def test_the_whole_output_can_be_read_again() -> None:
    output = json.loads(json.dumps(summary(known(), By.ZONE)))
    assert len(read(output).starts) == len(known().starts)


Spoil = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda found: found.pop("starts"), "no 'starts' in it", id="no starts"),
        pytest.param(lambda found: found.update(nowSeconds="soon"), "'soon' is not a number from 0", id="time"),
        pytest.param(lambda found: found["starts"][0]["stages"].update(image=-1), "-1 is not a number", id="negative"),
        pytest.param(lambda found: found.update(nowSeconds=10**400), "too large", id="beyond numbers"),
        pytest.param(lambda found: found["starts"][0]["stages"].update(boot=1), "'boot' is not a valid", id="stage"),
        pytest.param(lambda found: found["starts"][0].update(stages={}), "are no stages of a replica", id="no stage"),
        pytest.param(lambda found: found["starts"][0].update(stages={"joined": 1}), "joined are no stages", id="part"),
        pytest.param(lambda found: found["starts"][0].update(stages=[1]), "no attribute", id="list of stages"),
        pytest.param(lambda found: found["gpusPerReplica"].update(chat=1.5), "1.5 is not a whole", id="gpus"),
        pytest.param(lambda found: found["starts"][0].update(end="done"), "'done' is not a valid", id="end"),
    ],
)
def test_what_is_something_else_is_refused(spoil: Spoil, said: str) -> None:
    found: dict[str, Any] = json.loads(json.dumps(written(seen([replica("a", 1.0, 2.0)]))))
    spoil(found)
    with pytest.raises(ValueError, match=said):
        read(found)


@pytest.mark.parametrize("found", [None, [], 3, "starts", {"starts": 3, "nowSeconds": 1}])
def test_no_object_of_starts_at_all(found: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(found)
