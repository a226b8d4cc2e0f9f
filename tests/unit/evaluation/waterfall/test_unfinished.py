"""Starts that failed, and starts that wait for longer than one can believe in."""

from __future__ import annotations

from typing import Any

import pytest

from autoscaler.domain.lead_time import Stage, Start, StartEnd, StartPath
from autoscaler.evaluation.waterfall.unfinished import alike, unfinished
from autoscaler.evaluation.waterfall.words import alike_line
from tests.unit.evaluation.waterfall.seen_starts import node, replica

WAITING = StartEnd.WAITING
USUAL = [replica(f"c{n}", 30.0, 70.0) for n in range(5)]


def waits(weights_s: float, **more: Any) -> Start:
    return replica("w", 30.0, weights_s, end=WAITING, **more)


@pytest.mark.parametrize(
    ("starts", "is_stuck"),
    [
        pytest.param([*USUAL, waits(200.0)], False, id="within three times the usual"),
        pytest.param([*USUAL, waits(271.0)], True, id="beyond it"),
        pytest.param([*USUAL, replica("slow", 30.0, 400.0), waits(271.0)], False, id="others took so long too"),
        pytest.param([waits(800.0)], False, id="nobody knows how long it takes"),
        pytest.param([waits(871.0)], True, id="but not for ever"),
        pytest.param([*USUAL, waits(271.0, path=StartPath.IMAGE_PRESENT)], True, id="none of its path, but of others"),
        pytest.param([*USUAL, waits(271.0, policy="search")], True, id="none of its workload, but of others"),
        pytest.param([*USUAL, node("w", 301.0, end=WAITING)], False, id="a node is no replica"),
    ],
)
def test_when_one_is_stuck(starts: list[Start], is_stuck: bool) -> None:
    assert [one.start.uid for one in unfinished(starts)] == (["w"] if is_stuck else [])


def test_those_of_its_own_kind_say_what_is_usual() -> None:
    quick = [replica(f"q{n}", 1.0, 9.0, path=StartPath.WEIGHTS_PRESENT) for n in range(3)]
    hung = waits(40.0, path=StartPath.WEIGHTS_PRESENT)
    (found,) = unfinished([*USUAL, *quick, hung])
    assert (found.start, found.usual_s) == (hung, 30.0)


def test_all_are_told_with_where_and_why_alike_ones_together() -> None:
    failed = [node(f"n{n}", 500.0 + n, end=StartEnd.FAILED, zone="b", why="no capacity") for n in range(3)]
    hung = waits(900.0, pod="ml/chat-1", in_stage=Stage.IMAGE)
    crashed = replica("x", 30.0, 1.0, end=StartEnd.FAILED)
    lines = [alike_line(group) for group in alike(unfinished([crashed, *failed, *USUAL, hung]))]
    assert lines == [
        "1 stuck in image: chat, pool h100: 930 s so far, usual is up to 300 s: replica ml/chat-1",
        "3 failed in node ordered: chat, pool h100: no capacity; the longest 502 s: node n2, zone b",
        "1 failed in weights: chat, pool h100: 31 s: replica x",
    ]
