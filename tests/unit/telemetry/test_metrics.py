"""The exported metrics: valid by Prometheus' own checker, begun at zero, and gone with their policy."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from autoscaler.domain.ending import EndFate, PlaceholderEnd
from autoscaler.ports.errors import Unavailable
from autoscaler.telemetry import names
from autoscaler.telemetry.metrics import LoopMetrics
from tests.unit.controller.live import Live, policy

Series = dict[tuple[str, tuple[str, ...]], float]


def series(metrics: LoopMetrics) -> Series:
    """What a scrape finds, by name and values of labels in their order."""
    text = generate_latest(metrics.registry).decode()
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, tuple(sample.labels.values())): sample.value for sample in found}


class Exported:
    """A live loop with its metrics."""

    def __init__(self, folder: Path) -> None:
        self.metrics = LoopMetrics()
        self.live = Live(folder, {"chat": [4.0] * 100}, outlets=(self.metrics,))

    def value(self, name: str, *labels: str) -> float | None:
        return series(self.metrics).get((f"gpu_autoscaler_{name}", labels))


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    return Exported(tmp_path)


def test_counters_begin_at_zero(exported: Exported) -> None:
    assert exported.value("actions_total", "SetFloor", "failed") == 0.0
    assert exported.value("ticks_total", "done") == 0.0
    exported.live.write("chat.yaml", policy("chat", "observe"))
    exported.live.run(1)
    assert exported.value("decisions_total", "chat", "budget") == 0.0


def test_what_a_tick_saw_and_planned(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"), policy("code", "observe"))
    exported.live.run(30)
    assert exported.value("demand_replicas", "chat") == 4.0
    assert exported.value("ready_replicas", "code") == 2.0
    floor = exported.value("planned_floor_replicas", "chat")
    assert floor is not None
    assert floor >= 4.0
    assert exported.value("placeholders", "chat", "h100", "bound") is not None
    assert exported.value("late_share_ratio", "chat") == 0.0
    assert exported.value("signal_state", "chat", "arrivals", "value") == 1.0
    assert exported.value("signal_state", "chat", "queue", "missing") == 1.0
    assert exported.value("signal_age_seconds", "chat", "arrivals") == 0.0
    assert exported.value("signal_age_seconds", "chat", "queue") is None
    assert exported.value("policies", "observe") == 1.0
    assert exported.value("policy_problems") == 0.0
    assert exported.value("leader") == 1.0
    assert exported.value("ticks_total", "done") == 30.0
    assert exported.value("tick_seconds_count") == 30.0
    assert sum(v for (n, _), v in series(exported.metrics).items() if n == "gpu_autoscaler_decisions_total") > 0.0


def test_series_go_with_their_policy(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.write("code.yaml", policy("code"))
    exported.live.run(3)
    assert any("code" in labels for _, labels in series(exported.metrics))
    (exported.live.folder / "code.yaml").unlink()
    exported.live.run(1)
    assert not any("code" in labels for _, labels in series(exported.metrics))
    assert any("chat" in labels for _, labels in series(exported.metrics))


def test_ticks_that_see_nothing_or_fail_are_told_apart(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(2)
    exported.live.town.broken = Unavailable("kube-apiserver: refused")
    exported.live.run(1)
    assert exported.value("demand_replicas", "chat") is None
    assert exported.value("problems") == 1.0
    exported.live.town.broken = KeyError("spec")
    exported.live.run(1)
    outcomes = {outcome: exported.value("ticks_total", outcome) for outcome in ("done", "blind", "failed", "idle")}
    assert outcomes == {"done": 2.0, "blind": 1.0, "failed": 1.0, "idle": 0.0}


def test_a_follower_says_what_it_sees_and_plans_nothing(exported: Exported) -> None:
    exported.live.lead.leads = False
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(3)
    assert exported.value("leader") == 0.0
    assert exported.value("demand_replicas", "chat") == 4.0
    assert exported.value("planned_floor_replicas", "chat") is None


def test_every_name_is_exported_once_with_our_prefix(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(3)
    declared = [value.text for value in vars(names).values() if isinstance(value, names.Name)]
    families = [f.name for f in text_string_to_metric_families(generate_latest(exported.metrics.registry).decode())]
    assert sorted(declared) == sorted(name for name in families if not name.endswith("_created"))
    assert all(name.startswith(names.PREFIX) for name in declared)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="left out: no promtool; install Debian's prometheus")
def test_promtool_finds_nothing_wrong(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(3)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(exported.metrics.registry), capture_output=True
    )
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "", "")


def test_placeholders_that_ended_are_counted_by_pool_and_fate(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.write("code.yaml", policy("code"))
    exported.live.run(1)
    assert exported.value("placeholders_ended_total", "lost", "chat", "h100") == 0.0
    lost = PlaceholderEnd("chat", "h100", 0, 0.0, EndFate.LOST, "NodeGone", "")
    used = PlaceholderEnd("code", "h100", 0, 0.0, EndFate.CONSUMED, "PreemptionByScheduler", "")
    exported.live.ended = (lost, lost, used, replace(lost, policy="old"), replace(lost, pool="old"))
    exported.live.run(3)
    ended = {k: v for (n, k), v in series(exported.metrics).items() if n == "gpu_autoscaler_placeholders_ended_total"}
    assert {key: value for key, value in ended.items() if value} == {
        ("lost", "chat", "h100"): 2.0, ("consumed", "code", "h100"): 1.0,
    }  # fmt: skip
    (exported.live.folder / "code.yaml").unlink()
    exported.live.run(1)
    assert exported.value("placeholders_ended_total", "consumed", "code", "h100") is None
    assert exported.value("placeholders_ended_total", "lost", "chat", "h100") == 2.0
