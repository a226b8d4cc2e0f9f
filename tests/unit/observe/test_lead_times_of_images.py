"""A new image: its first starts are expected to be cold, whatever those of the old one took on nodes that had it."""

from __future__ import annotations

import json

import pytest

from autoscaler.domain.lead_time import Part, Start, StartEnd, StartPath
from autoscaler.observe.lead_times import LeadTimes
from tests.unit.observe.starts import replica

NODE_S, REPLICA_S = 180.0, 120.0
WARM_S, COLD_S = 10.0, 90.0
OLD_WARM = [replica(f"{n:08x}-warm", 1.0, WARM_S - 1.0, 1000.0 + n, image="old") for n in range(24)]
OLD_COLD = [
    replica(f"{n:08x}-cold", 80.0, COLD_S - 80.0, 1010.0 + n, image="old", path=StartPath.COLD_NODE) for n in range(12)
]
BEGUN = replica("new-1", 1.0, 0.0, 5000.0, StartEnd.WAITING, image="new")


def planned_s(*starts: Start) -> float:
    lead_times = LeadTimes(NODE_S, REPLICA_S)
    lead_times.learn(starts)
    return lead_times.planned_s(Part.REPLICA, "chat", "h100")


def test_warm_starts_of_the_old_image_do_not_stand_for_the_new_one() -> None:
    assert planned_s(*OLD_WARM) < 2.0 * WARM_S
    assert planned_s(*OLD_WARM, BEGUN) == pytest.approx(REPLICA_S)


def test_its_cold_starts_do() -> None:
    assert planned_s(*OLD_WARM, *OLD_COLD, BEGUN) == pytest.approx(COLD_S, rel=0.15)


def test_the_new_image_is_learned_from_its_own_starts() -> None:
    own = [replica(f"{n:08x}-new", 20.0, 20.0, 5000.0 + n, image="new") for n in range(24)]
    assert planned_s(*OLD_WARM, *OLD_COLD, *own) == pytest.approx(40.0, rel=0.15)


def test_an_image_that_comes_back_has_its_own_starts_again() -> None:
    back = replica("back", 1.0, WARM_S - 1.0, 6000.0, image="old")
    assert planned_s(*OLD_WARM, BEGUN, back) < 2.0 * WARM_S


def test_another_workload_is_not_touched() -> None:
    lead_times = LeadTimes(NODE_S, REPLICA_S)
    lead_times.learn([*OLD_WARM, replica("other", 1.0, 0.0, 5000.0, StartEnd.WAITING, "code", image="new")])
    assert lead_times.planned_s(Part.REPLICA, "chat", "h100") < 2.0 * WARM_S


def test_a_record_keeps_images_apart_and_one_without_is_read() -> None:
    lead_times = LeadTimes(NODE_S, REPLICA_S)
    lead_times.learn([*OLD_WARM, replica("new-2", 20.0, 60.0, 5000.0, image="new")])
    record = json.loads(json.dumps(lead_times.to_record("chat")))
    again = LeadTimes(NODE_S, REPLICA_S)
    again.from_record("chat", record)
    expected_s = lead_times.planned_s(Part.REPLICA, "chat", "h100")
    assert again.planned_s(Part.REPLICA, "chat", "h100") == pytest.approx(expected_s)
    for row in record["h100"]["replica"]:
        del row[4]
    older = LeadTimes(NODE_S, REPLICA_S)
    older.from_record("chat", record)
    assert older.planned_s(Part.REPLICA, "chat", "h100") < expected_s
