"""The clairvoyant optimum against a mixed-integer program, and what a bound must keep to."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import LinearConstraint, milp

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.evaluation.clairvoyant import (
    capacity_at_late_share,
    cost_without_misses,
    frontier,
    optimal_capacity,
    priced,
    whole_replicas,
)

CASES = [(seed, k) for seed in range(4) for k in (0.0, 1.0, 2.5, 6.0)]
demands = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 6, allow_subnormal=False))


def wandering(seed: int, ticks: int = 60) -> Floats:
    rng = np.random.default_rng(seed)
    return np.abs(np.cumsum(rng.normal(0, 0.6, ticks))) + rng.uniform(0, 2)


def path_cost(capacity: Ints, k: float) -> float:
    """Replica-ticks billed for a capacity path: what stands, and `k` for each start."""
    return float(capacity.sum()) + k * float(np.maximum(np.diff(capacity), 0).sum())


def exact(demand: Floats, k: float, price: float, budget: float = np.inf) -> float:
    """Cost of the best whole-replica plan: capacity, starts after the first tick, unmet at `price` up to `budget`."""
    ticks = demand.size
    eye, zero = np.eye(ticks), np.zeros((ticks, ticks))
    rises = np.hstack([eye - np.eye(ticks, k=-1), -eye, zero])[1:]
    constraints = [
        LinearConstraint(rises, -np.inf, 0.0),
        LinearConstraint(np.hstack([eye, zero, eye]), demand, np.inf),
        LinearConstraint(np.repeat([0.0, 0.0, 1.0], ticks)[None, :], -np.inf, budget),
    ]
    whole = np.repeat([1, 0, 0], ticks)
    solved = milp(np.repeat([1.0, k, price], ticks), constraints=constraints, integrality=whole)
    assert solved.success
    return float(solved.fun)


@pytest.mark.parametrize(("seed", "k"), CASES)
def test_priced_plan_equals_the_integer_optimum(seed: int, k: float) -> None:
    demand, price = wandering(seed), 1.3 + 4.0 * seed
    cost, unmet = priced(demand, k, np.array([price]))
    assert cost[0] + price * unmet[0] == pytest.approx(exact(demand, k, price), abs=1e-5)


@pytest.mark.parametrize(("seed", "k"), CASES)
def test_cost_without_misses_equals_the_integer_optimum(seed: int, k: float) -> None:
    demand = wandering(seed)
    assert cost_without_misses(whole_replicas(demand), k) == pytest.approx(exact(demand, k, 0.0, budget=0.0), abs=1e-5)


@pytest.mark.parametrize(("seed", "k"), CASES)
@pytest.mark.parametrize("share", [0.01, 0.1])
def test_bound_lies_below_the_integer_optimum_and_near(seed: int, k: float, share: float) -> None:
    demand = wandering(seed, 35)
    best = exact(demand, k, 0.0, budget=share * demand.sum())
    bound = frontier(demand, k).lower_bound(share)
    assert 0.9 * best <= bound <= best + 1e-6
    path = capacity_at_late_share(demand, k, share)
    unmet = float(np.maximum(demand - path, 0).sum())
    assert unmet <= share * demand.sum() + 1e-9
    assert path_cost(path, k) == pytest.approx(exact(demand, k, 0.0, budget=unmet + 1e-7), abs=1e-4)


@pytest.mark.parametrize(("seed", "k"), CASES)
def test_paths_cost_what_the_sweep_says(seed: int, k: float) -> None:
    demand = wandering(seed, 200)
    for price in (1.1, 3.0, 50.0):
        path = optimal_capacity(demand, k, price)
        cost, unmet = priced(demand, k, np.array([price]))
        assert path_cost(path, k) == pytest.approx(cost[0])
        assert np.maximum(demand - path, 0).sum() == pytest.approx(unmet[0], abs=1e-9)
    full = capacity_at_late_share(demand, k, 0.0)
    assert (full >= demand).all()
    assert path_cost(full, k) == pytest.approx(cost_without_misses(whole_replicas(demand), k))


def test_layers_in_chunks_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    demand, prices = wandering(1, 300) * 4, np.array([1.5, 10.0])
    at_once = priced(demand, 3.0, prices), optimal_capacity(demand, 3.0, 5.0)
    monkeypatch.setattr("autoscaler.evaluation.clairvoyant._STATE_BYTES", 1300)
    np.testing.assert_allclose(priced(demand, 3.0, prices), at_once[0])
    np.testing.assert_array_equal(optimal_capacity(demand, 3.0, 5.0), at_once[1])


@settings(max_examples=60, deadline=None)
@given(demands, st.floats(0, 10), st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_bound_falls_with_the_late_share(demand: Floats, k: float, shares: list[float]) -> None:
    swept = frontier(demand, k)
    bounds = [swept.lower_bound(share) for share in sorted([0.0, *shares])]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(bounds))
    assert bounds[-1] >= 0.0


@settings(max_examples=60, deadline=None)
@given(demands, st.floats(0, 10), st.floats(0, 0.5))
def test_no_plan_undercuts_the_bound(demand: Floats, k: float, share: float) -> None:
    path = capacity_at_late_share(demand, k, share)
    assert path_cost(path, k) >= frontier(demand, k).lower_bound(share) - 1e-6


def test_hand_cases() -> None:
    need = np.array([0, 0, 1, 0, 0, 0, 2, 1])
    assert cost_without_misses(need, 2.0) == 4 + 2 + 2 + 2  # before the first need, the gap of 3, the second layer
    assert cost_without_misses(np.array([2, 2, 0, 2]), 5.0) == 6 + 2  # what stands at first is free
    assert cost_without_misses(np.zeros(4, dtype=np.int64), 5.0) == 0
    assert frontier(np.zeros(4), 5.0).lower_bound(0.01) == 0


@pytest.mark.parametrize(("demand", "k"), [([1.0, np.nan], 1.0), ([-1.0], 1.0), ([1.0], -1.0), ([1.0], np.inf)])
def test_unusable_input_is_refused(demand: list[float], k: float) -> None:
    with pytest.raises(ValueError, match=r"demand must|start cost must"):
        frontier(np.array(demand), k)
