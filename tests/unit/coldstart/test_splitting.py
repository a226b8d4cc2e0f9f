"""Starts and their stamps that come apart: too early, a scrape late, or never."""

from __future__ import annotations

from dataclasses import replace

from autoscaler.coldstart.splitting import KEEP_S, MOST, Splitting
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.domain.stamp import Stamp, Witness
from autoscaler.observe.lead_times import LeadTimes

NOW_S = 1_000_000.0
STAMPS = [Stamp("ns/a", Stage.WEIGHTS, Witness.AGENT, NOW_S - 80, NOW_S - 50)]


def start(end: StartEnd = StartEnd.COMPLETE, pod: str = "ns/a", uid: str = "uid-of-a") -> Start:
    stages = {Stage.IMAGE: 20.0, Stage.START: 80.0}
    return Start(uid, Part.REPLICA, "chat", "h100", StartPath.COLD_NODE, stages, NOW_S, end, pod=pod)


def test_stamps_that_come_after_the_start_is_over_are_told_once() -> None:
    splitting = Splitting()
    assert splitting.take([start()], [], NOW_S) == [start()]
    (late,) = splitting.take([], STAMPS, NOW_S + 30)
    assert late.stages == {Stage.IMAGE: 20.0, Stage.WEIGHTS: 30.0, Stage.START: 50.0}
    assert splitting.take([], STAMPS, NOW_S + 45) == []


def test_a_uid_tells_the_pod_whatever_its_name_is_said_to_be() -> None:
    for pod in ("", "monitoring/agent-x"):
        (found,) = Splitting().take([start()], [replace(STAMPS[0], pod=pod, uid="uid-of-a")], NOW_S)
        assert Stage.WEIGHTS in found.stages
    (found,) = Splitting().take([start()], [replace(STAMPS[0], uid="uid-of-another")], NOW_S)
    assert found == start()


def test_what_was_told_is_not_taken_back_when_stamps_go() -> None:
    splitting = Splitting()
    splitting.take([start()], STAMPS, NOW_S)
    assert splitting.take([], [], NOW_S + 30) == []


def test_lead_times_believe_the_one_that_tells_more_whichever_comes_first() -> None:
    splitting = Splitting()
    early = splitting.take([start()], [], NOW_S)
    late = splitting.take([], STAMPS, NOW_S + 30)
    for told in ([*early, *late], [*late, *early]):
        lead_times = LeadTimes(180.0, 120.0)
        lead_times.learn(told)
        assert [one.stages for one in lead_times.starts()] == [late[0].stages]


def test_stamps_are_asked_for_only_while_they_can_change_anything() -> None:
    splitting = Splitting()
    node = replace(start(), part=Part.NODE, stages={Stage.GPU: 3.0})
    assert not splitting.wants_stamps([node], NOW_S)
    assert splitting.wants_stamps([start(StartEnd.WAITING)], NOW_S)
    splitting.take([start()], [], NOW_S)
    assert splitting.wants_stamps([], NOW_S + KEEP_S)
    assert not splitting.wants_stamps([], NOW_S + KEEP_S + 1)


def test_memory_is_bounded_and_the_newest_stay() -> None:
    splitting = Splitting()
    splitting.take([start(uid=f"uid-{n}", pod=f"ns/{n}") for n in range(MOST + 5)], [], NOW_S)
    stamps = [replace(STAMPS[0], pod=f"ns/{n}") for n in range(MOST + 5)]
    told = splitting.take([], stamps, NOW_S + 15)
    assert [one.pod for one in told] == [f"ns/{n}" for n in range(5, MOST + 5)]


def test_a_clock_that_was_put_back_forgets_rather_than_keeps_for_ever() -> None:
    splitting = Splitting()
    splitting.take([start()], [], NOW_S)
    assert not splitting.wants_stamps([], NOW_S - 3600)
