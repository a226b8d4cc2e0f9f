"""The log: decisions when they change, problems once, failures with their traceback; objects or lines for people."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from autoscaler.domain.ending import EndFate, PlaceholderEnd, Taker
from autoscaler.ports.errors import Unavailable
from autoscaler.telemetry.log import MOST_ENDED, LogFormat, LoopLog, logger
from tests.unit.controller.live import Live, policy

STEADY = [4.0] * 1000
RISE = [2.0] * 30 + [float(n) for n in range(2, 21)] + [20.0] * 100


class Logged:
    """A live loop and what it wrote."""

    def __init__(self, folder: Path, form: LogFormat = LogFormat.JSON, demand: Sequence[float] = STEADY) -> None:
        self.out = io.StringIO()
        self.live = Live(folder, {"chat": demand}, outlets=(LoopLog(logger(form, self.out)),))
        self.live.write("chat.yaml", policy("chat"))

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.out.getvalue().splitlines()]
        return [line for line in found if line["event"] == event]


def test_a_decision_is_one_line_when_it_changes(tmp_path: Path) -> None:
    logged = Logged(tmp_path)
    logged.live.run(60)
    lines = logged.lines("decision")
    assert 1 <= len(lines) < 20
    assert lines[0]["policy"] == "chat"
    assert lines[0]["floor_was"] is None
    assert lines[0]["mode"] == "act"
    assert lines[0]["reason"]
    assert lines[0]["level"] == "info"
    assert lines[0]["timestamp"].endswith("Z")
    for before, after in pairwise(lines):
        assert after["floor_was"] == before["floor"]


def test_a_problem_is_said_once_and_its_end_too(tmp_path: Path) -> None:
    logged = Logged(tmp_path)
    logged.live.run(2)
    logged.live.town.broken = Unavailable("kube-apiserver: refused")
    logged.live.run(10)
    logged.live.town.broken = None
    logged.live.run(2)
    said = "Unavailable: kube-apiserver: refused"
    assert [line["problem"] for line in logged.lines("problem")] == [said]
    assert [line["problem"] for line in logged.lines("no longer a problem")] == [said]


def test_a_failure_has_its_traceback(tmp_path: Path) -> None:
    logged = Logged(tmp_path)
    logged.live.town.broken = KeyError("spec")
    logged.live.run(1)
    (line,) = logged.lines("tick failed")
    assert line["level"] == "error"
    assert "Traceback" in line["exception"]
    assert "KeyError: 'spec'" in line["exception"]


def test_who_leads_is_said_when_it_changes(tmp_path: Path) -> None:
    logged = Logged(tmp_path)
    logged.live.run(3)
    logged.live.lead.leads = False
    logged.live.run(3)
    assert len(logged.lines("leader")) == len(logged.lines("follower")) == 1


def test_lines_for_people(tmp_path: Path) -> None:
    logged = Logged(tmp_path, LogFormat.CONSOLE)
    logged.live.run(1)
    text = logged.out.getvalue()
    assert "decision" in text
    assert "policy=chat" in text
    assert "\x1b" not in text


def test_placeholders_that_ended_have_a_line_each_warnings_first_and_not_too_many(tmp_path: Path) -> None:
    logged = Logged(tmp_path)
    logged.live.run(1)
    taken = PlaceholderEnd("chat", "h100", 0, 0.0, EndFate.CONSUMED, "Cause", "why", Taker.OTHER, "research/train-0")
    used = replace(taken, taker=Taker.OWN, taken_by="inference/chat-1")
    lost = [PlaceholderEnd("chat", "h100", slot, 0.0, EndFate.LOST, "NodeGone", "node n is gone") for slot in range(3)]
    released = [replace(one, fate=EndFate.RELEASED, cause="Released") for one in lost * (MOST_ENDED // 3)]
    logged.live.ended = (used, *released, *lost, taken)
    logged.live.run(2)
    lines = logged.lines("placeholder ended")
    assert len(lines) == MOST_ENDED
    assert [line["level"] for line in lines[:5]] == ["warning"] * 4 + ["info"]
    assert lines[0] | {"timestamp": ""} == {
        "event": "placeholder ended", "level": "warning", "timestamp": "", "policy": "chat", "pool": "h100", "slot": 0,
        "fate": "lost", "cause": "NodeGone", "reason": "node n is gone",
    }  # fmt: skip
    assert (lines[3]["taker"], lines[3]["taken_by"]) == ("somebody else", "research/train-0")
    assert (lines[4]["taker"], lines[4]["taken_by"]) == ("its own workload", "inference/chat-1")
    (rest,) = logged.lines("more placeholders ended")
    assert rest["released"] == len(logged.live.kept.ticks[1].ended) - MOST_ENDED


def test_what_is_held_back_is_a_problem_while_it_is(tmp_path: Path) -> None:
    logged = Logged(tmp_path, demand=RISE)
    live = logged.live
    live.write("chat.yaml", policy("chat"), policy("code"))
    failed = PlaceholderEnd("chat", "h100", 0, live.clock.wall_s() + 1e6, EndFate.FAILED, "OutOfcpu", "no cpu")
    live.town.ended = tuple(replace(failed, slot=slot) for slot in range(60))
    live.run(60)
    said = {line["problem"] for line in logged.lines("problem")}
    assert said == {
        "chat h100: placeholder held back: ended once within 3600 s, the last time failed (OutOfcpu): asked for again "
        "30 s after that"
    }
