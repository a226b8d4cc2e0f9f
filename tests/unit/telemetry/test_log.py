"""The log: decisions when they change, problems once, failures with their traceback; objects or lines for people."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from autoscaler.ports.errors import Unavailable
from autoscaler.telemetry.log import LogFormat, LoopLog, logger
from tests.unit.controller.live import Live, policy


class Logged:
    """A live loop and what it wrote."""

    def __init__(self, folder: Path, form: LogFormat = LogFormat.JSON) -> None:
        self.out = io.StringIO()
        self.live = Live(folder, {"chat": [4.0] * 1000}, outlets=(LoopLog(logger(form, self.out)),))
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
