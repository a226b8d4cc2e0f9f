"""`autoscaler plan`: a tick for people and for programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoscaler.cli.plan import show, summary
from autoscaler.controller.leads import LeadsInForce
from autoscaler.controller.tick import Tick
from autoscaler.domain.wish import NOTHING, Wish
from tests.unit.controller.live import Live, policy


@pytest.fixture
def ticks(tmp_path: Path) -> list[Tick]:
    """Of a policy that acts and one that observes: nothing is known at first, then the demand of both jumps."""
    live = Live(tmp_path, {"chat": [4.0, 4.0, 12.0], "code": [2.0, 2.0, 6.0]})
    live.write("a.yaml", policy("chat"), policy("code", "observe"))
    return live.run(4)


def seen(tick: Tick) -> list[tuple[Any, ...]]:
    rows: Any = summary(tick)["policies"]
    return [(row["policy"], row["mode"], row["demand"], row["signal"]) for row in rows]


def test_demand_is_told_with_the_signal_that_tells_it(ticks: list[Tick], capsys: pytest.CaptureFixture[str]) -> None:
    assert seen(ticks[0]) == [("chat", "act", None, None), ("code", "observe", None, None)]
    assert seen(ticks[3]) == [("chat", "act", 12.0, "arrivals"), ("code", "observe", 6.0, "arrivals")]
    show(ticks[0])
    assert capsys.readouterr().out.count("unknown") == 2
    show(ticks[3])
    assert capsys.readouterr().out.count("arrivals") == 2


def test_what_would_be_done_and_what_is_withheld(ticks: list[Tick], capsys: pytest.CaptureFixture[str]) -> None:
    tick = ticks[3]
    actions: Any = summary(tick)["actions"]
    withheld = {one["action"] for one in actions if one["withheld"]}
    done = {one["action"] for one in actions if not one["withheld"]}
    assert any(said.startswith("ask for at least ") and said.endswith(" replicas of chat") for said in done)
    assert any(said.startswith("ask for at least ") and said.endswith(" replicas of code") for said in withheld)
    show(tick)
    said = capsys.readouterr().out
    for action in done:
        assert f"would {action}\n" in said
    for action in withheld:
        assert f"would {action} if it were not in mode observe\n" in said


def test_what_the_first_request_waits_and_what_people_wish_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = Live(tmp_path, {"chat": [0.0] * 10})
    live.write("a.yaml", policy("chat", more="replicas: {min: 0}"), policy("code"))
    (tick,) = live.run(2)[-1:]
    assert tick.in_force is not None
    leads = LeadsInForce(180.0, 120.0)
    policies = replace(tick.in_force.policies, wishes=Wishes({"code": Wish(True, None, "kubectl-edit at noon")}))
    tick = replace(tick, in_force=replace(tick.in_force, leads=leads, policies=policies))
    rows: Any = summary(tick)["policies"]
    chat, code = rows
    assert chat["wakeUp"]["p90Seconds"] <= 360
    assert chat["wakeUp"]["said"].startswith("the first request waits about ")
    assert chat["wakeUp"]["said"].endswith("; no start was seen yet")
    assert (chat["wish"], code["wish"], code["wakeUp"]) == (None, "paused by kubectl-edit at noon", None)
    show(tick)
    said = capsys.readouterr().out
    assert f"chat: {chat['wakeUp']['said']}\n" in said
    assert "code: paused by kubectl-edit at noon\n" in said


class Wishes:
    """What people wish."""

    def __init__(self, given: dict[str, Wish]) -> None:
        self._given = given

    def wish(self, policy: str) -> Wish:
        return self._given.get(policy, NOTHING)
