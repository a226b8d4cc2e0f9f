"""Checks of a scenario: with everything going wrong at once the loop goes on and keeps its promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoscaler.compose.scenario_check import check, strategies_of
from autoscaler.evaluation.scenario.invariants import INVARIANTS
from autoscaler.evaluation.scenario.prepare import ScenarioRun, read_scenario
from autoscaler.plan.parts import PlanPart
from autoscaler.simulator.settings import (
    CounterReset,
    CrashingReplicas,
    LostNodes,
    MetricsOutage,
    NewImage,
    ScrapeGap,
    SlowStarts,
    StockOut,
    StuckReplicas,
    WrongAnswers,
    ZoneLoss,
)

Write = Callable[..., Path]

HOURS = ("warmup: 12h", "warmup: 2h"), ("score: 12h", "score: 6h")
LAST = "      transfer: {median: 20s, p90: 30s}\n"
STORM = """\
  weather:
    metricsOutages: [{at: 2h, for: 10m, lowAfter: {for: 2m, share: 0%}}]
    scrapeGaps: [{at: 3h, for: 5m, policy: chat}, {at: 3h, for: 30m, signal: arrivals, lowAfter: {for: 5m, share: 20%}}]
    wrongAnswers:
      - {at: 4h, for: 5m, answer: nan}
      - {at: 4h20m, for: 5m, answer: empty, policy: batch}
      - {at: 4h40m, for: 5m, answer: infinite, signal: arrivals}
      - {at: 5h, for: 5m, answer: negative}
    counterResets: [{at: 5h30m}, {at: 6h, policy: batch}]
    stockOuts: [{at: 3h, for: 1h, pool: cheap, zone: a}]
    zoneLosses: [{at: 5h, pool: cheap}, {at: 6h, pool: cheap, zone: b}]
    slowStarts: [{at: 2h, for: 2h, factor: 3, stages: [boot, image]}, {at: 5h, factor: 2}]
    lostStarts: [{at: 2h, for: 3h, of: nodes, share: 50%}, {at: 4h, for: 1h, of: replicas, policy: chat, stage: cuda}]
    crashes: [{at: 2h, for: 4h, policy: batch, times: 2}, {at: 6h, for: 1h, share: 50%}]
    rollouts: [{at: 4h, policy: chat}, {at: 4h5m, policy: chat}, {at: 6h, policy: batch}]
"""
KINDS = [
    MetricsOutage, ScrapeGap, ScrapeGap, WrongAnswers, WrongAnswers, WrongAnswers, WrongAnswers, CounterReset,
    CounterReset, StockOut, ZoneLoss, ZoneLoss, SlowStarts, SlowStarts, LostNodes, StuckReplicas, CrashingReplicas,
    CrashingReplicas, NewImage, NewImage, NewImage,
]  # fmt: skip


@pytest.fixture(scope="module")
def storm(scenario: Write, tmp_path_factory: pytest.TempPathFactory) -> ScenarioRun:
    """All faults within six hours."""
    return read_scenario(scenario(tmp_path_factory.mktemp("storm"), *HOURS, (LAST, LAST + STORM)))


def test_every_kind_of_fault_reaches_the_cluster(storm: ScenarioRun) -> None:
    assert [type(fault) for fault in storm.cluster.faults] == KINDS
    slow = storm.cluster.faults[13]
    assert isinstance(slow, SlowStarts)
    assert slow.until_s == 8 * 3600.0  # to the end of the replay, where it does not say
    assert storm.cluster.faults[15:18] == (
        StuckReplicas(0, 1.0, 4 * 3600.0, 5 * 3600.0, "cuda"),
        CrashingReplicas(1, 1.0, 2 * 3600.0, 6 * 3600.0, 2),
        CrashingReplicas(None, 0.5, 6 * 3600.0, 7 * 3600.0, 1),
    )


def test_whatever_goes_wrong_the_loop_goes_on_and_keeps_its_promises(storm: ScenarioRun) -> None:
    found = check(storm, workers=1)
    assert [v.name for v in found] == list(INVARIANTS)
    assert [v for v in found if not v.holds] == []


def test_the_strategies_that_expectations_name_are_run_each_once(scenario: Write, tmp_path: Path) -> None:
    expect = """\
  expect:
    - {name: a, what: gpuHours, ofStrategy: hpa-70, atMost: 9}
    - {name: b, what: lateShare, strategy: reactive+loop, ofStrategy: hpa-70, atMost: 100}
    - {name: c, what: floor, atLeast: 0}
"""
    run = read_scenario(scenario(tmp_path, *HOURS, (LAST, LAST + expect)))
    assert strategies_of(run) == ("ours", "hpa-70", "reactive+loop")
    together, alone = check(run, workers=2), check(run, workers=1)
    assert [v.to_dict() for v in together] == [v.to_dict() for v in alone]


def test_parts_of_policies_are_left_out_of_them(scenario: Write, tmp_path: Path) -> None:
    chat = "lateAfter: 5s}\n  pools: {primary: [steady], burst: [cheap]}\n  replicas: {min: 0, via: scale}\n"
    more = (
        "  schedules: [{name: day, start: '0 9 * * *', duration: 1h, timezone: UTC, atLeast: {replicas: 3}}]\n"
        "  budget: {gpus: 12}\n"
    )
    path = scenario(tmp_path, *HOURS, (chat, chat + more))
    asked = read_scenario(path).policies
    assert [book is None for book in asked.schedules] == [False, True]
    assert [budget.gpus for budget in asked.fleet.budgets] == [12]
    off = frozenset([PlanPart.SCHEDULES, PlanPart.BUDGET, PlanPart.HOLD])
    run = read_scenario(path, without=off)
    assert [book is None for book in run.policies.schedules] == [True, True]
    assert run.policies.fleet.budgets == ()
    assert run.without == off
