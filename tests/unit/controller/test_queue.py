"""Queued work in a tick: seen, decided beside the plan of the same tick, done; what cannot be seen changes nothing."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.controller.queue import queue_problems
from autoscaler.domain.queue import Stand
from autoscaler.domain.wish import NOTHING, Wish
from autoscaler.ports.errors import Unavailable
from tests.unit.controller.waiting import Waiting, governed, tick


class Pausing:
    """A person has paused the policy."""

    def wish(self, policy: str) -> Wish:
        return Wish(True) if policy == "training" else NOTHING


def test_work_gets_its_room_where_no_policy_forecasts() -> None:
    port = Waiting()
    report = tick(port, governed()).queue
    assert port.held == [("job", (0,))]
    assert report is not None
    assert [one.stand for one in report.decisions] == [Stand.ON_ORDER]
    assert [one.error for one in report.outcomes] == [None]


def test_what_is_paused_is_told_and_not_done() -> None:
    port = Waiting()
    report = tick(port, replace(governed(), wishes=Pausing())).queue
    assert port.held == []
    assert report is not None
    assert len(report.withheld) == 1


def test_what_cannot_be_seen_changes_nothing_and_is_told() -> None:
    port, policies = Waiting(Unavailable("watch jobs: no news")), governed()
    report = tick(port, policies)
    assert port.held == []
    assert report.error is None
    assert queue_problems(report.queue, policies) == ("queued work: Unavailable: watch jobs: no news",)


def test_what_is_refused_is_told() -> None:
    policies = governed()
    report = tick(Waiting(refuses=True), policies)
    assert queue_problems(report.queue, policies) == ("training: QuotaExceeded: create pods: exceeded quota",)


def test_a_defect_in_it_does_not_stop_the_rest_of_the_tick() -> None:
    policies = governed()
    report = tick(Waiting(ValueError("a defect")), policies)
    assert report.plan is not None
    assert "a defect" in queue_problems(report.queue, policies)[0]
