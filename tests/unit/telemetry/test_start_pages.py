"""Lead times as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from autoscaler.controller.leads import LeadsInForce
from autoscaler.domain.lead_time import Stage, Start, StartEnd, StartPath
from autoscaler.telemetry.metrics import LoopMetrics
from autoscaler.telemetry.start_pages import LeadTimePages
from tests.unit.controller.live import NODE_S, REPLICA_S, policy
from tests.unit.observe.starts import node, replica
from tests.unit.telemetry.exported import Exported

LOADED = {Stage.IMAGE: 20.0, Stage.WEIGHTS: 70.0, Stage.TRANSFER: 10.0}


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    found = Exported(tmp_path)
    found.live.write("chat.yaml", policy("chat"), policy("code"))
    found.live.run(1)
    return found


def page(exported: Exported, starts: Sequence[Start], policy: str = "chat") -> Any:
    """As a client reads it."""
    tick = exported.live.kept.ticks[-1]
    assert tick.in_force is not None
    leads = LeadsInForce(NODE_S, REPLICA_S)
    leads.learn(starts)
    exported.metrics.tell(replace(tick, in_force=replace(tick.in_force, leads=leads)))
    code, told = LeadTimePages(exported.metrics.starts).page(policy)
    assert code == 200
    return json.loads(json.dumps(told, allow_nan=False))


def test_what_starts_took_is_told_by_pool_part_and_path_with_the_stage_that_weighs_most(exported: Exported) -> None:
    cold = [replace(replica(f"{n}", 1.0, 1.0, path=StartPath.COLD_NODE), stages=LOADED) for n in range(3)]
    failed = replace(cold[0], uid="f", stages={Stage.IMAGE: 300.0}, end=StartEnd.FAILED)
    told = page(exported, [*cold, failed, replica("w", 5.0, 30.0), node("n", 90.0)])
    assert told["plannedSeconds"] == {"node": NODE_S, "replica": REPLICA_S}
    of_node, of_cold, of_warm = told["starts"]
    assert (of_node["part"], of_node["seconds"]) == ("node", {"p50": 90.0, "p90": 90.0})
    assert of_cold["pool"] == "h100"
    assert (of_cold["path"], of_cold["dominant"]) == ("cold_node", "weights")
    assert of_cold["count"] == {"complete": 3, "failed": 1, "waiting": 0}
    assert of_cold["stages"]["weights"] == {"p50": 70.0, "p90": 70.0, "count": 3.0}
    assert of_cold["stages"]["image"] == {"p50": 20.0, "p90": 300.0, "count": 3.0}
    assert (of_warm["path"], of_warm["dominant"]) == ("warm_node", "start")
    assert told["underWay"] == []


def test_starts_under_way_say_where_they_are_and_what_holds_them_up(exported: Exported) -> None:
    start = replica("a", 0.0, 3.0 * REPLICA_S + 1.0, end=StartEnd.WAITING)
    told = page(exported, [replace(start, pod="inference/chat-0", why="ImagePullBackOff", in_stage=Stage.IMAGE)])
    assert told["underWay"] == [{
        "pod": "inference/chat-0", "pool": "h100", "part": "replica", "path": "warm_node", "stage": "image",
        "seconds": 361.0, "stuck": True, "why": "ImagePullBackOff",
    }]  # fmt: skip
    (group,) = told["starts"]
    assert group["seconds"] == {"p50": None, "p90": None}


def test_all_policies_are_told_of_and_no_others(exported: Exported) -> None:
    told = page(exported, [node("n", 90.0), node("m", 90.0, policy="gone")], "")
    assert [one["policy"] for one in told["leadTimes"]] == ["chat", "code"]
    assert LeadTimePages(LoopMetrics().starts).page("")[0] == 503
    code, said = LeadTimePages(exported.metrics.starts).page("gone")
    assert code == 404
    assert "chat, code" in str(said["error"])
