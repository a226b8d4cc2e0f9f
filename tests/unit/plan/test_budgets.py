"""Budgets: never exceeded, priorities first, present demand before headroom, and no word where there is enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.domain.budget import Budget
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.plan.budgets import affordable, affordable_placeholders

PRICES = (4.0, 1.0)


def inventory(ready: Sequence[Sequence[int]]) -> Inventory:
    """Replicas that run by workload and pool; nothing else stands."""
    here = np.array(ready)
    n, pools = here.shape
    zero = np.zeros(n, dtype=np.int64)
    none = np.zeros(pools, dtype=np.int64)
    return Inventory(here, np.zeros_like(here), zero, zero, (), none, none, none, np.ones(pools, dtype=bool))


def fleet(gpus: Sequence[int], priority: Sequence[int], of: Sequence[int], *budgets: Budget) -> Fleet:
    """Workloads on a dear and a cheap pool."""
    n = len(gpus)
    ones, here = np.ones(n), np.ones((n, 1), dtype=bool)
    pools = tuple(
        Pool(name, kind, 8, price)
        for name, kind, price in zip("ab", (CapacityType.ON_DEMAND, CapacityType.SPOT), PRICES, strict=True)
    )
    return Fleet(
        names=tuple(f"w{n}" for n in range(n)),
        pools=pools,
        primary=np.hstack([here, ~here]),
        burst=np.hstack([~here, here]),
        gpus_per_replica=np.array(gpus),
        min_replicas=np.zeros(n, dtype=np.int64),
        max_replicas=np.full(n, 10_000),
        late_target=0.01 * ones,
        late_after_s=ones,
        arrivals_per_replica=ones,
        concurrency_per_replica=ones,
        utilization_per_replica=ones,
        stale_after_s=120.0 * ones,
        hold_s=math.nan * ones,
        node_lead_s=180.0 * ones,
        replica_lead_s=120.0 * ones,
        budgets=budgets,
        budget_of=np.array(of),
        priority=np.array(priority),
    )


def spent(floor: Sequence[float], standing: Inventory, of: Fleet, budget: int) -> tuple[float, float]:
    """GPUs and dollars an hour at most of the members of a budget, counted replica by replica."""
    gpus = dollars = 0.0
    for w in np.flatnonzero(of.budget_of == budget).tolist():
        running = [price for p, price in enumerate(PRICES) for _ in range(int(standing.ready[w, p]))]
        mean = sum(running) / len(running) if running else 0.0
        for n in range(int(floor[w])):
            gpus += of.gpus_per_replica[w]
            dollars += of.gpus_per_replica[w] * (mean if n < len(running) else max(PRICES))
    return gpus, dollars


COUNTS = st.integers(0, 12)
LIMIT = st.one_of(st.just(math.inf), st.integers(0, 200).map(float))


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 5))
def test_no_budget_is_ever_exceeded_and_none_is_left_that_would_pay_for_more(data: st.DataObject, n: int) -> None:
    def draw(values: st.SearchStrategy[int]) -> list[int]:
        return data.draw(st.lists(values, min_size=n, max_size=n))

    of = fleet(
        draw(st.integers(1, 8)), draw(st.integers(-1, 1)), draw(st.integers(-1, 1)),
        Budget("a", data.draw(LIMIT), data.draw(LIMIT)), Budget("b", data.draw(LIMIT), data.draw(LIMIT)),
    )  # fmt: skip
    standing = inventory([[a, b] for a, b in zip(draw(COUNTS), draw(COUNTS), strict=True)])
    floor, demand = np.array(draw(COUNTS), dtype=float), np.array(draw(COUNTS), dtype=float)
    allowed = affordable(floor, demand, standing, of)
    assert (allowed <= floor).all()
    assert (allowed[of.budget_of < 0] == floor[of.budget_of < 0]).all()
    for b, budget in enumerate(of.budgets):
        gpus, dollars = spent(allowed.tolist(), standing, of, b)
        assert gpus <= budget.gpus + 1e-6
        assert dollars <= budget.dollars_per_hour + 1e-6
        for w in np.flatnonzero((of.budget_of == b) & (allowed < floor)).tolist():
            more = allowed.copy()
            more[w] += 1.0
            gpus, dollars = spent(more.tolist(), standing, of, b)
            assert gpus > budget.gpus + 1e-9 or dollars > budget.dollars_per_hour + 1e-9, "it would have paid for one"


@pytest.mark.parametrize(
    ("priority", "demand", "expected"),
    [
        pytest.param([2, 1, 0], [4, 4, 4], [6, 4, 0], id="priority goes before everything"),
        pytest.param([0, 0, 0], [4, 4, 2], [4, 4, 2], id="demand of now goes before headroom"),
        pytest.param([0, 0, 0], [0, 0, 0], [4, 3, 3], id="equal parts of what is wanted"),
        pytest.param([0, 0, 0], [6, 6, 6], [4, 3, 3], id="equal parts of what is needed"),
        pytest.param([0, 0, 1], [6, 0, 0], [4, 0, 6], id="the last may be first"),
    ],
)
def test_who_gets_what_of_ten_gpus(priority: list[int], demand: list[float], expected: list[int]) -> None:
    of = fleet([1, 1, 1], priority, [0, 0, 0], Budget("team", gpus=10))
    allowed = affordable(np.full(3, 6.0), np.array(demand, dtype=float), inventory([[0, 0]] * 3), of)
    assert allowed.tolist() == expected


def test_what_is_enough_changes_nothing() -> None:
    of = fleet([2, 1], [0, 0], [0, 0], Budget("team", 14, 56.0))
    assert affordable(np.array([5.0, 4.0]), np.zeros(2), inventory([[0, 0]] * 2), of).tolist() == [5.0, 4.0]


def test_a_replica_that_runs_on_spot_costs_what_spot_costs() -> None:
    of = fleet([1], [0], [0], Budget("team", dollars_per_hour=10.0))
    assert affordable(np.array([9.0]), np.zeros(1), inventory([[0, 0]]), of).tolist() == [2.0]
    assert affordable(np.array([9.0]), np.zeros(1), inventory([[0, 6]]), of).tolist() == [7.0]


def test_placeholders_get_what_floors_leave_the_cheap_ones_first() -> None:
    of = fleet([1, 1], [1, 0], [0, 0], Budget("team", gpus=10, dollars_per_hour=22.0))
    wanted = np.array([[3, 3], [0, 4]])
    placed, short = affordable_placeholders(wanted, np.array([2.0, 1.0]), inventory([[0, 0]] * 2), of)
    assert placed.tolist() == [[1, 3], [0, 3]]
    assert short.tolist() == [True, True]
    none, _ = affordable_placeholders(wanted, np.array([9.0, 1.0]), inventory([[0, 0]] * 2), of)
    assert none.sum() == 0


def test_without_budgets_nothing_is_looked_at() -> None:
    of = replace(fleet([1], [0], [-1]), budgets=())
    floor, wanted = np.array([9.0]), np.array([[3, 3]])
    assert affordable(floor, floor, inventory([[0, 0]]), of) is floor
    assert affordable_placeholders(wanted, floor, inventory([[0, 0]]), of)[0] is wanted
