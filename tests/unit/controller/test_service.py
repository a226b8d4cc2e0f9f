"""The live loop: goes on whatever happens, acts only where it leads and may, and takes new policies over."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from autoscaler.controller.health import Health
from autoscaler.controller.tick import Tick
from autoscaler.domain.ending import EndFate, PlaceholderEnd
from autoscaler.ports.errors import Unavailable
from autoscaler.simulator.store import MemoryStore
from tests.unit.controller.live import REPLICA_S, TICK_S, Kept, Lead, Live, Town, policy

RISE = [2.0] * 30 + list(np.linspace(2.0, 20.0, 30)) + [20.0] * 200
FALL = [20.0] * 30 + [2.0] * 400


@pytest.fixture
def live(tmp_path: Path) -> Live:
    """Chat rises from 2 to 20 replicas between minute 30 and 60."""
    found = Live(tmp_path, {"chat": RISE})
    found.write("chat.yaml", policy("chat"))
    return found


def plans(ticks: list[Tick]) -> list[list[int]]:
    return [tick.report.plan.floor.tolist() for tick in ticks if tick.report and tick.report.plan]


def test_the_loop_acts_and_says_what_it_did(live: Live) -> None:
    ticks = live.run(80)
    assert live.floors()["chat"] >= 20
    assert all(tick.failure is None and not tick.problems and tick.leads for tick in ticks)
    assert ticks[0].notes == ("policies in force: 1", "history begins now: nobody remembers the past")
    assert all(not tick.notes for tick in ticks[1:])
    assert live.swept == 80
    assert {name for _, name, _ in live.town.writes} == {"chat"}


def test_room_that_is_lost_again_and_again_is_asked_for_again_later(live: Live) -> None:
    """Two workloads on one pool of nodes that they share, so that room is held; all slots have just failed."""
    live.write("chat.yaml", policy("chat"), policy("code"))
    begin_s = live.clock.wall_s()
    live.town.ended = tuple(
        PlaceholderEnd(name, "h100", slot, begin_s + 4000.0, EndFate.FAILED, "Cause", "")
        for name in ("chat", "code")
        for slot in range(60)
        for _ in range(9)
    )
    ticks = live.run(80)
    held = [held for tick in ticks if tick.report for held in tick.report.held_back]
    assert held
    assert not [write for write in live.town.writes if write[0] == "create"]
    assert live.floors()["chat"] >= 20
    live.town.ended = ()
    assert not [tick for tick in live.run(1) if tick.report is None or tick.report.held_back]


def test_a_policy_that_observes_is_planned_and_nothing_of_it_is_touched(live: Live) -> None:
    live.write("chat.yaml", policy("chat", mode="observe"))
    ticks = live.run(80)
    assert live.town.writes == []
    assert live.floors()["chat"] == 2
    assert plans(ticks)[-1][0] >= 20
    assert ticks[-1].report is not None
    assert ticks[-1].report.withheld
    assert not ticks[-1].report.outcomes


def test_beside_one_that_observes_another_acts(live: Live) -> None:
    live.write("chat.yaml", policy("chat", mode="observe"), policy("code"))
    live.run(80)
    assert {name for _, name, _ in live.town.writes} <= {"code"}
    assert live.floors()["chat"] == 2


def test_a_new_file_is_in_force_in_the_next_tick_and_what_was_learned_stays(live: Live) -> None:
    live.run(80)
    floor = live.floors()["chat"]
    state = live.service.state
    assert state is not None
    bins = state.history.known_bins()
    live.write("code.yaml", policy("code"))
    ticks = live.run(1)
    assert ticks[0].in_force is not None
    assert ticks[0].in_force.policies.fleet.names == ("chat", "code")
    assert live.closed == 1
    after = live.service.state
    assert after is not None
    assert after.history.known_bins() == bins + 1
    assert live.floors()["chat"] == floor
    live.run(30)
    assert min(plan[0] for plan in plans(live.kept.ticks[80:])) >= 20


def test_a_file_that_changes_only_figures_keeps_the_very_state(live: Live) -> None:
    live.run(20)
    state = live.service.state
    live.write("chat.yaml", policy("chat", more="objective: {lateRequests: 5%}"))
    live.run(1)
    assert live.service.state is state
    assert live.kept.ticks[-1].in_force is not None
    assert live.kept.ticks[-1].in_force.policies.fleet.late_target.tolist() == [0.05]


def test_a_broken_file_leaves_the_last_good_one_in_force_and_is_said(live: Live) -> None:
    live.run(10)
    live.write("chat.yaml", "kind: CapacityPolicy\n")
    tick = live.run(1)[0]
    assert any("chat.yaml" in line for line in tick.policy_problems)
    assert tick.in_force is not None
    assert tick.in_force.policies.fleet.names == ("chat",)
    assert tick.report is not None
    assert tick.report.plan is not None
    live.write("chat.yaml", policy("chat"))
    assert live.run(1)[0].policy_problems == ()


def test_a_file_that_goes_takes_its_policy_with_it(live: Live) -> None:
    live.write("code.yaml", policy("code"))
    live.run(5)
    (live.folder / "code.yaml").unlink()
    tick = live.run(1)[0]
    assert tick.in_force is not None
    assert tick.in_force.policies.fleet.names == ("chat",)
    (live.folder / "chat.yaml").unlink()
    empty = live.run(2)[-1]
    assert empty.report is None
    assert empty.failure is None
    live.write("chat.yaml", policy("chat"))
    assert plans(live.run(1)) != []


def test_policies_that_cannot_be_taken_into_force_are_tried_again_while_the_others_go_on(live: Live) -> None:
    live.run(5)
    live.write("code.yaml", policy("code"))
    live.refuses = Unavailable("list pods: no answer")
    ticks = live.run(3)
    assert all("list pods: no answer" in tick.problems[0] for tick in ticks)
    assert len(plans(ticks)) == 3
    live.refuses = None
    tick = live.run(1)[0]
    assert tick.in_force is not None
    assert tick.in_force.policies.fleet.names == ("chat", "code")


def test_a_defect_in_taking_policies_into_force_stops_nothing_else(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.run(5)
    live.write("code.yaml", policy("code"))
    monkeypatch.setattr(live.service, "_govern", lambda _: 1 / 0)
    ticks = live.run(2)
    assert [type(tick.failure) for tick in ticks] == [ZeroDivisionError] * 2
    assert len(plans(ticks)) == 2


def test_who_follows_learns_and_writes_nothing_and_takes_over_at_once(tmp_path: Path) -> None:
    lead, behind = Lead(), Lead(leads=False)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = Live(tmp_path / "one", {"chat": RISE}, lead=lead)
    second = Live(tmp_path / "two", town=first.town, lead=behind)
    for one in (first, second):
        one.write("chat.yaml", policy("chat"))
    for _ in range(70):
        second.service.tick()
        first.service.tick()
        first.town.advance()
    assert all(tick.report and tick.report.plan is None for tick in second.kept.ticks)
    written, floor = len(first.town.writes), first.floors()["chat"]
    lead.leads, behind.leads = False, True
    first.service.tick()
    second.service.tick()
    assert first.kept.ticks[-1].report is not None
    assert first.kept.ticks[-1].report.plan is None
    assert first.floors()["chat"] >= min(floor, 20)
    mine, theirs = first.service.state, second.service.state
    assert mine is not None
    assert theirs is not None
    assert mine.history.known_bins() == theirs.history.known_bins()
    assert written > 0


def test_a_lead_that_is_lost_in_the_middle_of_a_tick_writes_nothing_more(live: Live) -> None:
    live.run(45)
    before = len(live.town.writes)
    asked = iter([True, True])
    live.lead.is_leader = lambda: next(asked, False)  # type: ignore[method-assign]
    (tick,) = live.run(1, lambda _: live.town.world.set_floor(0, 0))
    assert tick.report is not None
    assert len(live.town.writes) <= before + 1
    assert all(outcome.error and "another controller" in outcome.error for outcome in tick.report.outcomes[1:])


def test_what_stands_is_not_let_go_at_once_by_a_controller_that_has_just_begun(tmp_path: Path) -> None:
    first = Live(tmp_path, {"chat": FALL})
    first.write("chat.yaml", policy("chat"))
    first.run(30)
    assert first.floors()["chat"] >= 20
    again = Live(tmp_path, town=first.town)
    standing = first.floors()["chat"]
    for _ in range(int(REPLICA_S / TICK_S)):
        again.run(1)
        assert again.floors()["chat"] >= standing
    again.run(60)
    assert again.floors()["chat"] < standing


@pytest.mark.parametrize(
    "error",
    [pytest.param(Unavailable("kube-apiserver: refused"), id="port"), pytest.param(KeyError("spec"), id="defect")],
)
def test_a_world_that_fails_for_a_while_changes_nothing_and_the_loop_goes_on(live: Live, error: Exception) -> None:
    live.run(70)
    floor, written = live.floors()["chat"], len(live.town.writes)
    live.town.broken = error
    failed = live.run(5)
    assert len(live.town.writes) == written
    assert live.floors()["chat"] == floor
    if isinstance(error, Unavailable):
        assert {tick.problems for tick in failed} == {("Unavailable: kube-apiserver: refused",)}
    else:
        assert {tick.failure for tick in failed} == {error}
    live.town.broken = None
    (tick,) = live.run(1)
    assert tick.failure is None
    assert tick.problems == ()
    assert tick.report is not None
    assert tick.report.plan is not None


def test_an_outlet_that_fails_silences_no_other(tmp_path: Path) -> None:
    class Dumb:
        def tell(self, tick: Tick) -> None:
            raise OSError("disk full")

    after = Kept()
    live = Live(tmp_path, outlets=(Dumb(), after))
    live.write("chat.yaml", policy("chat"))
    live.run(3)
    assert [str(tick.failure) for tick in after.ticks] == ["disk full"] * 3


def test_after_the_end_no_tick_begins(live: Live) -> None:
    live.run(2)
    assert live.service.end(1.0)
    live.service.tick()
    assert len(live.kept.ticks) == 2
    assert live.closed == 1


def test_alive_and_ready(tmp_path: Path) -> None:
    town = Town({}, Live(tmp_path).clock)
    health = Health(town.clock, 5 * TICK_S)
    live = Live(tmp_path, town=town, outlets=(health,))
    assert health.why_not_ready() == "no tick has ended yet"
    live.write("chat.yaml", "kind: CapacityPolicy\n")
    live.run(1)
    assert "chat.yaml" in (health.why_not_ready() or "")
    live.write("chat.yaml", policy("chat"))
    live.run(2)
    assert health.why_not_ready() is None
    assert health.why_not_alive() is None
    town.broken = Unavailable("kube-apiserver: refused")
    live.run(1)
    assert health.why_not_ready() == "Unavailable: kube-apiserver: refused"
    assert health.why_not_alive() is None
    town.clock.move(5 * TICK_S)
    assert health.why_not_alive() == "the last good tick ended 360 s ago, above 300 s"


def test_what_cannot_wait_is_done_between_ticks_by_the_leader_alone(live: Live) -> None:
    live.service.attend()
    assert live.attended == 0
    live.run(1)
    live.waiting = ("chat h100-3: not deleted",)
    live.service.attend()
    live.service.attend()
    live.waiting = ()
    assert live.attended == 2
    assert live.run(1)[0].problems == ("chat h100-3: not deleted",)
    assert live.run(1)[0].problems == ()
    live.town.broken = KeyError("spec")
    live.service.attend()
    live.town.broken = None
    assert [str(tick.failure) for tick in live.run(2)] == ["'spec'", "None"]
    live.lead.leads = False
    live.service.attend()
    assert live.attended == 3


def test_a_loop_whose_every_tick_fails_is_not_alive(live: Live) -> None:
    health = Health(live.clock, 5 * TICK_S)
    live.raising.add("chat")
    for tick in live.run(8):
        health.tell(tick)
    assert health.why_not_alive() == (
        "the last good tick ended 480 s ago, above 300 s (the last one raised ZeroDivisionError('a defect'))"
    )
    assert health.why_not_ready() == "the last tick failed: a defect"


def test_files_that_were_just_written_are_waited_for_before_anything_counts_as_gone(tmp_path: Path) -> None:
    store = MemoryStore()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first = Live(tmp_path / "one", {"chat": RISE}, store=store)
    first.write("chat.yaml", policy("chat"))
    first.run(80)
    second = Live(tmp_path / "two", town=first.town, store=store)
    second.write("chat.yaml", policy("chat"))
    now_s = first.clock.wall_s()
    os.utime(tmp_path / "two" / "chat.yaml", (now_s, now_s))
    (tick,) = second.run(1)
    assert "written a moment ago" in tick.problems[0]
    assert tick.in_force is None
    second.run(1)
    assert second.floors()["chat"] >= 20
    assert not [what for what, _, _ in first.town.writes if what == "back"]
