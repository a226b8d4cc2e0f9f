"""`cycle`: what the ports do not answer changes nothing, what they refuse stops nothing else, and equal is equal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.compose.trace_fleet import SIGNALS
from autoscaler.controller.cycle import CycleReport, LoopState, Ports, cycle, start
from autoscaler.domain.action import CreatePlaceholder, DeletePlaceholder, SetFloor
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.plan import Reason
from autoscaler.domain.signal import MISSING, RECOVERING, SignalReadings
from autoscaler.domain.wish import NOTHING, Override, Wish
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.policy.governed import Governed
from autoscaler.ports.errors import Conflict, Forbidden, Invalid, PortError, QuotaExceeded, Unavailable
from autoscaler.simulator.simple import SimpleWorld

if TYPE_CHECKING:
    from tests.unit.conftest import Core

TICK_S = 60.0
RISE = np.concatenate([np.full(20, 4.0), np.linspace(4.0, 30.0, 30), np.full(30, 30.0)])


@dataclass
class Shaky:
    """Ports of a simulated world that do not answer at times, and refuse some writes.

    dark, blind: times at which the cluster and the metrics do not answer. refuse: the error of a write, or None.
    """

    world: SimpleWorld
    dark: Callable[[float], bool] = lambda _: False
    blind: Callable[[float], bool] = lambda _: False
    refuse: Callable[[str, int], PortError | None] = lambda _, __: None
    writes: list[tuple[str, int, int]] = field(default_factory=list)

    def read(self, now_s: float) -> SignalReadings:
        if self.blind(now_s):
            raise Unavailable("prometheus: no answer within 5 s")
        return self.world.read(now_s)

    def inventory(self, now_s: float) -> Inventory:
        if self.dark(now_s):
            raise Unavailable("kube-apiserver: connection refused")
        return self.world.inventory(now_s)

    def set_floor(self, workload: int, replicas: int) -> None:
        self._write("floor", workload, replicas)
        self.world.set_floor(workload, replicas)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._write("create", workload, slot)
        self.world.create_placeholder(workload, pool, slot)

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._write("delete", workload, slot)
        self.world.delete_placeholder(workload, pool, slot)

    def _write(self, what: str, workload: int, value: int) -> None:
        error = self.refuse(what, workload)
        if error is not None:
            raise error
        self.writes.append((what, workload, value))


class Lived:
    """A loop over shaky ports, on shared nodes so that placeholders are used."""

    def __init__(self, fleet: Fleet, ports: Shaky, name: str = "ours") -> None:
        self.ports, self.policies = ports, Governed(fleet, (None,) * fleet.size)
        self.state: LoopState = start(fleet, strategy(name, Setting(0.0, True)), TICK_S, True)
        self.tick = 0

    def run(self, ticks: int) -> list[CycleReport]:
        reports = []
        for _ in range(ticks):
            self.state, report = cycle(self.tick * TICK_S, self.state, self.policies, Ports(self.ports, self.ports))
            reports.append(report)
            self.tick += 1
            self.ports.world.advance(self.tick * TICK_S)
        return reports


@pytest.fixture
def lived(core: Core) -> Callable[..., Lived]:
    """Two workloads, the second with half the demand of the first."""

    def begin(name: str = "ours", **ports: object) -> Lived:
        fleet = core.fleet(2)
        demand = np.stack([RISE, RISE / 2.0]) * TICK_S
        leads = (fleet.node_lead_s, fleet.replica_lead_s)
        world = SimpleWorld(demand, np.full(2, TICK_S), TICK_S, *leads, SIGNALS["arrivals"])
        return Lived(fleet, Shaky(world, **ports), name)  # type: ignore[arg-type]

    return begin


def floors(reports: list[CycleReport]) -> list[list[int]]:
    return [report.plan.floor.tolist() for report in reports if report.plan is not None]


def test_a_cluster_that_does_not_answer_is_left_as_it_is_and_that_is_said(lived: Callable[..., Lived]) -> None:
    loop = lived(dark=lambda now_s: 1800.0 <= now_s < 2400.0)
    before = loop.run(30)
    written = list(loop.ports.writes)
    dark = loop.run(10)
    assert loop.ports.writes == written
    assert [report.error for report in dark] == ["Unavailable: kube-apiserver: connection refused"] * 10
    assert {(r.plan, r.observation, r.forecast, r.outcomes) for r in dark} == {(None, None, None, ())}
    after = loop.run(1)[0]
    assert after.error is None
    assert before[-1].error is None
    assert after.plan is not None
    assert (after.plan.floor >= np.array([20, 10])).all()


def test_metrics_that_do_not_answer_are_missing_and_nothing_is_released(lived: Callable[..., Lived]) -> None:
    loop = lived(blind=lambda now_s: 2400.0 <= now_s < 3600.0)
    asked = floors(loop.run(40))[-1]
    blind = loop.run(20)
    assert all(r.observation is not None and (r.observation.demand_state == MISSING).all() for r in blind)
    assert all(r.error is None for r in blind)
    told = floors(blind)
    assert all(
        (np.array(later) >= np.array(earlier)).all() for earlier, later in zip([asked, *told], told, strict=False)
    )
    assert not any(isinstance(o.action, DeletePlaceholder) for r in blind for o in r.outcomes)
    back = loop.run(1)[0]
    assert back.observation is not None
    assert (back.observation.demand_state == RECOVERING).all()


def test_metrics_that_never_answered_leave_what_stands(lived: Callable[..., Lived]) -> None:
    loop = lived(blind=lambda _: True)
    assert floors(loop.run(20)) == [[4, 2]] * 20
    assert loop.ports.writes == []


@pytest.mark.parametrize("error", [Unavailable, Conflict, Forbidden, QuotaExceeded, Invalid])
def test_a_write_that_is_refused_stops_no_other_and_its_words_are_told(
    lived: Callable[..., Lived], error: type[PortError]
) -> None:
    said = error("namespace inference: no")
    loop = lived("reactive", refuse=lambda what, workload: said if (what, workload) == ("floor", 0) else None)
    reports = loop.run(60)
    outcomes = [outcome for report in reports for outcome in report.outcomes]
    refused = [o for o in outcomes if isinstance(o.action, SetFloor) and o.action.workload == 0]
    done = [o for o in outcomes if isinstance(o.action, SetFloor) and o.action.workload == 1]
    assert {o.error for o in refused} == {f"{error.__name__}: namespace inference: no"}
    assert {o.error for o in done} == {None}
    assert loop.ports.world.inventory(0.0).floor.tolist() == [4, 15]
    assert [o.action for o in reports[-1].outcomes] == [SetFloor(0, 30)]


def test_a_placeholder_that_is_refused_does_not_stop_the_floors_after_it(lived: Callable[..., Lived]) -> None:
    loop = lived(refuse=lambda what, _: QuotaExceeded("no pods left") if what == "create" else None)
    outcomes = [outcome for report in loop.run(60) for outcome in report.outcomes]
    created = {o.error for o in outcomes if isinstance(o.action, CreatePlaceholder)}
    assert created == {"QuotaExceeded: no pods left"}
    assert {o.error for o in outcomes if isinstance(o.action, SetFloor)} == {None}
    assert (loop.ports.world.inventory(0.0).floor >= [30, 15]).all()


def test_what_was_refused_is_asked_for_again_and_done_once_it_can_be(lived: Callable[..., Lived]) -> None:
    allowed: list[bool] = []
    loop = lived("reactive", refuse=lambda *_: None if allowed else Conflict("the object has been modified"))
    loop.run(40)
    assert loop.ports.writes == []
    allowed.append(True)
    loop.run(1)
    assert [write[:2] for write in loop.ports.writes] == [("floor", 0), ("floor", 1)]


@pytest.mark.parametrize("name", ["ours", "quantile", "recurring", "reactive+loop", "hpa-placeholders"])
def test_the_same_inputs_give_the_same_plans(lived: Callable[..., Lived], name: str) -> None:
    def told() -> list[object]:
        reports = lived(name, blind=lambda now_s: 1200.0 <= now_s < 1500.0).run(RISE.size)
        return [
            (p.floor.tolist(), p.placeholders.tolist(), p.reasons.tolist(), p.level.tolist(), r.outcomes)
            for r in reports
            if (p := r.plan) is not None
        ]

    first = told()
    assert first == told()
    assert len(first) == RISE.size


@dataclass
class Wishes:
    """What people wish, by policy."""

    given: dict[str, Wish] = field(default_factory=dict)

    def wish(self, policy: str) -> Wish:
        return self.given.get(policy, NOTHING)


def test_nothing_of_a_paused_policy_is_moved_until_it_is_resumed(lived: Callable[..., Lived]) -> None:
    loop, wishes = lived(), Wishes()
    loop.policies = replace(loop.policies, wishes=wishes)
    paused = loop.policies.fleet.names[0]
    wishes.given[paused] = Wish(paused=True)
    reports = loop.run(60)
    assert {write[1] for write in loop.ports.writes} == {1}
    assert {action.workload for report in reports for action in report.withheld} == {0}
    assert reports[-1].plan is not None
    assert reports[-1].plan.floor[0] >= 30
    assert int(reports[-1].plan.reasons[0]) & Reason.PAUSED
    del wishes.given[paused]
    resumed = loop.run(1)[0]
    assert resumed.withheld == ()
    assert loop.ports.world.inventory(0.0).floor[0] >= 30


def test_an_override_sets_the_floor_until_it_ends(lived: Callable[..., Lived]) -> None:
    loop, wishes = lived(), Wishes()
    loop.policies = replace(loop.policies, wishes=wishes)
    wishes.given[loop.policies.fleet.names[0]] = Wish(override=Override(50, 60 * TICK_S))
    asked = floors(loop.run(80))
    assert {floor[0] for floor in asked[:60]} == {50}
    assert 30 <= asked[-1][0] < 50
    assert max(floor[1] for floor in asked) < 50


def test_a_report_says_what_was_seen_decided_and_done(lived: Callable[..., Lived]) -> None:
    report = lived().run(30)[-1]
    assert report.now_s == 29 * TICK_S
    assert report.observation is not None
    assert report.observation.demand[0] == pytest.approx(RISE[28])
    assert report.forecast is not None
    assert report.plan is not None
    assert int(report.plan.reasons[0]) & Reason.FORECAST
