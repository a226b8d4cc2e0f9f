"""Statuses on their way: only changes, not too often, never from one who leads no longer, and errors are told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autoscaler.adapters.kubernetes.connection import connect
from autoscaler.adapters.kubernetes.objects import Objects
from autoscaler.adapters.kubernetes.plans.plan import SeenPlan
from autoscaler.adapters.kubernetes.plans.reports import StatusReports
from autoscaler.adapters.kubernetes.transport import Transport
from autoscaler.domain.wish import NOTHING
from autoscaler.ports.plans import Condition, PlanFigures, PlanStatus
from tests.stepped_clock import SteppedClock
from tests.unit.adapters.kubernetes.conftest import Answer, Login, Script

PLAN = SeenPlan("chat", "u1", "7", 1, True, False, NOTHING, (), {})
FIGURES = PlanFigures(3, 4, 5, (), 0, 3.0, 0.0, "forecast")
WELL = (Condition("Ready", True, "Acting", "what is planned is done"),)
FORBIDDEN = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "capacityplans/status: no"}


class Desk:
    """Reports on a server that plays a script, with time that stands still."""

    def __init__(self, script: Script, login: Login) -> None:
        self.script, self.clock = script, SteppedClock()
        self.plan: SeenPlan | None = PLAN
        script.answers = [Answer(b"{}")]
        objects = Objects(Transport(connect(login.kubeconfig), self.clock, seed=1), "gpu-autoscaler")
        self.reports = StatusReports(objects, self.clock, "house", lambda _: self.plan)

    def report(self, demand: float = 3.0, ready: int = 3) -> None:
        figures = replace(FIGURES, demand_replicas=demand, ready_replicas=ready)
        self.reports.report("chat", PlanStatus(True, figures, WELL, self.clock.wall_s()))

    def written(self) -> list[int]:
        """Ready replicas of each status that was written."""
        return [json.loads(asked.body)["status"]["readyReplicas"] for asked in self.script.asked]


@pytest.fixture
def desk(script: Script, login: Login) -> Desk:
    return Desk(script, login)


def test_a_status_is_applied_on_its_subresource_as_ours(desk: Desk) -> None:
    desk.report()
    desk.reports.write_due()
    [asked] = desk.script.asked
    assert asked.method == "PATCH"
    path, _, query = asked.path.partition("?")
    assert path == "/apis/gpu-autoscaler.io/v1alpha1/namespaces/house/capacityplans/chat/status"
    assert "fieldManager=gpu-autoscaler" in query
    assert "force=true" in query
    body = json.loads(asked.body)
    assert (body["kind"], body["metadata"]) == ("CapacityPlan", {"name": "chat", "namespace": "house"})


def test_what_is_the_same_is_written_once_and_renewed_after_a_minute(desk: Desk) -> None:
    for _ in range(13):
        desk.report()
        desk.reports.write_due()
        desk.clock.move(5.0)
    assert desk.written() == [3, 3]


def test_changes_wait_their_turn_and_the_last_one_is_written(desk: Desk) -> None:
    waits = []
    for ready in range(6):
        desk.report(ready=ready)
        waits.append(desk.reports.write_due())
        desk.clock.move(1.0)
    assert desk.written() == [0, 5]
    assert waits[1:5] == [4.0, 3.0, 2.0, 1.0]


def test_what_nobody_repeats_is_not_written_again(desk: Desk) -> None:
    desk.report()
    desk.reports.write_due()
    desk.clock.move(600.0)
    desk.reports.write_due()
    assert len(desk.written()) == 1


def test_without_a_plan_nothing_is_written_and_a_new_one_is_told_all(desk: Desk) -> None:
    desk.report()
    desk.reports.write_due()
    desk.plan = None
    desk.clock.move(10.0)
    desk.report(ready=4)
    desk.reports.write_due()
    for uid in ("u2", "u3"):
        desk.plan = replace(PLAN, uid=uid)
        desk.report()
        desk.reports.write_due()
    assert desk.written() == [3, 3, 3]


def test_what_cannot_be_written_is_told_and_tried_again_for_a_while(desk: Desk) -> None:
    desk.script.answers = [Answer(json.dumps(FORBIDDEN).encode(), 403)]
    desk.report()
    assert desk.reports.write_due() == 5.0
    assert desk.reports.problem is not None
    assert "the status of chat is not shown" in desk.reports.problem
    assert "403" in desk.reports.problem
    desk.clock.move(5.0)
    desk.script.answers = [Answer(b"{}")]
    desk.reports.write_due()
    assert desk.reports.problem is None
    assert len(desk.written()) == 2


def test_what_could_not_be_written_for_long_is_dropped(desk: Desk) -> None:
    """The next leader may have said something newer by then."""
    desk.script.answers = [Answer(json.dumps(FORBIDDEN).encode(), 403)]
    desk.report()
    desk.reports.write_due()
    desk.script.answers = [Answer(b"{}")]
    desk.clock.move(31.0)
    desk.reports.write_due()
    assert len(desk.written()) == 1
