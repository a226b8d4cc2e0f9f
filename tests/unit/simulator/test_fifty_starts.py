"""Fifty starts of drawn lengths, learned from as a controller does, with its restart in the middle: each stage is as it
was drawn, stuck and failed ones are told as such, and what is learned of them all is right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd
from autoscaler.observe.lead_times import MOST_COMPLETE, LeadTimes
from autoscaler.simulator.cloud import stream
from autoscaler.simulator.settings import LostNodes, PoolSetting, StuckReplicas
from autoscaler.simulator.stages import StageLaw

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build, Driven

COUNT, EVERY_S, LOOK_S = 50, 23.0, 5.0
WITHIN_S = 1.5
PRIOR_S = 99.9
SEED = 11
BOOT, DRIVER = StageLaw(80.0, 140.0), StageLaw(30.0, 50.0)
IMAGE, LOADS = StageLaw(45.0, 90.0), (StageLaw(60.0, 120.0), StageLaw(12.0, 20.0), StageLaw(18.0, 40.0))
NODE_STAGES = (Stage.JOINED, Stage.GPU)
REPLICA_STAGES = (Stage.IMAGE, Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER)
GOOD, STUCK, LOST = 0, 1, 2
"""Workloads: one that starts, one that hangs while it loads, one whose nodes never join."""


@dataclass
class Controller:
    """What learns, in one life or several; `told` has the newest report of each start that ended."""

    driven: Driven
    lead_times: LeadTimes = field(default_factory=lambda: LeadTimes(PRIOR_S, PRIOR_S))
    told: dict[tuple[Part, str], Start] = field(default_factory=dict)
    waiting: list[Start] = field(default_factory=list)
    read: Callable[[float], list[Start]] | None = None

    def look(self) -> None:
        self.read = self.read or self.driven.world.starts_reader().starts
        found = self.read(self.driven.now_s)
        self.lead_times.learn(found)
        self.waiting = [one for one in found if one.end is StartEnd.WAITING]
        self.told |= {(one.part, one.uid): one for one in found if one.end is not StartEnd.WAITING}

    def restart(self) -> None:
        """Nothing is kept but the records."""
        records = {policy: self.lead_times.to_record(policy) for policy in ("good", "stuck", "lost")}
        self.lead_times, self.read = LeadTimes(PRIOR_S, PRIOR_S), None
        for policy, record in records.items():
            self.lead_times.from_record(policy, record)

    def of(self, part: Part, end: StartEnd, policy: str) -> dict[int, Start]:
        """By the number of the node or pod."""
        found = (one for one in self.told.values() if (one.part, one.end, one.policy) == (part, end, policy))
        return {int(one.uid.split("-")[1]): one for one in found}


@pytest.fixture(scope="module")
def controller(build: Build) -> Controller:
    """After all of the fifty have started."""
    pools = tuple(
        PoolSetting(replace(build.pool(gpus_per_node=1).pool, name=name), (BOOT, DRIVER)) for name in ("main", "odd")
    )
    good = build.workload(image=IMAGE, stages=LOADS, name="good")
    stuck, lost = replace(good, name="stuck"), replace(good, name="lost", pools=(1,))
    faults = (StuckReplicas(STUCK, 1.0, 0.0, 1e9, stage="weights"), LostNodes(1, 1.0, 0.0, 1e9))
    driven = build.world(good, stuck, lost, pools=pools, faults=faults, seed=SEED)
    found = Controller(driven)
    driven.scale(1, STUCK).scale(1, LOST)
    for number in range(1, COUNT + 1):
        driven.scale(number, GOOD)
        advance(found, EVERY_S)
        if number == COUNT // 2:
            found.restart()
    advance(found, 900.0)
    return found


def advance(controller: Controller, seconds: float) -> None:
    until_s = controller.driven.now_s + seconds
    while controller.driven.now_s < until_s:
        controller.driven.until(min(controller.driven.now_s + LOOK_S, until_s))
        controller.look()


def drawn_nodes(count: int) -> list[dict[Stage, float]]:
    """Of the main pool, in the order in which they were ordered."""
    rng = stream(SEED, 1, 0)
    return [dict(zip(NODE_STAGES, (BOOT.draw(rng), DRIVER.draw(rng)), strict=True)) for _ in range(count)]


def drawn_replicas(controller: Controller) -> dict[int, dict[Stage, float]]:
    """By the number of the pod, which is the order of creation; two others were created first."""
    journal = sorted(controller.driven.world.journal.starts, key=lambda one: one.created_s)
    assert [one.workload for one in journal] == [GOOD] * COUNT
    return {
        number: dict(zip(REPLICA_STAGES, (one.image_s, *one.replica_s), strict=True))
        for number, one in enumerate(journal, start=2)
    }


def test_each_stage_of_each_node_is_as_drawn(controller: Controller) -> None:
    told = controller.of(Part.NODE, StartEnd.COMPLETE, "good") | controller.of(Part.NODE, StartEnd.COMPLETE, "stuck")
    ordered = sorted(told)
    assert len(told) == COUNT + 1
    for number, drawn in zip(ordered, drawn_nodes(COUNT + 1), strict=True):
        for stage, seconds in drawn.items():
            assert told[number].stages[stage] == pytest.approx(seconds, abs=WITHIN_S), (number, stage)


def test_each_stage_of_each_replica_is_as_drawn(controller: Controller) -> None:
    told, drawn = controller.of(Part.REPLICA, StartEnd.COMPLETE, "good"), drawn_replicas(controller)
    assert told.keys() == drawn.keys()
    assert len({round(stages[Stage.WEIGHTS]) for stages in drawn.values()}) > COUNT / 3  # they do differ
    for number, stages in drawn.items():
        assert tuple(told[number].stages) == REPLICA_STAGES
        for stage, seconds in stages.items():
            assert told[number].stages[stage] == pytest.approx(seconds, abs=WITHIN_S), (number, stage)


def test_cut_times_are_right_on_average(controller: Controller) -> None:
    told, drawn = controller.of(Part.REPLICA, StartEnd.COMPLETE, "good"), drawn_replicas(controller)
    off = [told[number].stages[stage] - seconds for number, each in drawn.items() for stage, seconds in each.items()]
    assert abs(float(np.mean(off))) < 0.2


def test_what_is_learned_of_each_stage_is_its_quantile(controller: Controller) -> None:
    told, drawn = controller.of(Part.REPLICA, StartEnd.COMPLETE, "good"), drawn_replicas(controller)
    newest = sorted(told, key=lambda number: (told[number].ended_s, told[number].uid))[-MOST_COMPLETE:]
    learned = {
        (one.stage, one.quantile): one.seconds
        for one in controller.lead_times.quantiles()
        if (one.policy, one.pool) == ("good", "main")
    }
    for stage in REPLICA_STAGES:
        for share in (0.5, 0.9):
            seconds = [drawn[number][stage] for number in newest]
            meant = float(np.quantile(seconds, share, method="inverted_cdf"))
            assert learned[stage, share] == pytest.approx(meant, abs=WITHIN_S), (stage, share)


def test_a_stuck_one_is_under_way_in_its_stage_and_makes_no_lead_time_shorter(controller: Controller) -> None:
    (stuck,) = [one for one in controller.waiting if one.policy == "stuck"]
    assert (stuck.part, stuck.open_stage, stuck.pod) == (Part.REPLICA, Stage.WEIGHTS, "simulated/stuck-0")
    assert stuck.seconds > 1500.0
    assert controller.lead_times.planned_s(Part.REPLICA, "stuck", "main") >= PRIOR_S
    assert not {
        one for one in controller.lead_times.quantiles() if one.policy == "stuck" and one.stage in REPLICA_STAGES
    }


def test_nodes_that_never_join_have_failed_one_after_another(controller: Controller) -> None:
    failed = controller.of(Part.NODE, StartEnd.FAILED, "lost").values()
    assert len(failed) >= 1
    assert {(one.open_stage, one.pool) for one in failed} == {(Stage.JOINED, "odd")}
    assert controller.of(Part.NODE, StartEnd.COMPLETE, "lost") == {}
    assert controller.lead_times.planned_s(Part.NODE, "lost", "odd") >= PRIOR_S
    stages = {one.stage for one in controller.lead_times.quantiles() if one.policy == "lost"}
    assert stages == {Stage.ORDERED}  # how long the next one takes nobody knows


def test_a_restart_lost_none_and_counted_none_twice(controller: Controller) -> None:
    record = controller.lead_times.to_record("good")
    rows = record["main"]
    assert isinstance(rows, dict)
    assert {part: len(starts) for part, starts in rows.items()} == {"node": MOST_COMPLETE, "replica": MOST_COMPLETE}
    assert len({starts[0] for starts in rows["replica"]}) == MOST_COMPLETE
