"""What was used, what it cost, how late work was and how good forecasts were, counted from tick to tick."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoscaler.controller.tick import Tick
from autoscaler.domain.ending import EndFate, PlaceholderEnd, Taker
from autoscaler.domain.observation import Observation
from autoscaler.ports.errors import Unavailable
from autoscaler.telemetry.pool_metrics import GPU_STATES
from tests.unit.controller.live import NODE_S, REPLICA_S, TICK_S, policy
from tests.unit.telemetry.exported import Exported, series

SEAT = {"policy": "chat", "pool": "h100", "tier": "primary", "capacity_type": "on-demand"}
LEAD_TICKS = int((NODE_S + REPLICA_S) / TICK_S)
NEAR = "warm_node"


def observation(tick: Tick) -> Observation:
    assert tick.report is not None
    assert tick.report.observation is not None
    return tick.report.observation


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    found = Exported(tmp_path)
    found.live.write("chat.yaml", policy("chat"))
    return found


def test_gpu_seconds_and_dollars_add_up_to_what_stood(exported: Exported) -> None:
    exported.live.run(1)
    assert exported.get("gpu_seconds_total", **SEAT, use="serving") == 0.0
    exported.live.run(40)
    used = {use: exported.value("gpu_seconds_total", **SEAT, use=use) for use in ("serving", "starting", "warm")}
    before_last = [observation(tick).inventory for tick in exported.live.kept.ticks[:-1]]
    assert used["serving"] == TICK_S * sum(int(one.ready.sum()) for one in before_last) > 0.0
    assert used["starting"] == TICK_S * sum(int(one.starting.sum()) for one in before_last)
    assert used["warm"] == TICK_S * sum(placeholder.bound for one in before_last for placeholder in one.placeholders)
    assert exported.value("cost_estimate_dollars_total", **SEAT) == pytest.approx(sum(used.values()) * 2.0 / 3600.0)
    pool = {"pool": "h100", "capacity_type": "on-demand", "state": "serving"}
    assert exported.value("pool_gpu_seconds_total", **pool) == used["serving"]


def test_who_follows_counts_nothing_and_a_gap_is_nobodys(exported: Exported) -> None:
    exported.live.run(10)
    used = exported.value("gpu_seconds_total", **SEAT, use="serving")
    exported.live.lead.leads = False
    exported.live.run(10)
    assert exported.get("gpu_seconds_total", **SEAT, use="serving") == used
    exported.live.lead.leads = True
    exported.live.run(1)
    assert exported.get("gpu_seconds_total", **SEAT, use="serving") == used
    exported.live.clock.move(3600.0)
    exported.live.run(1)
    assert exported.get("gpu_seconds_total", **SEAT, use="serving") == used


def test_a_blind_tick_holds_what_was_seen_before(exported: Exported) -> None:
    exported.live.run(10)
    used = exported.value("gpu_seconds_total", **SEAT, use="serving")
    ready = exported.value("ready_replicas", policy="chat")
    exported.live.town.broken = Unavailable("kube-apiserver: refused")
    exported.live.run(2)
    assert exported.get("gpu_seconds_total", **SEAT, use="serving") == used + 2.0 * TICK_S * ready


def test_usage_stays_with_its_policy_and_goes_with_it(exported: Exported) -> None:
    exported.live.run(10)
    used = exported.value("gpu_seconds_total", **SEAT, use="serving")
    exported.live.write("code.yaml", policy("code"))
    exported.live.run(1)
    assert exported.value("gpu_seconds_total", **SEAT, use="serving") > used
    assert exported.get("gpu_seconds_total", **SEAT | {"policy": "code"}, use="serving") == 0.0
    (exported.live.folder / "chat.yaml").unlink()
    exported.live.run(1)
    assert exported.get("gpu_seconds_total", **SEAT, use="serving") is None


def test_late_work_is_weighted_by_work(tmp_path: Path) -> None:
    exported = Exported(tmp_path, {"chat": [0.0, 2.0, 2.0, 6.0, 6.0, 2.0, 2.0]})
    exported.live.write("chat.yaml", policy("chat", "observe"))
    exported.live.run(7)  # the first tick knows of no time before it
    assert exported.value("demand_replica_seconds_total", policy="chat") == TICK_S * 18.0
    late = exported.value("late_replica_seconds_total", policy="chat")
    assert late == TICK_S * sum(observation(tick).late[0] for tick in exported.live.kept.ticks[1:]) > 0.0
    assert exported.value("late_objective_ratio", policy="chat") == 0.01
    assert exported.value("late_is_measured", policy="chat") == 0.0


def test_a_steady_demand_is_forecast_without_error(exported: Exported) -> None:
    exported.live.run(LEAD_TICKS + 20)
    for horizon in (NEAR, "cold_node"):
        judged = exported.value("forecasts_judged_total", policy="chat", horizon=horizon)
        assert 10.0 <= judged <= 23.0
        error = exported.value("forecast_error_replicas_total", policy="chat", horizon=horizon)
        assert error == pytest.approx(0.0, abs=1e-6)
        exceeded = exported.value("forecasts_exceeded_total", policy="chat", horizon=horizon, percentile="99")
        assert exceeded == 0.0


def test_a_forecast_is_judged_in_the_minute_that_it_is_for(tmp_path: Path) -> None:
    """Demand steps from 4 to 9: who took it to stay is 5 off for a lead time and the minute that was known, no more."""
    step = 30
    exported = Exported(tmp_path, {"chat": [4.0] * step + [9.0] * 100})
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(step + 40)
    near, far = (
        exported.value("last_value_error_replicas_total", policy="chat", horizon=horizon)
        for horizon in (NEAR, "cold_node")
    )
    assert near == 5.0 * (REPLICA_S / TICK_S + 1)
    assert far == 5.0 * (LEAD_TICKS + 1)
    exceeded = exported.value("forecasts_exceeded_total", policy="chat", horizon="cold_node", percentile="90")
    assert 1.0 <= exceeded <= LEAD_TICKS + 1
    assert exceeded <= exported.value("forecasts_exceeded_total", policy="chat", horizon="cold_node", percentile="50")


def test_minutes_without_demand_are_not_judged(exported: Exported) -> None:
    exported.live.run(20)
    judged = exported.value("forecasts_judged_total", policy="chat", horizon=NEAR)
    exported.live.town.broken = Unavailable("kube-apiserver: refused")
    exported.live.run(10)
    assert exported.value("forecasts_judged_total", policy="chat", horizon=NEAR) <= judged + 1.0
    exported.live.town.broken = None
    exported.live.run(20)
    assert exported.value("forecasts_judged_total", policy="chat", horizon=NEAR) > judged + 5.0


def test_forecasts_of_who_stays_are_judged_when_others_come(exported: Exported) -> None:
    exported.live.run(20)
    judged = exported.value("forecasts_judged_total", policy="chat", horizon=NEAR)
    exported.live.write("before.yaml", policy("code"))
    exported.live.run(5)
    assert exported.value("forecasts_judged_total", policy="chat", horizon=NEAR) == judged + 5.0
    assert exported.value("forecasts_judged_total", policy="code", horizon=NEAR) <= 3.0


def test_forecasts_are_shown_in_order_of_their_percentiles(tmp_path: Path) -> None:
    exported = Exported(tmp_path, {"chat": np.random.default_rng(1).uniform(3.0, 5.0, 200).tolist()})
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(100)
    at = {"policy": "chat", "horizon": "cold_node"}
    shown = [exported.value("forecast_replicas", **at, percentile=percentile) for percentile in ("50", "90", "99")]
    assert shown == sorted(shown)
    assert shown[0] < shown[2]


def test_places_that_strangers_took_are_counted_apart(exported: Exported) -> None:
    exported.live.run(1)
    seat = {"policy": "chat", "pool": "h100"}
    assert exported.get("capacity_taken_total", **seat) == 0.0
    own = PlaceholderEnd("chat", "h100", 0, 0.0, EndFate.CONSUMED, "PreemptionByScheduler", "", Taker.OWN)
    exported.live.ended = (own, replace(own, taker=Taker.OTHER), replace(own, taker=Taker.UNKNOWN))
    exported.live.run(1)
    assert exported.value("capacity_taken_total", **seat) == 1.0
    assert exported.value("placeholders_ended_total", **seat, fate="consumed") == 3.0


def test_pools_nodes_and_budgets(exported: Exported) -> None:
    own = policy("code", "act", "budget: {gpus: 6, dollarsPerHour: 100}")
    exported.live.write("code.yaml", own)
    exported.live.run(30)
    pool = {"pool": "h100", "capacity_type": "on-demand"}
    inventory = observation(exported.live.kept.ticks[-1]).inventory
    gpus = {state: exported.value("pool_gpus", **pool, state=state) for state in GPU_STATES}
    assert gpus["serving"] == inventory.ready.sum() > 0
    assert gpus["warm"] == sum(placeholder.bound for placeholder in inventory.placeholders)
    assert exported.value("pool_nodes", **pool, state="ready") == inventory.nodes.sum()
    assert exported.value("pool_obtainable", **pool) == 1.0
    assert 0.0 < exported.value("pool_utilization_ratio", **pool) <= 1.0
    budget = {"budget": "code", "scope": "policy"}
    assert exported.value("budget_limit_gpus", **budget) == 6.0
    assert exported.value("budget_limit_dollars_per_hour", **budget) == 100.0
    planned = exported.value("planned_floor_replicas", policy="code")
    assert planned <= exported.value("budget_asked_gpus", **budget) <= 6.0
    assert exported.value("budget_asked_dollars_per_hour", **budget) == pytest.approx(
        2.0 * exported.value("budget_asked_gpus", **budget)
    )


def test_gpus_that_strangers_hold_are_told_from_ours(exported: Exported) -> None:
    exported.live.run(30)
    tick = exported.live.kept.ticks[-1]
    assert tick.report is not None
    seen = observation(tick)
    ours = int(seen.inventory.ready.sum() + seen.inventory.starting.sum())
    warm = sum(placeholder.bound for placeholder in seen.inventory.placeholders)
    nodes, free = np.array([ours + warm + 5]), np.array([2])
    more = replace(seen.inventory, nodes=nodes, free_gpus=free)
    exported.metrics.tell(replace(tick, report=replace(tick.report, observation=replace(seen, inventory=more))))
    pool = {"pool": "h100", "capacity_type": "on-demand"}
    assert exported.value("pool_gpus", **pool, state="others") == 3.0
    assert exported.value("pool_gpus", **pool, state="free") == 2.0
    share = (ours + 3) / (ours + warm + 5)
    assert exported.value("pool_utilization_ratio", **pool) == pytest.approx(share)


def test_a_shared_budget_may_have_the_name_of_a_policy_with_its_own(exported: Exported) -> None:
    head = "apiVersion: gpu-autoscaler.io/v1alpha1\nkind: Budget\n"
    shared = f"{head}metadata: {{name: code}}\nspec: {{gpus: 9}}\n"
    exported.live.write("chat.yaml", policy("chat", "act", "budget: code"), shared)
    exported.live.write("code.yaml", policy("code", "act", "budget: {gpus: 6}"))
    exported.live.run(1)
    assert exported.value("budget_limit_gpus", budget="code", scope="shared") == 9.0
    assert exported.value("budget_limit_gpus", budget="code", scope="policy") == 6.0


def test_why_floors_are_what_they_are_now(exported: Exported) -> None:
    exported.live.write("chat.yaml", policy("chat", "act", "replicas: {max: 3}"))
    exported.live.run(20)
    assert exported.value("plan_reasons", policy="chat", reason="maximum") == 1.0
    assert exported.get("plan_reasons", policy="chat", reason="budget") is None
    assert exported.value("policy_acts", policy="chat") == 1.0
    assert exported.value("signal_value", policy="chat", signal="arrivals") > 0.0
    assert exported.get("signal_value", policy="chat", signal="queue") is None
    assert all(math.isfinite(value) for value in series(exported.metrics).values())


def test_what_a_policy_adds_is_bounded_and_nothing_grows_with_time(exported: Exported) -> None:
    exported.live.run(60)
    one = len(series(exported.metrics))
    exported.live.write("code.yaml", policy("code"))
    exported.live.write("voice.yaml", policy("voice"))
    exported.live.run(60)
    three = len(series(exported.metrics))
    assert (three - one) / 2 < 140
    exported.live.run(600)
    assert len(series(exported.metrics)) <= three + 10
