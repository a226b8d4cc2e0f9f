"""The fluid queue: who is served, who leaves, who is late; by hand, and against small steps."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.simulator.flow import Flow


@dataclass(frozen=True)
class Phase:
    """A time in which arrivals and replicas stay as they are."""

    seconds: float
    rate: float
    ready: int


@dataclass(frozen=True)
class Case:
    requests_per_s: float = 1.0
    late_after_s: float = 1.0
    patience_s: float = 30.0
    phases: tuple[Phase, ...] = ()


def after(*phases: Phase, late_after_s: float = 1.0, patience_s: float = 30.0) -> Flow:
    """The queue when the phases are over; a replica serves one request a second."""
    return played(Case(late_after_s=late_after_s, patience_s=patience_s, phases=phases))


def played(case: Case, every_s: float = 1e9) -> Flow:
    flow = Flow(case.requests_per_s, case.late_after_s, case.patience_s)
    for phase in case.phases:
        flow.rate, flow.ready = phase.rate, phase.ready
        ends_s = flow.at_s + phase.seconds
        while flow.at_s < ends_s:
            flow.to(min(flow.at_s + every_s, ends_s))
    return flow


def test_whoever_finds_a_free_replica_is_served_at_once() -> None:
    flow = after(Phase(60.0, rate=3.0, ready=3))
    assert (flow.arrived, flow.served, flow.queue, flow.late) == (180.0, 180.0, 0.0, 0.0)


def test_an_overload_queues_and_those_are_late_whose_wait_has_been_too_long() -> None:
    # Arrivals of second a are served at 1.5 a: those of after second 2 wait too long, the last second's not yet.
    flow = after(Phase(10.0, rate=3.0, ready=2))
    assert flow.served == pytest.approx(20.0)
    assert flow.queue == pytest.approx(10.0)
    assert flow.late == pytest.approx(3.0 * (9.0 - 2.0))


def test_a_queue_drains_in_order_of_arrival() -> None:
    flow = after(Phase(10.0, rate=3.0, ready=2), Phase(5.0, rate=0.0, ready=2))
    assert flow.queue == pytest.approx(0.0)
    assert flow.served == pytest.approx(30.0)
    assert flow.late == pytest.approx(3.0 * (10.0 - 2.0))


def test_a_queue_that_drains_while_others_come_makes_those_late_who_wait_behind_it() -> None:
    # Ten seconds without a replica, then twice the capacity: the head catches up after ten more.
    flow = after(Phase(10.0, rate=1.0, ready=0), Phase(20.0, rate=1.0, ready=2))
    assert flow.queue == pytest.approx(0.0)
    assert flow.served == pytest.approx(30.0)
    # The wait falls from 10 s at the first arrival to 0 at second 20; it is one second at second 18.
    assert flow.late == pytest.approx(18.0)


def test_nobody_is_served_without_a_replica() -> None:
    flow = after(Phase(10.0, rate=2.0, ready=0))
    assert flow.served == 0.0
    assert flow.queue == pytest.approx(20.0)
    assert flow.late == pytest.approx(2.0 * 9.0)


def test_whoever_is_served_in_time_is_not_late_though_there_was_no_replica_when_it_came() -> None:
    assert after(Phase(0.5, rate=10.0, ready=0), Phase(5.0, rate=0.0, ready=20)).late == 0.0


def test_a_wait_of_just_the_limit_is_not_late() -> None:
    assert after(Phase(1.0, rate=1.0, ready=0), Phase(60.0, rate=1.0, ready=1)).late == pytest.approx(0.0, abs=1e-5)


def test_whoever_has_waited_long_enough_leaves_and_was_late() -> None:
    flow = after(Phase(40.0, rate=2.0, ready=0), patience_s=30.0)
    assert flow.left == pytest.approx(2.0 * 10.0)
    assert flow.queue == pytest.approx(2.0 * 30.0)
    assert flow.late == pytest.approx(2.0 * 39.0)


def test_with_less_patience_than_the_limit_only_those_who_leave_are_late() -> None:
    # The wait is 5 s from second 15 on; of three a second two are served then.
    flow = after(Phase(115.0, rate=3.0, ready=2), late_after_s=10.0, patience_s=5.0)
    assert flow.left == pytest.approx(100.0)
    assert flow.late == pytest.approx(100.0)
    assert flow.served == pytest.approx(230.0)
    assert flow.queue == pytest.approx(15.0)


def test_with_patience_of_just_the_limit_those_who_are_served_are_in_time() -> None:
    flow = after(Phase(100.0, rate=3.0, ready=2), late_after_s=5.0, patience_s=5.0)
    assert flow.late == pytest.approx(flow.left)


def test_the_impatient_leave_though_nobody_comes_any_more() -> None:
    flow = after(Phase(10.0, rate=1.0, ready=0), Phase(35.0, rate=0.0, ready=0), patience_s=30.0)
    assert flow.queue == pytest.approx(0.0, abs=1e-6)
    assert flow.left == pytest.approx(10.0)
    assert flow.late == pytest.approx(10.0)


def test_replicas_work_as_long_as_they_serve() -> None:
    flow = after(Phase(60.0, rate=3.0, ready=4), Phase(40.0, rate=0.0, ready=4))
    assert (flow.busy_s, flow.ready_s) == (180.0, 400.0)


def test_time_that_has_passed_counts_once() -> None:
    flow = after(Phase(10.0, rate=3.0, ready=2))
    seen = replace(flow)
    flow.to(10.0)
    assert flow == seen


@dataclass(slots=True)
class Counted:
    """What small steps count."""

    arrived: float = 0.0
    served: float = 0.0
    left: float = 0.0
    late: float = 0.0
    queue: float = 0.0


def in_small_steps(case: Case, per_s: int) -> Counted:
    """Every 1/per_s seconds one batch comes, the head is served, the impatient leave; ages are whole steps."""
    counted, waiting, step = Counted(), deque[list[float]](), 0
    for phase in case.phases:
        for _ in range(round(phase.seconds * per_s)):
            counted.arrived += phase.rate / per_s
            waiting.append([step, phase.rate / per_s])
            while waiting and step - waiting[0][0] >= case.patience_s * per_s:
                counted.left += waiting[0][1]
                counted.late += waiting.popleft()[1]
            room = phase.ready * case.requests_per_s / per_s
            while waiting and room > 0.0:
                done = min(room, waiting[0][1])
                room -= done
                counted.served += done
                counted.late += done if step - waiting[0][0] > case.late_after_s * per_s else 0.0
                waiting[0][1] -= done
                if waiting[0][1] <= 1e-12:
                    waiting.popleft()
            step += 1
    counted.queue = sum(amount for _, amount in waiting)
    counted.late += sum(amount for came, amount in waiting if step - came > case.late_after_s * per_s)
    return counted


PHASES = st.lists(
    st.builds(Phase, st.integers(1, 12).map(float), st.integers(0, 9).map(float), st.integers(0, 6)),
    min_size=1,
    max_size=6,
).map(tuple)
CASES = st.builds(
    Case,
    requests_per_s=st.sampled_from([0.7, 1.0, 2.3]),
    late_after_s=st.sampled_from([0.23, 1.37, 6.0, 9.0]),
    patience_s=st.sampled_from([3.0, 6.0, 11.0]),
    phases=PHASES,
)


@given(CASES)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_small_steps_count_the_same(case: Case) -> None:
    """A wait is known to a step or two, so who is late is bracketed by limits that much higher and lower."""
    flow, counted = played(case), in_small_steps(case, per_s := 200)
    highest = max(max(p.rate, p.ready * case.requests_per_s) for p in case.phases)
    close = 3.0 * len(case.phases) * (highest + 1.0) / per_s
    for name in ("arrived", "served", "left", "queue"):
        assert getattr(flow, name) == pytest.approx(getattr(counted, name), abs=close), name
    fewer, more = (in_small_steps(replace(case, late_after_s=case.late_after_s + d / per_s), per_s) for d in (2, -2))
    assert fewer.late - close <= flow.late <= more.late + close


@given(CASES)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_nothing_is_lost_and_nothing_comes_from_nowhere(case: Case) -> None:
    flow = played(case)
    able = sum(p.seconds * p.ready * case.requests_per_s for p in case.phases)
    assert flow.served + flow.left + flow.queue == pytest.approx(flow.arrived, abs=1e-4)
    assert min(flow.served, flow.left, flow.queue, flow.late) >= 0.0
    assert flow.served <= able + 1e-4
    assert flow.left <= flow.late + 1e-4
    assert flow.late <= flow.arrived + 1e-4
    assert flow.busy_s <= flow.ready_s + 1e-4


@given(CASES, st.sampled_from([0.4, 1.0, 3.7]))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_looking_more_often_changes_nothing(case: Case, every_s: float) -> None:
    seldom, often = played(case), played(case, every_s)
    for name in ("arrived", "served", "left", "queue", "late"):
        assert getattr(often, name) == pytest.approx(getattr(seldom, name), abs=1e-3), name
