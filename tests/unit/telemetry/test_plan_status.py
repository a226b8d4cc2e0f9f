"""What plans show: figures, conditions that say what to do, and nothing from who does not lead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoscaler.controller.in_force import InForce
from autoscaler.controller.tick import Tick
from autoscaler.domain.action import CreatePlaceholder, Outcome, SetFloor
from autoscaler.domain.lead_time import Stage, StageQuantile, Start, WakeUp
from autoscaler.domain.plan import Reason
from autoscaler.domain.wish import NOTHING, Override, Wish
from autoscaler.policy.folder import PolicySet
from autoscaler.ports.errors import Unavailable
from autoscaler.ports.plans import Condition, PlanFigures, PlanStatus
from autoscaler.ports.replicas import OwnerReport
from autoscaler.telemetry.conditions import TYPES
from autoscaler.telemetry.plan_status import LoopPlans
from tests.unit.controller.live import NAMES, Live, policy

STEADY = [4.0] * 400
OWN_BUDGET = "budget: {gpus: 6}"


@dataclass
class Board:
    """The plans port as a dict, and what people wish."""

    shown: dict[str, PlanStatus] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)

    def report(self, policy: str, status: PlanStatus) -> None:
        self.shown[policy] = status

    def wish(self, policy: str) -> Wish:
        return self.wishes.get(policy, NOTHING)

    def condition(self, kind: str, policy: str = "chat") -> Condition:
        return next(one for one in self.shown[policy].conditions if one.kind == kind)

    def told(self, kind: str, policy: str = "chat") -> tuple[bool | None, str]:
        found = self.condition(kind, policy)
        assert found.message
        return found.holds, found.reason


class Wished(Live):
    """A live loop whose policies can be wished of."""

    def __init__(self, folder: Path, board: Board, demand: Sequence[float] = STEADY) -> None:
        self.board = board
        super().__init__(folder, {"chat": demand}, outlets=(LoopPlans(board),))

    def govern(self, found: PolicySet) -> InForce:
        in_force = super().govern(found)
        return replace(in_force, policies=replace(in_force.policies, wishes=self.board))


@pytest.fixture
def live(tmp_path: Path) -> Wished:
    found = Wished(tmp_path, Board())
    found.write("chat.yaml", policy("chat"))
    return found


def test_figures_are_those_of_the_tick(live: Wished) -> None:
    live.run(30)
    status = live.board.shown["chat"]
    assert status.acts
    assert isinstance(status.figures, PlanFigures)
    assert status.figures.ready_replicas >= 4
    assert status.figures.floor_replicas == live.floors()["chat"]
    assert status.figures.demand_replicas == 4.0
    assert status.figures.late_percent == 0.0
    assert "forecast" in status.figures.reason
    assert [one.pool for one in status.figures.placeholders] == ["h100"]
    assert status.figures.lead_p90_s is None
    assert status.observed_at_s == live.kept.ticks[-1].now_s
    assert tuple(one.kind for one in status.conditions) == TYPES
    assert live.board.told("Ready") == (True, "Acting")
    assert live.board.told("SignalsHealthy") == (True, "DemandKnown")
    assert live.board.told("CapacityAvailable") == (True, "Obtainable")
    assert live.board.told("WithinBudget") == (True, "NoBudget")


def test_gpus_are_warm_where_placeholders_are_bound(live: Wished) -> None:
    """Two of three stand on nodes; a replica has one GPU."""
    live.write("code.yaml", policy("code"))
    live.run(20)
    for slot in range(3):
        live.town.world.create_placeholder(NAMES.index("chat"), 0, 10 + slot)
    live.run(1)
    figures = live.board.shown["chat"].figures
    assert isinstance(figures, PlanFigures)
    (pool,) = figures.placeholders
    assert pool.bound + pool.pending >= 3
    assert figures.warm_gpus == pool.bound


OWNER = "HorizontalPodAutoscaler inference/chat spec.minReplicas"


@pytest.mark.parametrize(
    ("report", "told"),
    [
        pytest.param(None, (None, "OwnerUnknown"), id="not read"),
        pytest.param(OwnerReport(OWNER, True, "Followed", "it follows"), (True, "Followed"), id="follows"),
        pytest.param(OwnerReport(OWNER, False, "MetricDead", "blind"), (False, "MetricDead"), id="a ratchet"),
        pytest.param(OwnerReport("", None, "Published", "read it"), (None, "Published"), id="published"),
    ],
)
def test_whether_the_owner_of_the_replicas_follows_is_told(
    live: Wished, report: OwnerReport | None, told: tuple[bool | None, str]
) -> None:
    if report is not None:
        live.owners["chat"] = report
    live.run(3)
    assert live.board.told("FloorFollowed") == told


def test_what_the_owner_does_not_allow_is_said(live: Wished) -> None:
    live.owners["chat"] = OwnerReport(OWNER, True, "Followed", "it follows")
    live.town.owner_most = 1
    live.run(3)
    assert live.board.told("FloorFollowed") == (False, "OwnerMaximum")
    assert live.board.shown["chat"].figures is not None
    assert "owner's maximum" in live.board.shown["chat"].figures.reason
    assert live.floors()["chat"] == 1


class Known:
    """Lead times of which some were seen."""

    def __init__(self, *seen: str) -> None:
        self._seen = [StageQuantile(policy, "h100", Stage.IMAGE, 0.9, 40.0) for policy in seen]

    def p90_s(self, policy: str) -> float:
        return 312.0

    def middle_s(self, policy: str) -> tuple[float, float]:
        return 90.0, 60.0

    def quantiles(self) -> list[StageQuantile]:
        return self._seen

    def starts(self) -> list[Start]:
        return []

    def record(self, policy: str) -> dict[str, object]:
        return {}

    def restore(self, policy: str, record: Mapping[str, object]) -> None:
        """Nothing to add."""


@pytest.mark.parametrize(("seen", "lead_s"), [(["chat"], 312.0), (["code"], None), ([], None)])
def test_a_lead_time_is_shown_once_a_start_was_seen(live: Wished, seen: list[str], lead_s: float | None) -> None:
    live.run(3)
    tick = live.kept.ticks[-1]
    assert tick.in_force is not None
    LoopPlans(live.board).tell(replace(tick, in_force=replace(tick.in_force, leads=Known(*seen))))
    figures = live.board.shown["chat"].figures
    assert isinstance(figures, PlanFigures)
    assert figures.lead_p90_s == lead_s


WAKING = policy("chat", more="replicas: {min: 0}")


@pytest.mark.parametrize(
    ("document", "seen", "wake_up"),
    [
        pytest.param(WAKING, ["chat"], WakeUp(30.0, 90.0, 60.0, 360.0, True), id="from zero"),
        pytest.param(WAKING, ["code"], WakeUp(30.0, 90.0, 60.0, 360.0, False), id="nothing learned"),
        pytest.param(policy("chat"), ["chat"], None, id="never at zero"),
    ],
)
def test_what_the_first_request_waits_is_shown(
    live: Wished, document: str, seen: list[str], wake_up: WakeUp | None
) -> None:
    """The tick is a minute; what is planned with are 180 and 120 s."""
    live.write("chat.yaml", document)
    live.run(3)
    tick = live.kept.ticks[-1]
    assert tick.in_force is not None
    assert tick.report is not None
    assert tick.report.observation is not None
    observation = tick.report.observation
    bare = replace(observation.inventory, placeholders=(), free_gpus=np.zeros(1, dtype=np.int64))
    report = replace(tick.report, observation=replace(observation, inventory=bare))
    tick = replace(tick, report=report, in_force=replace(tick.in_force, leads=Known(*seen)))
    LoopPlans(live.board).tell(tick)
    figures = live.board.shown["chat"].figures
    assert isinstance(figures, PlanFigures)
    assert figures.wake_up == wake_up
    warm = replace(bare, free_gpus=np.ones(1, dtype=np.int64))
    seen_warm = replace(report, observation=replace(observation, inventory=warm))
    LoopPlans(live.board).tell(replace(tick, report=seen_warm))
    figures = live.board.shown["chat"].figures
    assert isinstance(figures, PlanFigures)
    known = None if wake_up is None else replace(wake_up, node_s=0.0, p90_s=180.0)
    assert figures.wake_up == known, "with a node that is there"


def test_a_follower_shows_nothing(live: Wished) -> None:
    live.lead.leads = False
    live.run(5)
    assert live.board.shown == {}


def test_demand_that_is_not_known_is_left_out_and_said(tmp_path: Path) -> None:
    live = Wished(tmp_path, Board(), [4.0] * 20 + [float("nan")] * 10 + [4.0] * 100)
    live.write("chat.yaml", policy("chat"))
    live.run(26)
    figures = live.board.shown["chat"].figures
    assert isinstance(figures, PlanFigures)
    assert (figures.demand_replicas, figures.late_percent) == (None, None)
    assert live.board.told("SignalsHealthy") == (False, "DemandUnknown")
    assert "nothing is scaled in" in live.board.condition("SignalsHealthy").message
    live.run(6)
    assert live.board.told("SignalsHealthy") == (False, "Recovering")
    live.run(20)
    assert live.board.told("SignalsHealthy") == (True, "DemandKnown")


def test_modes_and_wishes_are_shown(live: Wished) -> None:
    live.write("code.yaml", policy("code", "observe"))
    live.run(3)
    assert live.board.told("Ready", "code") == (True, "Observing")
    assert not live.board.shown["code"].acts
    now_s = live.clock.wall_s()
    live.board.wishes["code"] = Wish(False, Override(3, 2e9, "launch", "kubectl-edit at 2026-03-02T09:00:00Z"))
    live.board.wishes["chat"] = Wish(True, Override(9, now_s + 90.0), "kubectl-patch at 2026-03-02T09:00:00Z")
    live.run(1)
    assert live.board.told("Ready") == (False, "Paused")
    assert (
        "paused by kubectl-patch at 2026-03-02T09:00:00Z; floor 9 set, until " in live.board.condition("Ready").message
    )
    said = live.board.condition("Ready", "code").message
    assert "floor 3 set by kubectl-edit at 2026-03-02T09:00:00Z, until 2033-05-18T03:33:20Z (launch)" in said
    assert "spec.paused" in live.board.condition("Ready").message
    assert live.board.shown["chat"].wish == live.board.wishes["chat"]
    live.run(2)
    assert live.board.shown["chat"].wish == Wish(True, None, "kubectl-patch at 2026-03-02T09:00:00Z")
    del live.board.wishes["chat"]
    live.run(1)
    assert live.board.told("Ready") == (True, "Acting")


def test_a_tick_that_sees_nothing_keeps_the_figures_and_says_why(live: Wished) -> None:
    live.run(20)
    before = live.board.shown["chat"].figures
    live.town.broken = Unavailable("kube-apiserver: refused")
    live.run(1)
    assert live.board.told("Ready") == (False, "ClusterUnknown")
    assert "kube-apiserver: refused" in live.board.condition("Ready").message
    assert {live.board.told(kind) for kind in TYPES[1:]} == {(None, "NotSeen")}
    assert live.board.shown["chat"].figures == before is not None
    live.town.broken = KeyError("spec")
    live.run(1)
    assert live.board.told("Ready") == (False, "TickFailed")


def test_a_policy_that_is_gone_is_shown_no_more_and_one_set_aside_is(live: Wished) -> None:
    live.write("code.yaml", policy("code"))
    (last,) = live.run(1)
    outlet = LoopPlans(live.board)
    outlet.tell(last)
    (live.folder / "code.yaml").unlink()
    (alone,) = live.run(1)
    live.board.shown.clear()
    outlet.tell(replace(alone, problems=("code: a tick raised KeyError: please report this",)))
    assert live.board.told("Ready", "code") == (False, "SetAside")
    assert tuple(one.kind for one in live.board.shown["code"].conditions) == TYPES
    live.board.shown.clear()
    outlet.tell(alone)
    assert set(live.board.shown) == {"chat"}


def retold(live: Wished, **changes: Any) -> None:
    """Tells the last tick anew, with other problems, outcomes, reasons or pools."""
    tick = live.kept.ticks[-1]
    assert tick.report is not None
    assert tick.report.observation is not None
    assert tick.report.plan is not None
    seen, plan = tick.report.observation, tick.report.plan
    if "obtainable" in changes:
        inventory = replace(seen.inventory, obtainable=np.array(changes.pop("obtainable")))
        seen = replace(seen, inventory=inventory)
    if "reasons" in changes:
        plan = replace(plan, reasons=np.array([int(changes.pop("reasons"))], dtype=np.uint32))
    if "floor" in changes:
        plan = replace(plan, floor=np.array([changes.pop("floor")]))
    outcomes = changes.pop("outcomes", ())
    report = replace(tick.report, observation=seen, plan=plan, outcomes=outcomes)
    told: Tick = replace(tick, report=report, **changes)
    LoopPlans(live.board).tell(told)


REFUSED = (
    Outcome(CreatePlaceholder(0, 0, 1), "QuotaExceeded: no pods left"),
    Outcome(CreatePlaceholder(0, 0, 2), "QuotaExceeded: no pods left"),
    Outcome(SetFloor(0, 4), None),
)
CASES = [
    pytest.param({"outcomes": REFUSED}, "Ready", (False, "NotDone"), "placeholder refused: QuotaExc", id="refused"),
    pytest.param(
        {"problems": ("chat: HorizontalPodAutoscaler owns it",)}, "Ready", (False, "Problem"),
        "HorizontalPodAutoscaler owns it", id="a problem of the policy",
    ),
    pytest.param({"problems": ("chat-2: other",)}, "Ready", (True, "Acting"), "planned is done", id="of another"),
    pytest.param(
        {"problems": ("chat arrivals: no such series",)}, "SignalsHealthy", (False, "SignalMissing"),
        "no such series", id="one signal of several",
    ),
    pytest.param({"obtainable": [False]}, "CapacityAvailable", (False, "OutOfStock"), "pool h100", id="out of stock"),
    pytest.param(
        {"reasons": Reason.POOL_LIMIT}, "CapacityAvailable", (False, "PoolLimit"), "nodes.max", id="pools are full"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "holds", "words"), CASES)
def test_what_is_wrong_is_said(
    live: Wished, given: dict[str, Any], kind: str, holds: tuple[bool, str], words: str
) -> None:
    live.run(20)
    retold(live, **given)
    assert live.board.told(kind) == holds
    assert words in live.board.condition(kind).message


def test_equal_refusals_are_said_once(live: Wished) -> None:
    live.run(20)
    retold(live, outcomes=REFUSED)
    assert live.board.condition("Ready").message.count("no pods left") == 1


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        pytest.param({}, (True, "WithinBudget"), id="within"),
        pytest.param({"reasons": Reason.BUDGET}, (False, "BudgetLimit"), id="cut"),
        pytest.param({"reasons": Reason.OVERRIDE, "floor": 6}, (True, "WithinBudget"), id="override within"),
        pytest.param({"reasons": Reason.OVERRIDE, "floor": 7}, (False, "OverrideBeyondBudget"), id="override beyond"),
        pytest.param(
            {"reasons": Reason.OVERRIDE | Reason.BUDGET, "floor": 2}, (True, "WithinBudget"), id="override below"
        ),
    ],
)  # fmt: skip
def test_budgets(live: Wished, given: dict[str, Any], holds: tuple[bool, str]) -> None:
    live.write("chat.yaml", policy("chat", more=OWN_BUDGET))
    live.run(20)
    retold(live, **given)
    assert live.board.told("WithinBudget") == holds


def test_a_forecast_is_trusted_once_its_errors_are_known(tmp_path: Path) -> None:
    live = Wished(tmp_path, Board(), [4.0 + n % 5 for n in range(400)])
    live.write("chat.yaml", policy("chat"))
    live.run(1)
    assert live.board.told("ForecastTrusted") == (None, "NoHistory")
    live.run(60)
    assert live.board.told("ForecastTrusted") == (None, "ShortHistory")
    live.run(180)
    assert live.board.told("ForecastTrusted") == (True, "ErrorsKnown")
