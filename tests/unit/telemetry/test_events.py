"""Events: what a person needs to know beside the workload, from the leader, when it changes."""

from __future__ import annotations

from pathlib import Path

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


def test_a_follower_says_nothing(tmp_path: Path) -> None:
    live, said = told(tmp_path)
    live.lead.leads = False
    live.run(40)
    assert said.notices == []
