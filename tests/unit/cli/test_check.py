"""`simulate --check`: a line an expectation, exit codes for CI, parts switched off."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoscaler.cli import main
from autoscaler.evaluation.scenario.invariants import INVARIANTS

Write = Callable[..., Path]
Captured = pytest.CaptureFixture[str]

HOURS = ("warmup: 12h", "warmup: 1h"), ("score: 12h", "score: 2h")
LAST = "      transfer: {median: 20s, p90: 30s}\n"
SCHEDULE = (
    "lateAfter: 5s}\n  pools: {primary: [steady], burst: [cheap]}\n  replicas: {min: 0, via: scale}\n",
    "lateAfter: 5s}\n  pools: {primary: [steady], burst: [cheap]}\n  replicas: {min: 0, via: scale}\n"
    "  schedules: [{name: all-day, start: '0 0 * * *', duration: 1d, timezone: UTC, atLeast: {replicas: 12}}]\n",
)
EXPECT = (
    LAST,
    f"{LAST}  expect:\n"
    "    - {name: stands, what: floor, policy: chat, atLeast: 12, guards: schedules}\n"
    "    - {name: late, what: lateShare, atMost: 50%}\n",
)


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["simulate", *arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture
def good(scenario: Write, tmp_path: Path) -> str:
    return str(scenario(tmp_path, *HOURS, SCHEDULE, EXPECT))


def test_all_that_holds_ends_with_0_and_a_line_each(good: str, capsys: Captured) -> None:
    assert ended(good, "--check") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    passed = [line[1] for line in lines if line[:1] == ["pass"]]
    assert passed == ["stands", "late", *INVARIANTS]
    assert not [line for line in lines if line[:1] == ["FAIL"]]


def test_without_a_part_what_it_guards_fails_and_ends_with_1(good: str, capsys: Captured) -> None:
    assert ended(good, "--check", "--without", "schedules", "--without", "hold") == 1
    out = capsys.readouterr().out
    assert "FAIL" in out
    assert "stands: floor of chat, ours, first at 0d01h00m" in out
    assert "without hold: " in out
    assert "without schedules: " in out


def test_json_is_a_list_of_all(good: str, capsys: Captured) -> None:
    assert ended(good, "--check", "--format", "json", "--without", "schedules") == 1
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in found] == ["stands", "late", *INVARIANTS]
    assert (found[0]["holds"], found[0]["guards"], found[0]["at_s"]) == (False, "schedules", 3600.0)
    assert {row["guards"] for row in found[2:]} == {"invariant"}


def test_a_mistake_ends_with_2_and_its_place(scenario: Write, tmp_path: Path, capsys: Captured) -> None:
    path = scenario(tmp_path, (LAST, f"{LAST}  expect: [{{name: a, what: floors, atMost: 1}}]\n"))
    assert ended(str(path), "--check") == 2
    assert f"{path}:81:28  spec.expect.0.what" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--strategy", "hpa-70"], "--check with --strategy", id="strategy"),
        pytest.param(["--report", "r.html"], "--check with --timeline or --report", id="report"),
    ],
)
def test_what_does_not_go_together_is_said(
    good: str, arguments: list[str], said: str, capsys: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ended(good, "--check", *arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--check"], ["--without", "hold"]], ids=["check", "without"])
def test_a_trace_expects_nothing(trace: Write, tmp_path: Path, option: list[str], capsys: Captured) -> None:
    assert ended("--trace", str(trace(tmp_path)), *option) == 2
    assert "name a scenario file" in capsys.readouterr().err


def test_without_alone_shows_what_a_part_costs(good: str, capsys: Captured) -> None:
    costs = []
    for off in ([], ["--without", "schedules"]):
        assert ended(good, "--strategy", "ours", "--format", "json", *off) == 0
        costs.append(json.loads(capsys.readouterr().out)["gpu_hours"])
    assert costs[1] < costs[0]
