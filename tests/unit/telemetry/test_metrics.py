"""The exported metrics: valid by Prometheus' own checker, begun at zero, and gone with their policy."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from autoscaler.controller.leads import LeadsInForce
from autoscaler.domain.ending import EndFate, PlaceholderEnd
from autoscaler.domain.lead_time import Start
from autoscaler.ports.errors import Unavailable
from autoscaler.telemetry import names
from autoscaler.telemetry.tallies import TICK_OUTCOMES
from tests.unit.controller.live import NODE_S, REPLICA_S, policy
from tests.unit.observe.starts import nodes
from tests.unit.telemetry.exported import Exported, series


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    return Exported(tmp_path)


def tell_starts(exported: Exported, starts: Sequence[Start]) -> None:
    """The last tick again, with lead times learned from these."""
    tick = exported.live.kept.ticks[-1]
    assert tick.in_force is not None
    leads = LeadsInForce(180.0, 120.0)
    leads.learn(starts)
    exported.metrics.tell(replace(tick, in_force=replace(tick.in_force, leads=leads)))


def test_counters_begin_at_zero(exported: Exported) -> None:
    assert exported.get("actions_total", action="SetFloor", outcome="failed") == 0.0
    assert exported.get("ticks_total", outcome="done") == 0.0
    exported.live.write("chat.yaml", policy("chat", "observe"))
    exported.live.run(1)
    assert exported.get("decisions_total", policy="chat", reason="budget") == 0.0


def test_what_a_tick_saw_and_planned(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"), policy("code", "observe"))
    exported.live.run(30)
    assert exported.get("demand_replicas", policy="chat") == 4.0
    assert exported.get("ready_replicas", policy="code") == 2.0
    floor = exported.get("planned_floor_replicas", policy="chat")
    assert floor is not None
    assert floor >= 4.0
    assert exported.get("placeholders", policy="chat", pool="h100", state="bound") is not None
    assert exported.get("late_share_ratio", policy="chat") == 0.0
    assert exported.get("signal_state", policy="chat", signal="arrivals", state="value") == 1.0
    assert exported.get("signal_state", policy="chat", signal="queue", state="missing") == 1.0
    assert exported.get("signal_age_seconds", policy="chat", signal="arrivals") == 0.0
    assert exported.get("signal_age_seconds", policy="chat", signal="queue") is None
    assert exported.get("policies", mode="observe") == 1.0
    assert exported.get("policy_problems") == 0.0
    assert exported.get("leader") == 1.0
    assert exported.get("ticks_total", outcome="done") == 30.0
    assert exported.get("tick_seconds_count") == 30.0
    assert sum(v for (n, _), v in series(exported.metrics).items() if n == "gpu_autoscaler_decisions_total") > 0.0


def test_lead_times_are_shown_as_seen_and_as_planned_with(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(1)
    tell_starts(exported, [*nodes([60.0] * 9), *nodes([60.0] * 9, policy="gone"), *nodes([60.0] * 9, pool="gone")])
    assert exported.get("lead_time_seconds", percentile="90", policy="chat", pool="h100", stage="node_ready") == 30.0
    assert exported.get("lead_time_seconds", percentile="90", policy="chat", pool="h100", stage="image") is None
    assert exported.get("planned_lead_seconds", part="node", policy="chat") == NODE_S
    assert exported.get("planned_lead_seconds", part="replica", policy="chat") == REPLICA_S
    assert not any("gone" in dict(labels).values() for _, labels in series(exported.metrics))


def test_what_the_first_request_waits_is_told_of_policies_that_go_to_zero(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat", more="replicas: {min: 0}"), policy("code"))
    exported.live.run(1)
    tell_starts(exported, [])
    middle, late = (exported.get("wake_up_seconds", percentile=one, policy="chat") for one in ("50", "90"))
    assert middle is not None
    assert late is not None
    assert 0.0 < middle < late <= NODE_S + REPLICA_S + 60.0
    assert exported.get("wake_up_seconds", percentile="50", policy="code") is None


def test_series_go_with_their_policy(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.write("code.yaml", policy("code"))
    exported.live.run(3)
    assert any("code" in dict(labels).values() for _, labels in series(exported.metrics))
    (exported.live.folder / "code.yaml").unlink()
    exported.live.run(1)
    assert not any("code" in dict(labels).values() for _, labels in series(exported.metrics))
    assert any("chat" in dict(labels).values() for _, labels in series(exported.metrics))


def test_ticks_that_see_nothing_or_fail_are_told_apart(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(2)
    exported.live.town.broken = Unavailable("kube-apiserver: refused")
    exported.live.run(1)
    assert exported.get("demand_replicas", policy="chat") is None
    assert exported.get("problems") == 1.0
    exported.live.town.broken = KeyError("spec")
    exported.live.run(1)
    outcomes = {outcome: exported.get("ticks_total", outcome=outcome) for outcome in TICK_OUTCOMES}
    assert outcomes == {"done": 2.0, "blind": 1.0, "failed": 1.0, "idle": 0.0}


def test_a_follower_says_what_it_sees_and_plans_nothing(exported: Exported) -> None:
    exported.live.lead.leads = False
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(3)
    assert exported.get("leader") == 0.0
    assert exported.get("demand_replicas", policy="chat") == 4.0
    assert exported.get("planned_floor_replicas", policy="chat") is None


def test_every_name_is_exported_once_with_our_prefix(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(3)
    declared = [name.text for name in names.ALL]
    families = [f.name for f in text_string_to_metric_families(generate_latest(exported.metrics.registry).decode())]
    assert sorted(declared) == sorted(name for name in families if not name.endswith("_created"))
    assert all(name.startswith(names.PREFIX) for name in declared)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="left out: no promtool; install Debian's prometheus")
def test_promtool_finds_nothing_wrong(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat", "act", "budget: {gpus: 9, dollarsPerHour: 50}"))
    exported.live.run(3)
    tell_starts(exported, nodes([60.0] * 9))
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=generate_latest(exported.metrics.registry), capture_output=True
    )
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (0, "", "")


def test_placeholders_that_ended_are_counted_by_pool_and_fate(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.write("code.yaml", policy("code"))
    exported.live.run(1)
    assert exported.get("placeholders_ended_total", fate="lost", policy="chat", pool="h100") == 0.0
    lost = PlaceholderEnd("chat", "h100", 0, 0.0, EndFate.LOST, "NodeGone", "")
    used = PlaceholderEnd("code", "h100", 0, 0.0, EndFate.CONSUMED, "PreemptionByScheduler", "")
    exported.live.ended = (lost, lost, used, replace(lost, policy="old"), replace(lost, pool="old"))
    exported.live.run(3)
    ended = "gpu_autoscaler_placeholders_ended_total"
    counted = {tuple(dict(k).values()): v for (n, k), v in series(exported.metrics).items() if n == ended and v}
    assert counted == {("lost", "chat", "h100"): 2.0, ("consumed", "code", "h100"): 1.0}
    (exported.live.folder / "code.yaml").unlink()
    exported.live.run(1)
    assert exported.get("placeholders_ended_total", fate="consumed", policy="code", pool="h100") is None
    assert exported.get("placeholders_ended_total", fate="lost", policy="chat", pool="h100") == 2.0
