"""What is exported of starts: counted once each, those under way and stuck, and what loading takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from autoscaler.controller.tick import Tick
from autoscaler.domain.lead_time import Stage, StageQuantile, Start, StartEnd, StartPath
from autoscaler.domain.usage import PodUse
from autoscaler.observe.usage import Usage
from autoscaler.telemetry.metrics import LoopMetrics
from tests.unit.controller.live import NODE_S, REPLICA_S, policy
from tests.unit.observe.starts import node, replica
from tests.unit.telemetry.exported import Exported, series

SEAT = {"policy": "chat", "pool": "h100"}
COLD = {**SEAT, "part": "replica", "path": "cold_node"}


@dataclass
class Told:
    """Lead times that tell these starts."""

    known: list[Start] = field(default_factory=list)

    def starts(self) -> Sequence[Start]:
        return self.known

    def p90_s(self, policy: str) -> float:
        return 300.0

    def middle_s(self, policy: str) -> tuple[float, float]:
        return 60.0, 60.0

    def quantiles(self) -> Sequence[StageQuantile]:
        return ()

    def record(self, policy: str) -> Mapping[str, object]:
        return {}

    def restore(self, policy: str, record: Mapping[str, object]) -> None:
        """Nothing to add."""


class Site:
    """A loop that has run once, and is told the same tick again, later, with other starts."""

    def __init__(self, folder: Path) -> None:
        self.exported = Exported(folder)
        self.exported.live.write("chat.yaml", policy("chat"))
        self.exported.live.run(1)
        self.told = Told()
        self.now_s = self.tick().now_s

    def tick(self) -> Tick:
        return self.exported.live.kept.ticks[-1]

    def tell(self, *starts: Start, after_s: float = 15.0, leads: bool = True) -> None:
        """One more tick, with these starts beside those told before, of which a newer one takes the place."""
        new = {start.uid for start in starts}
        self.told.known = [*(start for start in self.told.known if start.uid not in new), *starts]
        self.now_s += after_s
        in_force = self.tick().in_force
        assert in_force is not None
        told = replace(self.tick(), now_s=self.now_s, leads=leads, in_force=replace(in_force, leads=self.told))
        self.exported.metrics.tell(told)

    def counted(self, **labels: str) -> float:
        return self.exported.value("starts_total", **(COLD | {"end": "complete"} | labels))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def cold(uid: str, ended_s: float, end: StartEnd = StartEnd.COMPLETE, policy: str = "chat") -> Start:
    return replica(uid, 40.0, 60.0, ended_s, end, policy, path=StartPath.COLD_NODE)


def test_a_start_is_counted_once_from_zero_however_often_it_is_told(site: Site) -> None:
    assert site.counted() == 0.0
    site.tell(cold("a", site.now_s + 5.0))
    site.tell(cold("b", site.now_s + 5.0, StartEnd.FAILED))
    for _ in range(300):
        site.tell()
    assert site.counted() == 1.0
    assert site.counted(end="failed") == 1.0
    assert site.counted(path="warm_node") == 0.0


def test_a_node_and_the_replica_on_it_are_counted_apart(site: Site) -> None:
    site.tell(cold("pod", site.now_s + 5.0), node("node", 90.0, site.now_s + 5.0))
    site.tell(after_s=90.0)
    assert site.counted() == site.counted(part="node") == 1.0


def test_a_start_is_counted_as_what_is_known_a_minute_after_its_end(site: Site) -> None:
    """The stamp that its weights were there is scraped later."""
    ended_s = site.now_s + 5.0
    site.tell(cold("a", ended_s))
    assert site.counted() == 0.0
    site.tell(replace(cold("a", ended_s), path=StartPath.WEIGHTS_PRESENT), after_s=20.0)
    site.tell(after_s=60.0)
    assert (site.counted(), site.counted(path="weights_present")) == (0.0, 1.0)


def test_starts_that_ended_before_we_led_are_of_somebody_else(site: Site) -> None:
    """A restart reads them from the record, with uids that are cut short; a leader before us counted them."""
    old = [cold(f"{n}".rjust(13, "0"), site.now_s - 30.0 * n) for n in range(20)]
    site.tell(*old)
    site.tell(after_s=600.0)
    assert site.counted() == 0.0
    restarted = LoopMetrics()
    site.exported.metrics = restarted
    site.tell(cold("seen-by-neither", site.now_s - 1.0), after_s=0.0)
    site.tell(cold("new", site.now_s + 1.0))
    site.tell(after_s=120.0)
    assert site.counted() == 1.0


def test_starts_are_counted_in_whatever_order_they_are_told(site: Site) -> None:
    """Those of one policy come after those of another, however old."""
    site.tell(cold("a", site.now_s + 5.0), cold("old", site.now_s - 900.0), cold("b", site.now_s + 5.0))
    site.tell(cold("c", site.now_s + 5.0), cold("older", site.now_s - 9000.0))
    site.tell(after_s=90.0)
    assert site.counted() == 3.0


def test_a_uid_that_is_cut_short_is_the_same_start(site: Site) -> None:
    uid, ended_s = "01234567-89ab-cdef", site.now_s + 5.0
    site.tell(cold(uid, ended_s))
    site.tell(after_s=90.0)
    site.told.known.clear()
    site.tell(cold(uid[:13], ended_s))
    site.tell(after_s=90.0)
    assert site.counted() == 1.0


def test_who_loses_the_lead_has_counted_what_ended_until_then_and_counts_no_more(site: Site) -> None:
    site.tell(cold("a", site.now_s + 5.0))
    site.tell(leads=False)
    assert site.counted() == 1.0
    site.tell(cold("b", site.now_s + 5.0), leads=False)
    site.tell(after_s=90.0, leads=False)
    site.tell(after_s=90.0)
    site.tell(after_s=90.0)
    assert site.counted() == 1.0


def test_starts_under_way_are_told_by_stage_and_are_stuck_after_three_times_what_is_planned(site: Site) -> None:
    waiting = cold("a", site.now_s, StartEnd.WAITING)
    ordered = node("n", 3.0 * NODE_S + 1.0, site.now_s, StartEnd.WAITING)
    site.tell(waiting, replace(waiting, uid="b"), ordered, cold("gone", site.now_s, StartEnd.WAITING, "gone"))
    stuck = {part: site.exported.value("starts_stuck", **SEAT, part=part) for part in ("node", "replica")}
    assert stuck == {"node": 1.0, "replica": 0.0}
    assert site.exported.value("starts_under_way", **SEAT, part="replica", stage="start") == 2.0
    assert site.exported.value("starts_under_way", **SEAT, part="node", stage="ordered") == 1.0
    site.tell(replica("a", 40.0, 3.0 * REPLICA_S, site.now_s, StartEnd.WAITING))
    assert site.exported.value("starts_stuck", **SEAT, part="replica") == 1.0
    assert not any("gone" in dict(labels).values() for _, labels in series(site.exported.metrics))


def test_what_models_load_is_told_by_their_format(site: Site) -> None:
    stages = {Stage.IMAGE: 30.0, Stage.WEIGHTS: 50.0, Stage.CUDA: 8.0, Stage.TRANSFER: 10.0, Stage.WARM_UP: 5.0}
    start = replace(cold("a", site.now_s), stages=stages, model_format="SafeTensors")
    cut_off = replace(start, uid="b", stages={Stage.WEIGHTS: 10.0}, end=StartEnd.FAILED)
    whole = replace(start, uid="c", stages={Stage.IMAGE: 1.0, Stage.LOAD: 70.0}, model_format="home made")
    site.tell(start, cut_off, whole, replace(start, uid="d", stages={Stage.IMAGE: 9.0}, model_format="onnx"))
    found = {"policy": "chat", "percentile": "50"}
    assert site.exported.value("model_load_seconds", **found, format="safetensors") == 60.0
    assert site.exported.value("model_load_seconds", **found | {"percentile": "90"}, format="safetensors") == 60.0
    assert site.exported.value("model_load_seconds", **found, format="other") == 70.0
    assert site.exported.get("model_load_seconds", **found, format="onnx") is None


def test_replicas_in_their_warm_up_have_their_model_loaded(site: Site) -> None:
    report = site.tick().report
    assert report is not None
    assert report.observation is not None
    inventory = report.observation.inventory

    def tell(ready: int, starting: int, *starts: Start) -> float | None:
        assert report.observation is not None
        in_force = site.tick().in_force
        assert in_force is not None
        seen = replace(inventory, ready=np.array([[ready]]), starting=np.array([[starting]]))
        told = replace(report, observation=replace(report.observation, inventory=seen))
        leads = replace(in_force, leads=Told(list(starts)))
        site.exported.metrics.tell(replace(site.tick(), in_force=leads, report=told))
        return site.exported.get("model_loaded_ratio", policy="chat")

    warming = replace(cold("a", site.now_s, StartEnd.WAITING), stages={Stage.WARM_UP: 1.0})
    loading = replace(warming, uid="b", stages={Stage.WEIGHTS: 9.0})
    assert tell(2, 2, warming, loading) == 0.75
    assert tell(0, 0) is None
    assert tell(0, 1, warming, replace(warming, uid="c")) == 1.0


def test_what_starts_cost_is_a_part_of_all_costs(tmp_path: Path) -> None:
    exported = Exported(tmp_path, {"chat": [4.0] * 10 + [9.0] * 50})
    exported.live.write("chat.yaml", policy("chat"))
    exported.live.run(1)
    assert exported.value("start_cost_dollars_total", **SEAT) == 0.0
    exported.live.run(40)
    place = SEAT | {"tier": "primary", "capacity_type": "on-demand"}
    used_s = exported.value("gpu_seconds_total", **place, use="starting")
    cost = exported.value("start_cost_dollars_total", **SEAT)
    assert cost == pytest.approx(used_s * 2.0 / 3600.0)
    assert 0.0 < cost < exported.value("cost_estimate_dollars_total", **place)


def test_what_replicas_use_of_their_gpus_is_told_of_policies_in_force(site: Site) -> None:
    usage = Usage()
    pods = {"inference/chat-0": "chat", "inference/gone-0": "gone"}
    usage.learn([PodUse("inference/chat-0", 0.3, None), PodUse("inference/gone-0", 0.9, 0.9)], pods, site.now_s)
    in_force = site.tick().in_force
    assert in_force is not None
    assert site.exported.get("gpu_used_ratio", policy="chat", percentile="90") is None
    site.exported.metrics.tell(replace(site.tick(), in_force=replace(in_force, uses=usage)))
    assert site.exported.value("gpu_used_ratio", policy="chat", percentile="90") == pytest.approx(0.3, rel=0.06)
    assert site.exported.get("gpu_memory_used_ratio", policy="chat", percentile="90") is None
    assert not any("gone" in dict(labels).values() for _, labels in series(site.exported.metrics))
