"""Which queued work gets its nodes: whole pieces, by rank, within pools and budgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.plan import Plan
from autoscaler.domain.queue import Decision, PodSet, Queue, QueuedItem, QueuePlaceholder, QueueRule, Stand
from autoscaler.plan.waiting import Room, decide, room_left
from autoscaler.policy.budget import Budget
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from tests.unit.plan.queued import FLEET, SPOT, STEADY, item, pod_set, room, rule

NOW_S = 10_000.0
OPEN = (True, True)


def decided(
    items: Sequence[QueuedItem], left: Room, rules: Sequence[QueueRule] = (rule(),),
    placeholders: Sequence[QueuePlaceholder] = (), obtainable: Sequence[bool] = OPEN,
) -> dict[str, Decision]:  # fmt: skip
    queue = Queue(tuple(items), tuple(placeholders), ((), ()))
    return {one.item.uid: one for one in decide(queue, rules, FLEET, left, obtainable, NOW_S)}


def test_all_pods_or_none() -> None:
    """Three nodes may be ordered: four pods of a node each get none of them, and the next piece gets its two."""
    found = decided([item("a", pod_set(4, 8)), item("b", pod_set(2, 8))], room(more=3))
    assert (found["a"].pools, found["a"].stand) == (None, Stand.POOL_LIMIT)
    assert found["b"].pools == (STEADY,)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"priority": 5}, {"urgent": True}, id="priority before urgency"),
        pytest.param({"urgent": True, "queued_s": 9000.0}, {"queued_s": 7000.0}, id="urgency before age"),
        pytest.param({"queued_s": 8000.0}, {"queued_s": 9000.0}, id="age"),
    ],
)
def test_who_goes_first(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Names are such that the order of names would give the other answer."""
    items = [replace(item("z", pod_set(1, 8)), **first), replace(item("a", pod_set(1, 8)), **second)]
    found = decided(items, room(more=1))
    assert found["z"].pools == (STEADY,)
    assert found["a"].stand is Stand.POOL_LIMIT


def test_what_stands_stays_where_an_older_one_comes_back() -> None:
    placeholder = QueuePlaceholder(0, STEADY, "young", "main", 0, 8, bound=True)
    items = [item("old", pod_set(1, 8)), replace(item("young", pod_set(1, 8)), queued_s=9500.0)]
    left = room(more=0)
    left.nodes[STEADY] = [8]  # what the young one holds
    found = decided(items, left, placeholders=[placeholder])
    assert found["young"].stand is Stand.STANDS
    assert found["old"].stand is Stand.POOL_LIMIT


def test_spot_only_where_the_policy_allows_it() -> None:
    full = room(more=0)
    full.more[SPOT] = None
    assert decided([item("a", pod_set(1, 8))], full)["a"].pools == (SPOT,)
    alone = replace(rule(), burst=())
    assert decided([item("a", pod_set(1, 8))], full.copy(), [alone])["a"].pools is None


def test_a_shared_budget_has_what_is_left_of_it() -> None:
    left = room(more=None)
    left.gpus[0] = 15.0
    found = decided([item("a", pod_set(2, 8)), item("b", pod_set(1, 8))], left)
    assert found["a"].stand is Stand.BUDGET
    assert "budget team has less left" in found["a"].reason
    assert found["b"].pools == (STEADY,)
    assert left.gpus[0] == 7.0


def test_a_budget_that_is_overdrawn_pays_for_nothing() -> None:
    left = room(more=None)
    left.dollars[0] = -1.0
    assert decided([item("a", pod_set(1, 1))], left)["a"].stand is Stand.BUDGET


def test_the_cheaper_pool_is_taken_where_the_budget_pays_for_no_other() -> None:
    left = room(more=None)
    left.dollars[0] = 10.0  # of 8 GPUs at 4 and at 1 dollar
    assert decided([item("a", pod_set(1, 8))], left)["a"].pools == (SPOT,)


def test_pods_that_land_in_different_pools() -> None:
    head = PodSet("head", 1, (1, None), ("", "its node selector excludes it"))
    workers = PodSet("workers", 2, (None, 8), ("it asks for more than a node has", ""))
    found = decided([item("a", head, workers)], room(more=None))
    assert found["a"].pools == (STEADY, SPOT)


def test_pods_that_land_nowhere() -> None:
    nowhere = PodSet("main", 1, (None, None), ("16 GPUs", "taint"))
    found = decided([item("a", nowhere)], room(more=None))["a"]
    assert (found.stand, found.reason) == (Stand.NO_POOL, "pods main: steady: 16 GPUs; cheap: taint")


def test_a_pool_that_is_out_of_stock_is_left_out_but_for_what_stands() -> None:
    placeholder = QueuePlaceholder(0, STEADY, "a", "main", 0, 8, bound=False)
    items = [item("a", pod_set(1, 8)), item("b", pod_set(1, 8))]
    found = decided(items, room(more=None), placeholders=[placeholder], obtainable=(False, True))
    assert found["a"].pools == (STEADY,)
    assert found["b"].pools == (SPOT,)


def test_work_that_waits_too_long_holds_nothing() -> None:
    late = replace(item("a", pod_set(1, 8)), queued_s=NOW_S - 3601.0)
    assert decided([late], room(more=None))["a"].stand is Stand.GAVE_UP


def test_work_that_was_let_go_keeps_its_room_from_others() -> None:
    placeholder = QueuePlaceholder(0, STEADY, "gone", "main", 0, 8, bound=True)
    gone = replace(item("gone"), waits=False)
    left = room(more=0)
    left.nodes[STEADY], left.more[SPOT] = [8], 0
    found = decided([gone, item("a", pod_set(1, 8))], left, placeholders=[placeholder])
    assert found["gone"].stand is Stand.LET_GO
    assert found["a"].stand is Stand.POOL_LIMIT


def test_a_policy_that_observes_takes_nothing_from_one_that_acts() -> None:
    rules = [replace(rule(), acts=False, priority=9), replace(rule(), name="other")]
    items = [item("a", pod_set(1, 8)), replace(item("b", pod_set(1, 8)), rule=1)]
    found = decided(items, room(more=1), rules)
    assert found["b"].pools == (STEADY,)


def test_small_pods_share_nodes() -> None:
    left = room(more=1)
    left.nodes[STEADY] = [3, 5]
    assert decided([item("a", pod_set(8, 2))], left.copy())["a"].pools is None
    assert decided([item("a", pod_set(7, 2))], left)["a"].pools == (STEADY,)  # 1 + 2 on what stands, 4 on a new node


@st.composite
def works(draw: st.DrawFn) -> list[QueuedItem]:
    """Pieces of up to two pod sets, each of which may land in any of the pools, or in none."""
    found = []
    for n in range(draw(st.integers(0, 8))):
        sets = []
        for name in draw(st.sampled_from((("main",), ("head", "workers")))):
            gpus = draw(st.integers(1, 8))
            lands = draw(st.tuples(st.booleans(), st.booleans()))
            sets.append(PodSet(name, draw(st.integers(1, 5)), tuple(gpus if one else None for one in lands), ("", "")))
        urgent, queued_s = draw(st.booleans()), draw(st.floats(9000.0, NOW_S))
        found.append(
            replace(item(f"item-{n}", *sets), urgent=urgent, queued_s=queued_s, priority=draw(st.integers(0, 2)))
        )
    return found


@given(works(), st.integers(0, 6), st.integers(0, 64), st.floats(0.0, 200.0))
def test_never_beyond_what_is_left_and_never_a_part(
    items: list[QueuedItem], nodes: int, gpus: int, dollars: float
) -> None:
    left = Room([[], []], [nodes, nodes], [float(gpus)], [dollars])
    found = decided(items, left)
    held, paid, asked = [0, 0], 0.0, 0
    for one in found.values():
        if one.pools is None:
            continue
        assert len(one.pools) == len(one.item.pod_sets)
        for pool, pods in zip(one.pools, one.item.pod_sets, strict=True):
            each = pods.gpus[pool]
            assert each is not None
            held[pool] += each * pods.count
            asked += each * pods.count
            paid += each * pods.count * FLEET.pools[pool].price_per_gpu_hour_dollars
    assert all(some <= nodes * 8 for some in held)
    assert asked <= gpus
    assert paid <= dollars + 1e-6
    assert found.keys() == {one.uid for one in items}


@given(works(), st.integers(0, 6), st.integers(0, 64))
def test_what_was_decided_is_decided_again_once_it_stands(items: list[QueuedItem], nodes: int, gpus: int) -> None:
    """On nodes that hold it: nothing moves while nothing changes."""
    left = Room([[], []], [nodes, nodes], [float(gpus)], [np.inf])
    first = decided(items, left.copy())
    standing = [
        QueuePlaceholder(0, pool, uid, pods.name, index, pods.gpus[pool] or 0, bound=True)
        for uid, one in first.items() if one.pools is not None
        for pool, pods in zip(one.pools, one.item.pod_sets, strict=True)
        for index in range(pods.count)
    ]  # fmt: skip
    later = Room([[one.gpus for one in standing if one.pool == p] for p in (0, 1)], [0, 0], left.gpus, left.dollars)
    again = decided([one.item for one in first.values() if one.pools is not None], later, placeholders=standing)
    assert {uid: one.pools for uid, one in again.items()} == {
        uid: one.pools for uid, one in first.items() if one.pools is not None
    }
    assert all(one.stand is Stand.STANDS for one in again.values())


def test_room_of_work_that_cannot_be_seen_is_not_given_away() -> None:
    placeholder = QueuePlaceholder(0, STEADY, "unseen", "main", 0, 8, bound=True)
    left = room(more=0)
    left.nodes[STEADY], left.gpus[0] = [8, 8], 24.0
    found = decided([item("a", pod_set(1, 8)), item("b", pod_set(1, 8))], left, placeholders=[placeholder])
    assert [one.stand for one in found.values()] == [Stand.ON_ORDER, Stand.POOL_LIMIT]
    assert left.gpus[0] == 8.0


SERVING = b"""
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: steady}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: a, operator: Exists}]
  gpusPerNode: 8
  pricePerGpuHour: 4
  nodes: {max: 4}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: Budget
metadata: {name: team}
spec: {gpus: 40, dollarsPerHour: 120}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: chat}
spec:
  workload: {namespace: inference, name: chat}
  demand: {arrivals: {query: requests}, perReplica: {arrivals: 4}}
  pools: {primary: [steady]}
  budget: team
"""


def test_what_capacity_policies_ask_for_comes_off_first() -> None:
    """Two replicas of 8 GPUs run, a third is asked for, and a placeholder waits for the node that is on order."""
    documents = parse_documents(SERVING, "chat.yaml", KINDS, lambda _: b"")
    fleet = compile_fleet(
        of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool), {"chat": 8}, {"chat": (60.0, 60.0)},
        budgets=of_kind(documents, Budget),
    ).fleet  # fmt: skip
    one, zero = np.ones((1, 1), dtype=np.int64), np.zeros((1, 1), dtype=np.int64)
    waits = (Placeholder(0, 0, 0, bound=False),)
    inventory = Inventory(
        2 * one, zero, zero[0], 2 * one[0], waits, zero[0], 2 * one[0], one[0], np.ones(1, dtype=bool)
    )
    plan = Plan(3 * one[0], one, np.zeros(1), np.zeros(1, dtype=np.uint32), np.zeros(1))
    left = room_left(Queue((), (), ((0, 0),)), plan, inventory, fleet)
    assert (left.gpus, left.dollars) == ([40.0 - 32.0], [120.0 - 4.0 * 32.0])
    assert left.nodes == [[]]  # the node on order is the placeholder's
    assert left.more == [1]
