"""Lead times as they are learned: what is planned with, what is shown, and what a restart does to them."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd, StartPath
from autoscaler.observe.lead_times import LEAST_S, MOST_COMPLETE, LeadTimes
from tests.unit.observe.starts import node, nodes, replica

NODE_S, REPLICA_S = 180.0, 120.0
COMPLETE, FAILED, WAITING = StartEnd.COMPLETE, StartEnd.FAILED, StartEnd.WAITING


def learned(*starts: Start) -> LeadTimes:
    lead_times = LeadTimes(NODE_S, REPLICA_S)
    lead_times.learn(starts)
    return lead_times


def node_s(lead_times: LeadTimes, policy: str = "chat", pool: str = "h100") -> float:
    return lead_times.planned_s(Part.NODE, policy, pool)


def replica_s(lead_times: LeadTimes, policy: str = "chat", pool: str = "h100") -> float:
    return lead_times.planned_s(Part.REPLICA, policy, pool)


def shown(lead_times: LeadTimes, stage: Stage) -> dict[float, float]:
    return {found.quantile: found.seconds for found in lead_times.quantiles() if found.stage is stage}


@st.composite
def some_starts(draw: st.DrawFn) -> list[Start]:
    """Starts of two workloads in two pools, some of them told twice as different objects would be."""
    found = []
    for n in range(draw(st.integers(0, 60))):
        part = draw(st.sampled_from(Part))
        end = draw(st.sampled_from((COMPLETE, FAILED)))
        seconds = draw(st.lists(st.integers(0, 600).map(float), min_size=1, max_size=len(part.stages)))
        path = draw(st.sampled_from(StartPath))
        names = draw(st.sampled_from(("chat", "code"))), draw(st.sampled_from(("h100", "h100-spot")))
        stages = dict(zip(part.stages, seconds, strict=False))
        ended_s = float(draw(st.integers(0, 10_000)))
        texts = {name: draw(st.sampled_from(("", "x", "why y"))) for name in ("zone", "digest", "model_format", "why")}
        in_stage = draw(st.sampled_from((None, *stages))) if end is FAILED else None
        found.append(Start(f"{n:08x}-uid", part, *names, path, stages, ended_s, end, in_stage=in_stage, **texts))
    return found


def test_before_anything_is_known_the_priors_are_planned_with() -> None:
    lead_times = learned()
    assert (node_s(lead_times), replica_s(lead_times)) == pytest.approx((NODE_S, REPLICA_S))
    assert lead_times.quantiles() == ()


def test_what_is_planned_with_comes_close_to_what_is_seen() -> None:
    lead_times = learned(*nodes([60.0] * 20), *(replica(f"r{n}", 20.0, 30.0) for n in range(20)))
    assert node_s(lead_times) == pytest.approx(60.0, rel=0.05)
    assert replica_s(lead_times) == pytest.approx(50.0, rel=0.05)


def test_half_of_the_starts_keep_to_the_middle() -> None:
    slow = learned(*nodes([60.0] * 20 + [300.0] * 12), *(replica(f"r{n}", 20.0, 30.0) for n in range(20)))
    assert slow.middle_s(Part.NODE, "chat", "h100") == pytest.approx(60.0, rel=0.1)
    assert slow.middle_s(Part.REPLICA, "chat", "h100") == pytest.approx(50.0, rel=0.1)
    assert learned().middle_s(Part.NODE, "chat", "h100") == pytest.approx(NODE_S / 1.566, rel=0.01)


def test_a_slow_tenth_is_planned_for() -> None:
    assert node_s(learned(*nodes([60.0] * 26 + [300.0] * 6))) > 250.0


def test_nodes_of_a_pool_teach_all_its_workloads() -> None:
    lead_times = learned(*nodes([60.0] * 20, policy="code"))
    assert node_s(lead_times, "chat") == pytest.approx(60.0, rel=0.2)
    assert node_s(lead_times, "chat", "h100-spot") == pytest.approx(NODE_S)


def test_replicas_elsewhere_teach_their_workload_alone() -> None:
    lead_times = learned(*(replica(f"r{n}", 20.0, 30.0, pool="h100-spot") for n in range(20)))
    assert replica_s(lead_times, "chat") == pytest.approx(50.0, rel=0.2)
    assert replica_s(lead_times, "code") == pytest.approx(REPLICA_S)


def test_no_lead_is_shorter_than_can_be_measured() -> None:
    assert node_s(learned(*nodes([0.0] * 30))) == LEAST_S


def test_a_start_that_waits_longer_than_any_before_is_planned_for_while_it_waits() -> None:
    lead_times = learned(*nodes([60.0] * 5), node("pod", 100.0, end=WAITING))
    assert node_s(lead_times) > node_s(learned(*nodes([60.0] * 5))) * 1.3
    lead_times.learn([])
    assert node_s(lead_times) == node_s(learned(*nodes([60.0] * 5)))


def test_a_start_of_hours_is_none() -> None:
    assert learned(replica("flaps", 20.0, 90_000.0)).quantiles() == ()


def test_the_quantiles_of_stages_are_of_what_was_seen() -> None:
    lead_times = learned(*(replica(f"r{n}", float(n + 1), 30.0) for n in range(20)))
    assert shown(lead_times, Stage.IMAGE) == {0.5: 10.0, 0.9: 18.0}
    assert shown(lead_times, Stage.START) == {0.5: 30.0, 0.9: 30.0}
    assert shown(lead_times, Stage.ORDERED) == {}


def test_a_failed_start_tells_of_the_stages_that_it_got_through() -> None:
    whole = [replica(f"r{n}", 10.0, 30.0) for n in range(3)]
    lead_times = learned(*whole, *(replica(f"f{n}", 10.0, 500.0, end=FAILED) for n in range(3)))
    assert shown(lead_times, Stage.IMAGE)[0.9] == 10.0
    assert shown(lead_times, Stage.START) == {0.5: 30.0, 0.9: 500.0}


def test_the_newest_are_remembered_and_failures_do_not_push_them_out() -> None:
    lead_times = learned(*nodes([300.0] * MOST_COMPLETE), *nodes([60.0] * MOST_COMPLETE, begin_s=1e6))
    lead_times.learn(node(f"f{n}", 1.0, 2e6 + n, end=FAILED) for n in range(500))
    assert shown(lead_times, Stage.NODE_READY) == {0.5: 30.0, 0.9: 30.0}
    assert len(json.dumps(lead_times.to_record("chat"))) < 4096


def test_who_hung_for_hours_and_failed_is_remembered_and_who_is_ready_after_hours_was_ready_before() -> None:
    lead_times = learned(*nodes([100.0] * 4), node("hung", 3 * 3600.0, 9e4, end=FAILED), node("again", 3 * 3600.0, 9e4))
    assert [start.uid for start in lead_times.starts() if start.seconds > 100.0] == ["hung"]
    assert node_s(lead_times) > node_s(learned(*nodes([100.0] * 4)))


def test_a_bad_day_is_not_planned_with_for_ever() -> None:
    """Failed starts go with the complete ones of their time, in whatever order all of them are told."""
    bad = [node(f"f{n}", 3000.0, 1e5 + n, end=FAILED) for n in range(8)]
    good = nodes([100.0] * MOST_COMPLETE, begin_s=2e5)
    assert node_s(learned(*bad, *good[1:])) > 250.0
    assert node_s(learned(*bad, *good)) == node_s(learned(*good, *bad)) == node_s(learned(*good))


def test_a_record_stays_small_though_pools_come_and_go() -> None:
    """What is written is what a restart knows; of the pools that are used it knows all."""
    lead_times = LeadTimes(NODE_S, REPLICA_S)
    for era in range(60):
        lead_times.learn(nodes([61.25] * MOST_COMPLETE, begin_s=1e6 * (era + 1), pool=f"pool-{era}"))
    record = lead_times.to_record("chat")
    assert len(json.dumps(record)) < 64 * 1024
    after = LeadTimes(NODE_S, REPLICA_S)
    after.from_record("chat", json.loads(json.dumps(record)))
    newest = [start for start in lead_times.starts() if start.pool == "pool-59"]
    assert len([start for start in after.starts() if start.pool == "pool-59"]) == len(newest) == MOST_COMPLETE


def test_a_policy_that_is_gone_is_forgotten() -> None:
    lead_times = learned(*nodes([60.0] * 5), *nodes([60.0] * 5, policy="code"))
    lead_times.keep_only(["code"])
    assert lead_times.to_record("chat") == {}
    assert {found.policy for found in lead_times.quantiles()} == {"code"}


def test_of_two_reports_of_one_start_the_one_that_ended_first_counts() -> None:
    first, later = replica("pod", 10.0, 30.0, 1000.0), replica("pod", 10.0, 3000.0, 3970.0)
    for order in ([first, later], [later, first], [replica("pod", 10.0, 5.0, 970.0, FAILED), later, first]):
        assert shown(learned(*order), Stage.START) == {0.5: 30.0, 0.9: 30.0}


@settings(max_examples=40)
@given(some_starts(), st.randoms(use_true_random=False))
def test_told_again_in_any_order_nothing_is_counted_twice(starts: list[Start], chance: object) -> None:
    once, again = learned(*starts), learned(*starts)
    shuffled = [*starts, *starts]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    again.learn(shuffled)
    for policy in ("chat", "code"):
        assert again.to_record(policy) == once.to_record(policy)


@settings(max_examples=40)
@given(some_starts(), st.integers(0, 60))
def test_a_restart_forgets_nothing_and_counts_nothing_twice(starts: list[Start], saved: int) -> None:
    """The record was written after `saved` starts; of those that stand the new process is told all again."""
    before, through = learned(*starts[:saved]), learned(*starts)
    after = LeadTimes(NODE_S, REPLICA_S)
    after.learn(starts[saved // 2 :])
    for policy in ("chat", "code"):
        after.from_record(policy, json.loads(json.dumps(before.to_record(policy))))
    for policy in ("chat", "code"):
        assert after.to_record(policy) == through.to_record(policy)
        for part in Part:
            assert after.planned_s(part, policy, "h100") == through.planned_s(part, policy, "h100")
    assert after.quantiles() == through.quantiles()


@settings(max_examples=40)
@given(some_starts())
def test_the_quantiles_of_a_stage_grow(starts: list[Start]) -> None:
    for low, high in pairwise(learned(*starts).quantiles()):
        if (low.policy, low.pool, low.stage) == (high.policy, high.pool, high.stage):
            assert (low.quantile, low.seconds) <= (high.quantile, max(low.seconds, high.seconds))
            assert low.seconds <= high.seconds


@settings(max_examples=40)
@given(some_starts(), st.integers(1, 7200).map(float), st.sampled_from(Part))
def test_a_start_that_is_under_way_never_lowers_what_is_planned_with(
    starts: list[Start], seconds: float, part: Part
) -> None:
    without, with_it = learned(*starts), learned(*starts)
    waiting = Start("waits", part, "chat", "h100", StartPath.COLD_NODE, {part.stages[0]: seconds}, 1e5, WAITING)
    with_it.learn([waiting])
    assert with_it.planned_s(part, "chat", "h100") >= without.planned_s(part, "chat", "h100") * (1.0 - 1e-9)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param({"h100": 3}, id="no parts"),
        pytest.param({"h100": {"weights": []}}, id="no such part"),
        pytest.param({"h100": {"node": [["uid", 1, "xx", {"gpu": 4}]]}}, id="no such end"),
        pytest.param({"h100": {"node": [["uid", 1, "cc", {"weights": 4}]]}}, id="a stage of the other part"),
        pytest.param({"h100": {"node": [["uid", 1, "cc", {}]]}}, id="no stage at all"),
        pytest.param({"h100": {"node": [["uid", 1, "cc", {"gpu": -4}]]}}, id="a negative time"),
        pytest.param({"h100": {"node": [["uid", "soon", "cc", {"gpu": 4}]]}}, id="no time"),
        pytest.param({"h100": {"node": [["uid", 10**400, "cc", {"gpu": 4}]]}}, id="a time beyond numbers"),
        pytest.param({"h100": {"node": [["uid", 1, "cc", [1, 2, 3, 4]]]}}, id="stages without names"),
        pytest.param({"h100": {"node": [["uid", 1, "cc", {"gpu": 4}, {"zone": 3}]]}}, id="a zone that is no text"),
        pytest.param({"h100": {"node": [["uid", 1, "cc", {"gpu": 4}, {"colour": "red"}]]}}, id="no such text"),
    ],
)
def test_what_is_no_record_is_refused_whole(record: dict[str, object]) -> None:
    lead_times = LeadTimes(NODE_S, REPLICA_S)
    good = learned(*nodes([60.0])).to_record("chat")
    with pytest.raises(ValueError, match="lead times of policy chat"):
        lead_times.from_record("chat", {"a100": good["h100"], **record})
    assert lead_times.to_record("chat") == {}
