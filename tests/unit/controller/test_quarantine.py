"""One policy whose row makes a tick raise: it is set aside on its last plan, and the others go on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from autoscaler.controller.cycle import Ports
from autoscaler.controller.some import some
from autoscaler.domain.budget import Budget
from autoscaler.domain.plan import Reason
from tests.unit.controller.live import Live, policy

RISE = [2.0] * 30 + list(np.linspace(2.0, 20.0, 30)) + [20.0] * 400
SHARED = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: Budget
metadata: {name: team}
spec: {gpus: 24}
"""


@pytest.fixture
def live(tmp_path: Path) -> Live:
    """Three policies, of which code has a defect from tick 20 on; the demand of all rises from tick 30 on."""
    found = Live(tmp_path, dict.fromkeys(("chat", "code", "voice"), RISE))
    found.write("all.yaml", policy("chat"), policy("code"), policy("voice"))
    return found


def break_code(live: Live) -> None:
    live.raising.add("code")
    live.write("all.yaml", policy("chat"), policy("code", more="priority: 7"), policy("voice"))


def test_the_others_go_on_and_it_stands_as_last_planned(live: Live) -> None:
    live.run(20)
    break_code(live)
    first, *later = live.run(55)
    assert isinstance(first.failure, ZeroDivisionError)
    assert all(tick.failure is None for tick in later)
    assert live.floors() == {"chat": live.floors()["chat"], "code": 2, "voice": live.floors()["voice"]}
    assert min(live.floors()["chat"], live.floors()["voice"]) >= 20
    assert [line for line in later[-1].problems if line.startswith("code: a tick raised ZeroDivisionError")]
    assert later[-1].in_force is not None
    assert later[-1].in_force.policies.fleet.names == ("chat", "voice")
    assert ("back", "code", 2) not in live.town.writes


def test_it_goes_on_with_what_was_learned_when_its_policy_is_mended(live: Live) -> None:
    live.run(20)
    break_code(live)
    live.run(60)
    live.raising.clear()
    live.write("all.yaml", policy("chat"), policy("code"), policy("voice"))
    tick, *_ = live.run(10)
    assert tick.problems == ()
    assert live.floors()["code"] >= 20


def test_it_is_tried_again_after_an_hour(live: Live) -> None:
    live.run(20)
    break_code(live)
    live.run(30)
    live.raising.clear()
    ticks = live.run(45)
    assert ticks[0].problems != ()
    assert ticks[-1].problems == ()
    assert live.floors()["code"] >= 20


def test_where_all_raise_none_is_blamed_and_all_go_on_as_soon_as_they_can(live: Live) -> None:
    live.raising.update(("chat", "code", "voice"))
    ticks = live.run(3)
    assert [type(tick.failure) for tick in ticks] == [ZeroDivisionError] * 3
    assert (ticks[-1].report, ticks[-1].problems, live.town.writes) == (None, (), [])
    live.raising.clear()
    live.write("all.yaml", policy("chat", more="priority: 7"), policy("code"), policy("voice"))
    assert live.run(1)[0].report is not None


def test_a_shared_budget_is_less_what_stands_of_who_is_set_aside(live: Live) -> None:
    live.write("team.yaml", SHARED)
    live.write("all.yaml", *(policy(name, more="budget: team") for name in ("chat", "code", "voice")))
    live.run(20)
    tick = live.kept.ticks[-1]
    assert tick.in_force is not None
    inventory = tick.in_force.ports.cluster.inventory(live.clock.wall_s())
    few = some(tick.in_force, np.array([2, 0]), inventory)
    held = int(inventory.floor[1])
    assert few.policies.fleet.names == ("voice", "chat")
    assert few.policies.fleet.budgets == (Budget("team", gpus=24.0 - held),)
    assert isinstance(few.ports, Ports)
    few.ports.cluster.set_floor(0, 9)
    assert live.town.writes[-1] == ("floor", "voice", 9)


def test_the_others_keep_within_what_the_budget_has_left(live: Live) -> None:
    live.write("team.yaml", SHARED)
    live.write("all.yaml", *(policy(name, more="budget: team") for name in ("chat", "code", "voice")))
    live.run(20)
    live.raising.add("code")
    live.write("all.yaml", *(policy(name, more="budget: team\n  priority: 3") for name in ("chat", "code", "voice")))
    ticks = live.run(80)
    assert sum(live.floors().values()) <= 24
    last = ticks[-1].report
    assert last is not None
    assert last.plan is not None
    assert all(last.plan.reasons & np.uint32(Reason.BUDGET))
