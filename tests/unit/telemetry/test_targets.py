"""Targets: a number only while it is known to hold; who may not be followed says why instead."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from autoscaler.controller.in_force import InForce
from autoscaler.domain.wish import NOTHING, Wish
from autoscaler.policy.folder import PolicySet
from autoscaler.ports.errors import Unavailable
from autoscaler.ports.plans import ShownPlan
from autoscaler.telemetry.targets import SHOWN_EVERY_S, LoopTargets
from tests.unit.controller.live import TICK_S, Live, policy

STALE_S = 4 * TICK_S


class Published(Live):
    """A live loop whose targets are read; what people wish, and what a leader shows, is set by the test."""

    def __init__(self, folder: Path) -> None:
        self.wishes: dict[str, Wish] = {}
        self.board: dict[str, ShownPlan] = {}
        super().__init__(folder, {"chat": [4.0] * 100})
        self.targets = LoopTargets(self.clock, STALE_S, self.board.get)

    def govern(self, found: PolicySet) -> InForce:
        in_force = super().govern(found)
        return replace(in_force, policies=replace(in_force.policies, wishes=self))

    def wish(self, policy: str) -> Wish:
        return self.wishes.get(policy, NOTHING)

    def told(self, ticks: int = 1) -> None:
        for tick in self.run(ticks):
            self.targets.tell(tick)

    def metric(self) -> str:
        registry = CollectorRegistry()
        registry.register(self.targets)
        return "\n".join(line for line in generate_latest(registry).decode().splitlines() if line[0] != "#")


@pytest.fixture
def live(tmp_path: Path) -> Published:
    found = Published(tmp_path)
    found.write("chat.yaml", policy("chat", more="replicas: {min: 0, via: metric}"))
    return found


def test_what_is_wanted_is_published_with_its_reasons(live: Published) -> None:
    live.told(20)
    code, told = live.targets.one("chat")
    tick = live.kept.ticks[-1]
    assert tick.report is not None
    assert tick.report.plan is not None
    floor = int(tick.report.plan.floor[0])
    assert floor >= 4
    assert (code, told["policy"], told["replicas"]) == (200, "chat", floor)
    assert "forecast" in told["reasons"]  # type: ignore[operator]
    assert str(told["asOf"]).endswith("Z")
    assert live.targets.all() == (200, {"targets": [told]})
    assert live.metric() == f'gpu_autoscaler_target_replicas{{policy="chat"}} {float(floor)}'


@pytest.mark.parametrize("why", ["observes", "is paused"])
def test_what_must_not_be_moved_is_no_number(live: Published, why: str) -> None:
    if why == "observes":
        live.write("chat.yaml", policy("chat", "observe"))
    else:
        live.wishes["chat"] = Wish(True)
    live.told(20)
    code, told = live.targets.one("chat")
    assert code == 200
    assert "replicas" not in told
    assert told["wouldBe"] >= 4  # type: ignore[operator]
    assert why in str(told["withheld"])
    assert live.metric() == ""


def test_a_plan_that_is_old_is_published_no_more(live: Published) -> None:
    """Ticks that see nothing leave the last plan for a while; then nobody knows any more."""
    live.told(20)
    before = live.targets.one("chat")
    live.town.broken = Unavailable("kube-apiserver: refused")
    live.told(3)
    assert live.targets.one("chat") == before
    live.told(3)
    code, told = live.targets.one("chat")
    assert (code, "replicas" in told) == (503, False)
    assert "the last plan is " in str(told["error"])
    assert live.targets.all()[0] == 503
    assert live.metric() == ""
    live.town.broken = None
    live.told()
    assert live.targets.one("chat")[0] == 200


def test_nothing_is_known_of_what_is_not_planned(live: Published) -> None:
    assert live.targets.all() == (503, {"error": "no policy is in force"})
    live.told()
    code, told = live.targets.one("other")
    assert (code, "there are: chat" in str(told["error"])) == (404, True)
    live.write("code.yaml", policy("code"))
    (tick,) = live.run(1)
    live.targets.tell(replace(tick, report=None))
    assert live.targets.one("code")[0] == 503
    assert live.targets.all()[0] == 200


def test_a_follower_publishes_what_the_leader_shows(live: Published) -> None:
    """A Service sends every other request to a follower."""
    live.lead.leads = False
    live.told()
    assert live.targets.one("chat")[0] == 503
    now_s = live.clock.wall_s()
    live.board["chat"] = ShownPlan(7, True, False, "forecast; hold", now_s - 60.0)
    live.told()
    code, told = live.targets.one("chat")
    assert (code, told["replicas"], told["reasons"]) == (200, 7, ["forecast", "hold"])
    assert live.metric() == ""
    live.board["chat"] = ShownPlan(7, True, True, "paused", live.clock.wall_s())
    live.told()
    assert "replicas" not in live.targets.one("chat")[1]
    live.board["chat"] = ShownPlan(7, True, False, "forecast", live.clock.wall_s() - SHOWN_EVERY_S - STALE_S)
    live.told()
    assert live.targets.one("chat")[0] == 503
