"""What plans of policies for queued work show, and what the log says of such work."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

from autoscaler.controller.cycle import Ports
from autoscaler.controller.dry import DryCluster
from autoscaler.controller.in_force import InForce
from autoscaler.controller.tick import Tick
from autoscaler.domain.budget import Budget
from autoscaler.domain.queue import Queue, QueuePlaceholder, QueueReport
from autoscaler.policy.governed import Governed
from autoscaler.ports.errors import Unavailable
from autoscaler.ports.plans import PlanStatus, QueueFigures
from autoscaler.telemetry.log import LogFormat, LoopLog, logger
from autoscaler.telemetry.metrics import LoopMetrics
from autoscaler.telemetry.pool_metrics import queued_gpus
from autoscaler.telemetry.queue_status import queue_statuses
from tests.unit.controller.waiting import NOW_S, Silent, Waiting, governed, tick
from tests.unit.telemetry.exported import series


def told(port: Waiting, policies: Governed) -> Tick:
    """The tick as outlets hear of it."""
    report = tick(port, policies)

    def unused(_: float) -> Any:
        raise AssertionError("outlets change nothing")

    ports = Ports(Silent(), DryCluster(unused), port)
    in_force = InForce(policies, ports, (), None, tuple, unused, unused, lambda: False, lambda: None)
    return Tick(NOW_S, 0.1, True, in_force, report, None, (), ())


def poor() -> Governed:
    """The budget pays for no pod of the Job."""
    found = governed()
    return replace(found, fleet=replace(found.fleet, budgets=(Budget("training", 8.0),)))


def shown(port: Waiting, policies: Governed) -> tuple[PlanStatus, dict[str, tuple[bool | None, str]]]:
    """The status, and what holds of its conditions and why, by type."""
    status = queue_statuses(told(port, policies))["training"]
    return status, {one.kind: (one.holds, one.reason) for one in status.conditions}


def test_what_waits_and_gets_its_nodes() -> None:
    status, conditions = shown(Waiting(), governed())
    assert isinstance(status.figures, QueueFigures)
    assert (status.figures.waiting, status.figures.gpus, status.figures.held_back) == (1, 16, 0)
    assert status.figures.reason == "1 wait, 0 with their nodes"
    assert conditions == {
        "Ready": (True, "Acting"), "CapacityAvailable": (True, "Obtainable"), "WithinBudget": (True, "WithinBudget"),
    }  # fmt: skip


def test_what_is_held_back_and_why() -> None:
    status, conditions = shown(Waiting(), poor())
    assert isinstance(status.figures, QueueFigures)
    assert status.figures.held_back == 1
    assert "Job training/a: it needs 16 GPUs" in status.figures.reason
    assert conditions["WithinBudget"] == (False, "BudgetLimit")


def test_what_was_refused() -> None:
    _, conditions = shown(Waiting(refuses=True), governed())
    assert conditions["Ready"] == (False, "NotDone")


def test_what_could_not_be_seen() -> None:
    status, conditions = shown(Waiting(Unavailable("watch jobs: no news")), governed())
    assert status.figures is None
    assert conditions == {"Ready": (False, "ClusterUnknown")}
    assert "watch jobs: no news" in status.conditions[0].message


def test_the_log_says_how_work_fares_when_that_changes() -> None:
    out = io.StringIO()
    log = LoopLog(logger(LogFormat.JSON, out))
    for policies in (poor(), poor(), governed()):
        log.tell(told(Waiting(), policies))
    lines = [line for line in map(json.loads, out.getvalue().splitlines()) if line["event"] == "queued work"]
    assert [(line["policy"], line["work"], line["state"]) for line in lines] == [
        ("training", "Job training/a", "BudgetLimit"), ("training", "Job training/a", "NodesOnOrder"),
    ]  # fmt: skip


def test_metrics_count_what_waits_and_what_is_asked_for_it() -> None:
    metrics = LoopMetrics()
    metrics.tell(told(Waiting(), governed()))
    found = {key: value for key, value in series(metrics).items() if "queued" in key[0] or "budget" in key[0]}
    names = {(key[0].removeprefix("gpu_autoscaler_"), *dict(key[1]).values()): value for key, value in found.items()}
    assert names[("queued_work", "training", "ordered")] == 1.0
    assert names[("queued_work", "training", "held_back")] == 0.0
    assert names[("budget_limit_gpus", "training", "policy")] == 16.0
    assert names[("budget_asked_gpus", "training", "policy")] == 16.0
    metrics.tell(told(Waiting(), poor()))
    again = series(metrics)
    assert again["gpu_autoscaler_budget_asked_gpus", (("budget", "training"), ("scope", "policy"))] == 0.0


def test_a_gpu_that_queued_work_holds_is_warm_and_not_used() -> None:
    standing = Queue((), (QueuePlaceholder(0, 0, "job", "main", 0, 8, bound=True),), ((),))
    assert queued_gpus(QueueReport(standing), governed().fleet).tolist() == [8]
