"""What a restart must not forget, and what is given back: through the live loop, with records in a store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from autoscaler.controller.leads import LeadsInForce
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.domain.usage import PodUse
from autoscaler.observe.usage import Usage
from autoscaler.plan.remembered import PlanMemory, remembered
from autoscaler.ports.errors import PortError, Unavailable
from autoscaler.ports.store import Stored
from autoscaler.simulator.store import MemoryStore
from tests.unit.controller.live import Lead, Live, policy

RISE = [2.0] * 30 + list(np.linspace(2.0, 20.0, 30)) + [20.0] * 400
RISEN = 80
"""Ticks after which the floor is that of the peak."""


class MoodyStore(MemoryStore):
    """A store that does not answer while `broken` is set."""

    broken: PortError | None = None

    def names(self) -> tuple[str, ...]:
        self._answer()
        return super().names()

    def load(self, name: str) -> Stored | None:
        self._answer()
        return super().load(name)

    def save(self, name: str, content: Mapping[str, object], version: str | None) -> str:
        self._answer()
        return super().save(name, content, version)

    def _answer(self) -> None:
        if self.broken is not None:
            raise self.broken


@pytest.fixture
def store() -> MoodyStore:
    return MoodyStore()


@pytest.fixture
def live(tmp_path: Path, store: MoodyStore) -> Live:
    """Chat rises from 2 to 20 replicas; before that it has the 2 that somebody gave it."""
    found = Live(tmp_path, {"chat": RISE}, store=store)
    found.write("chat.yaml", policy("chat"))
    return found


def given_back(live: Live) -> list[tuple[str, int | None]]:
    return [(name, replicas) for what, name, replicas in live.town.writes if what == "back"]


def room(live: Live) -> int:
    """Placeholders that stand."""
    return len(live.town.world.inventory(0.0).placeholders)


def successor(live: Live, store: MemoryStore) -> Live:
    """Another process with the same policy, on the same cluster."""
    folder = live.folder / "next"
    folder.mkdir()
    found = Live(folder, town=live.town, store=store)
    found.write("chat.yaml", policy("chat"))
    return found


def memory(live: Live) -> PlanMemory:
    assert live.service.state is not None
    found = remembered(live.service.state.planning, 0)
    assert found is not None
    return found


def test_a_policy_that_only_observes_gives_back_what_it_moved_once(live: Live) -> None:
    live.run(RISEN)
    assert live.floors()["chat"] >= 20
    live.write("chat.yaml", policy("chat", mode="observe"))
    ticks = live.run(5)
    assert live.floors()["chat"] == 2
    assert given_back(live) == [("chat", 2)]
    assert "chat: Deployment inference/chat auto.replicas given back: 2, as before" in ticks[0].notes
    assert live.town.writes[-1] == ("back", "chat", 2)


def test_what_somebody_sets_after_us_is_left_alone_for_a_while_and_given_back_in_the_end(live: Live) -> None:
    live.run(RISEN)
    live.town.edit("chat", 5)
    [tick] = live.run(1)
    assert tick.report is not None
    said = [outcome.error for outcome in tick.report.outcomes if outcome.error]
    assert said == [
        "OwnedByOthers: Deployment inference/chat auto.replicas was set to 5 by kubectl-edit after us; it is left "
        "alone for 300 s, and longer each time it is set after us"
    ]
    assert live.floors()["chat"] == 5
    live.run(4)
    assert live.floors()["chat"] == 5
    assert room(live) >= 15, "what cannot be asked for is held"
    live.run(2)
    assert live.floors()["chat"] >= 20
    live.write("chat.yaml", policy("chat", mode="observe"))
    live.run(1)
    assert given_back(live) == [("chat", 5)]


def test_who_sets_it_back_again_and_again_is_left_alone_longer_each_time(live: Live) -> None:
    live.run(RISEN)
    for minutes in (5, 10, 20):
        live.town.edit("chat", 2)
        live.run(minutes)
        assert live.floors()["chat"] == 2
        live.run(1)
        assert live.floors()["chat"] >= 20


def test_what_somebody_set_after_us_stays_where_the_policy_lets_go_before_we_know_of_it(live: Live) -> None:
    live.run(RISEN)
    live.town.edit("chat", 5)
    live.write("chat.yaml", policy("chat", mode="observe"))
    [tick] = live.run(1)
    assert live.floors()["chat"] == 5
    assert given_back(live) == []
    said = "chat: Deployment inference/chat auto.replicas is left as it is: set to 5 by kubectl-edit after us"
    assert said in tick.notes


def test_a_policy_that_acts_again_is_given_back_as_it_was_then(live: Live) -> None:
    live.run(RISEN)
    live.write("chat.yaml", policy("chat", mode="observe"))
    live.run(1)
    live.town.world.set_floor(0, 7)
    live.write("chat.yaml", policy("chat"))
    live.run(2)
    assert live.floors()["chat"] >= 20
    (live.folder / "chat.yaml").unlink()
    live.run(1)
    assert given_back(live) == [("chat", 2), ("chat", 7)]


def test_nothing_is_left_of_a_policy_that_is_gone(live: Live, store: MoodyStore) -> None:
    live.run(RISEN)
    assert store.names() == ("chat",)
    (live.folder / "chat.yaml").unlink()
    live.run(2)
    assert given_back(live) == [("chat", 2)]
    assert store.names() == ()


def test_while_a_file_cannot_be_read_no_policy_counts_as_gone(live: Live) -> None:
    live.run(RISEN)
    live.write("code.yaml", "kind: CapacityPolicy\n")
    live.run(1)
    (live.folder / "chat.yaml").unlink()
    live.run(3)
    assert given_back(live) == []
    (live.folder / "code.yaml").unlink()
    live.run(1)
    assert given_back(live) == [("chat", 2)]


def test_a_policy_that_went_while_nobody_ran_is_given_back(live: Live, store: MoodyStore) -> None:
    live.run(RISEN)
    live.write("code.yaml", policy("code"))
    (live.folder / "chat.yaml").unlink()
    after = Live(live.folder, town=live.town, store=store)
    after.run(1)
    assert given_back(after) == [("chat", 2)]


def test_another_workload_under_the_same_policy_frees_the_first(live: Live) -> None:
    live.run(RISEN)
    live.write("chat.yaml", policy("chat").replace("name: chat}\n  demand", "name: code}\n  demand"))
    live.run(1)
    assert given_back(live) == [("chat", 2)]


def test_what_cannot_be_given_back_yet_is_tried_again_and_said(live: Live) -> None:
    live.run(RISEN)
    live.write("chat.yaml", policy("chat", mode="observe"))
    live.town.broken = Unavailable("patch scale: no answer")
    [tick] = live.run(1)
    assert "chat holds Deployment inference/chat auto.replicas still: patch scale: no answer" in tick.problems
    live.town.broken = None
    live.run(1)
    assert given_back(live) == [("chat", 2)]


def test_nothing_is_moved_that_could_not_be_given_back(live: Live, store: MoodyStore) -> None:
    store.broken = Unavailable("list configmaps: no answer")
    ticks = live.run(RISEN)
    assert live.floors()["chat"] == 2
    assert "Unavailable: list configmaps: no answer" in ticks[-1].problems
    store.broken = None
    live.run(2)
    assert live.floors()["chat"] >= 20


def test_a_restart_goes_on_from_what_was_judged(live: Live, store: MoodyStore) -> None:
    live.run(300)
    before = memory(live)
    live.service.end(1.0)
    after = successor(live, store)
    after.run(1)
    now = memory(after)
    assert now.knob == pytest.approx(before.knob, abs=0.02)
    assert now.mean_demand == pytest.approx(before.mean_demand, rel=0.01)
    assert before.portfolio is not None
    assert now.portfolio is not None
    assert now.portfolio.judged_from_s == before.portfolio.judged_from_s
    for name, shadow in before.portfolio.shadows.items():
        assert now.portfolio.shadows[name].cost == pytest.approx(shadow.cost, rel=0.02)
        assert now.portfolio.shadows[name].late == pytest.approx(shadow.late, rel=0.02, abs=0.1)
    assert before.knob != 0.0


def test_a_crash_costs_minutes_of_judgement_and_no_more(live: Live, store: MoodyStore) -> None:
    live.run(300)
    before = memory(live)
    after = successor(live, store)
    after.run(1)
    assert memory(after).knob == pytest.approx(before.knob, abs=0.05)
    (after.folder / "chat.yaml").unlink()
    after.run(1)
    assert given_back(after) == [("chat", 2)]


def test_lead_times_are_kept_over_a_restart_and_bad_ones_said(live: Live, store: MoodyStore) -> None:
    learned = LeadsInForce(180.0, 120.0)
    learned.take({"chat": "h100"}, 0.0)
    stages = {Stage.NODE_READY: 70.0}
    learned.learn([Start("a-node", Part.NODE, "chat", "h100", StartPath.COLD_NODE, stages, 50.0, StartEnd.COMPLETE)])
    live.leads = learned
    live.run(RISEN)
    live.service.end(1.0)
    after = successor(live, store)
    after.leads = LeadsInForce(180.0, 120.0)
    after.leads.take({"chat": "h100"}, 0.0)
    after.run(1)
    assert after.leads.record("chat") == learned.record("chat") != {}
    store.save("chat", {"lead_times": {"h100": 3}}, store.load("chat").version)  # type: ignore[union-attr]
    last = Live(after.folder, town=live.town, store=store)
    last.leads = LeadsInForce(180.0, 120.0)
    assert "they are learned anew" in last.run(1)[0].problems[0]


def test_what_gpus_are_used_for_is_kept_over_a_restart_and_records_without_it_are_read(
    live: Live, store: MoodyStore
) -> None:
    live.run(RISEN)
    live.service.end(1.0)
    saved = store.load("chat")
    assert saved is not None
    older = {key: value for key, value in saved.content.items() if key != "gpu_use"}
    store.save("chat", older, saved.version)
    learned, looks = Usage(), {"inference/chat-0": "chat"}
    learned.learn([PodUse("inference/chat-0", 0.4, 0.6)] * 50, looks, live.clock.wall_s())
    second = successor(live, store)
    second.uses = learned
    assert second.run(6)[0].problems == ()
    second.service.end(1.0)
    third = successor(second, store)
    third.uses = Usage()
    third.run(1)
    assert third.uses.quantiles() == learned.quantiles() != ()


def test_a_record_that_cannot_be_believed_is_said_and_replaced(live: Live, store: MoodyStore) -> None:
    live.run(RISEN)
    store.texts["chat"] = store.texts["chat"][:-20]
    after = successor(live, store)
    first, *_ = after.run(10)
    assert any("record chat" in line and "go on without it" in line for line in first.problems)
    assert after.kept.ticks[-1].problems == ()
    assert store.load("chat") is not None


def test_who_leads_again_takes_over_what_the_other_judged(tmp_path: Path, store: MoodyStore) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    leads, follows = Lead(), Lead(leads=False)
    one = Live(tmp_path / "one", {"chat": RISE}, lead=leads, store=store)
    two = Live(tmp_path / "two", town=one.town, lead=follows, store=store)
    for live in (one, two):
        live.write("chat.yaml", policy("chat"))

    def both(ticks: int) -> None:
        for _ in range(ticks):
            two.service.tick()
            one.run(1)

    both(100)
    leads.leads, follows.leads = False, True
    both(200)
    judged = memory(two)
    leads.leads, follows.leads = True, False
    both(1)
    assert memory(one).knob == pytest.approx(judged.knob, abs=0.05)
    assert asdict(memory(one))["measured"] == pytest.approx(judged.measured, rel=0.1, abs=0.1)
    assert all(tick.problems == () for tick in (*one.kept.ticks, *two.kept.ticks))
