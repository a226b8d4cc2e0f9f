"""Events: what a person needs to know beside the workload, from the leader, when it changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from autoscaler.domain.ending import EndFate, PlaceholderEnd, Taker
from autoscaler.domain.wish import NOTHING, Override, Wish
from autoscaler.telemetry.events import LoopEvents
from tests.unit.controller.live import Live, Said, policy

GAP = [4.0] * 20 + [float("nan")] * 10 + [8.0] * 100


def told(folder: Path, **more: object) -> tuple[Live, Said]:
    said = Said()
    live = Live(folder, {"chat": GAP}, outlets=(LoopEvents(said),), **more)  # type: ignore[arg-type]
    live.write("chat.yaml", policy("chat"))
    return live, said


def test_demand_that_is_lost_and_comes_back(tmp_path: Path) -> None:
    live, said = told(tmp_path)
    live.run(60)
    reasons = [(n.reason, n.warning) for n in said.notices if n.reason.startswith("Demand")]
    assert reasons == [
        ("DemandUnknown", True), ("DemandKnown", False), ("DemandUnknown", True), ("DemandKnown", False),
    ]  # fmt: skip
    about = said.notices[0].about
    assert (about.kind, about.namespace, about.name) == ("Deployment", "inference", "chat")


def test_floors_that_moved(tmp_path: Path) -> None:
    live, said = told(tmp_path)
    live.run(60)
    moved = [n.note for n in said.notices if n.reason == "FloorMoved"]
    asked = [f"policy chat: at least {n} replicas are asked for" for what, _, n in live.town.writes if what == "floor"]
    assert moved == asked != []


class Wishes:
    """What people wish of chat."""

    def __init__(self) -> None:
        self.now = NOTHING

    def wish(self, policy: str) -> Wish:
        return self.now if policy == "chat" else NOTHING


def test_what_people_wish_and_who_they_are(tmp_path: Path) -> None:
    """Said when it changes, and not when the server dates it anew."""
    live, said = told(tmp_path)
    live.write("code.yaml", policy("code"))
    (tick,) = live.run(1)
    assert tick.in_force is not None
    wishes, outlet = Wishes(), LoopEvents(said)
    policies = replace(tick.in_force.policies, wishes=wishes)
    tick = replace(tick, report=None, in_force=replace(tick.in_force, policies=policies))
    end_s = tick.now_s + 60.0
    said.notices.clear()
    for wish in (
        Wish(False, Override(8, end_s, "launch", "kubectl-edit at 2026-03-02T09:00:00Z")),
        Wish(True, Override(8, end_s, "launch", "kubectl-edit at 2026-03-02T09:30:00Z"), "kubectl-patch at noon"),
        Wish(False, Override(2, end_s)),
        NOTHING,
    ):
        wishes.now = wish
        outlet.tell(tick)
        outlet.tell(tick)
    told_of = [(notice.reason, notice.note.split(", until")[0]) for notice in said.notices]
    assert told_of == [
        ("FloorOverridden", "policy chat: floor 8 set by kubectl-edit at 2026-03-02T09:00:00Z"),
        ("Paused", "policy chat: paused by kubectl-patch at noon"),
        ("FloorOverridden", "policy chat: floor 2 set"),
        ("Resumed", "policy chat: resumed"),
        ("OverrideEnded", "policy chat: the floor is no longer set by hand"),
    ]
    assert {notice.about.name for notice in said.notices} == {"chat"}


def test_a_follower_says_nothing(tmp_path: Path) -> None:
    live, said = told(tmp_path)
    live.lead.leads = False
    live.run(40)
    assert said.notices == []


def test_what_a_person_must_know_of_placeholders_that_ended(tmp_path: Path) -> None:
    live, said = told(tmp_path)
    live.run(1)
    before = len(said.notices)
    lost = [PlaceholderEnd("chat", "h100", slot, 0.0, EndFate.LOST, "NodeGone", f"node {slot}") for slot in range(3)]
    stuck = replace(lost[0], fate=EndFate.STUCK, cause="Unschedulable")
    taken = replace(lost[0], fate=EndFate.CONSUMED, cause="PreemptionByScheduler", taker=Taker.OTHER)
    others = [replace(taken, taken_by=f"research/train-{n}") for n in (4, 2, 3, 1, 1)]
    ordinary = [
        replace(taken, taker=Taker.OWN), replace(taken, taker=Taker.FELLOW), replace(taken, taker=Taker.UNKNOWN),
        replace(lost[0], fate=EndFate.RELEASED), replace(lost[0], fate=EndFate.DRAINED), replace(taken, policy="gone"),
    ]  # fmt: skip
    live.ended = (*lost, stuck, *others, *ordinary)
    live.run(1)
    notices = [n for n in said.notices[before:] if n.reason.startswith(("Placeholder", "Capacity"))]
    assert [n.reason for n in notices] == ["CapacityTakenByOthers", "PlaceholderLost", "PlaceholderStuck"]
    assert all(n.warning and n.about.name == "chat" for n in notices)
    assert "5 placeholders" in notices[0].note
    assert "research/train-1, research/train-2, research/train-3 and 1 more" in notices[0].note
    assert "taint" in notices[0].note
    again = len(said.notices)
    live.ended = tuple(lost[1:])
    live.run(1)
    assert said.notices[again] == notices[1]  # so that the cluster counts one event up instead of writing another
