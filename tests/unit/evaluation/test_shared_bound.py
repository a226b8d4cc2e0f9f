"""The bound for several workloads on shared nodes, against a mixed-integer program."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, milp

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.clairvoyant import cost_without_misses, whole_replicas
from autoscaler.evaluation.shared_bound import shared_bound


def wandering(seed: int, ticks: int = 60) -> Floats:
    rng = np.random.default_rng(seed)
    return np.abs(np.cumsum(rng.normal(0, 0.6, ticks))) + rng.uniform(0, 2)


def shared_exact(demand: Floats, gpus: list[int], node: int, leads: list[int], share: float) -> float:
    """GPU-ticks of the best plan on shared GPUs, as a mixed-integer program.

    Each workload m has serving x, starts s (serving from t) and unmet u; H GPUs are up, n of them started. A start
    holds its GPUs for the lead before; before the first tick that holding is billed too.
    """
    models, ticks = demand.shape
    size = 3 * models * ticks + 2 * ticks
    column = np.arange(3 * models * ticks).reshape(3, models, ticks)
    up, begun = np.arange(ticks) + size - 2 * ticks, np.arange(ticks) + size - ticks
    cost, whole = np.zeros(size), np.ones(size)
    cost[up], cost[begun] = 1.0, node
    rows: list[tuple[Floats, float]] = []  # row @ v >= limit

    def row(limit: float, *terms: tuple[int, float]) -> None:
        line = np.zeros(size)
        for at, factor in terms:
            line[at] += factor
        rows.append((line, limit))

    for t in range(ticks):
        held = [(int(up[t]), 1.0)]
        for m in range(models):
            row(demand[m, t], (column[0, m, t], 1.0), (column[2, m, t], 1.0))
            whole[column[2, m, t]] = 0
            held.append((column[0, m, t], -float(gpus[m])))
            held += [(column[1, m, s], -float(gpus[m])) for s in range(t + 1, min(ticks, t + leads[m] + 1))]
            cost[column[1, m, t]] = gpus[m] * max(0, leads[m] - t)
            if t:
                row(0.0, (column[1, m, t], 1.0), (column[0, m, t], -1.0), (column[0, m, t - 1], 1.0))
        row(0.0, *held)
        if t:
            row(0.0, (int(begun[t]), 1.0), (int(up[t]), -1.0), (int(up[t - 1]), 1.0))
    for m in range(models):
        row(-share * demand[m].sum(), *((int(at), -1.0) for at in column[2, m]))
    lines, limits = np.array([line for line, _ in rows]), np.array([limit for _, limit in rows])
    solved = milp(cost, constraints=LinearConstraint(lines, limits, np.inf), integrality=whole)
    assert solved.success
    return float(solved.fun)


@pytest.mark.parametrize("share", [0.0, 0.05])
@pytest.mark.parametrize(("node", "leads"), [(3, [2, 2]), (1, [4, 2]), (4, [0, 1]), (0, [3, 3])])
@pytest.mark.parametrize("seed", range(3))
def test_the_bound_lies_below_the_shared_optimum(seed: int, node: int, leads: list[int], share: float) -> None:
    demand = np.stack([wandering(seed, 18), np.roll(wandering(seed + 50, 18), 5)]) % 2.4
    best = shared_exact(demand, [1, 2], node, leads, share)
    bound = shared_bound(list(demand), [1, 2], 3600.0, node * 3600.0, [k * 3600.0 for k in leads])
    assert 0.6 * best <= bound.gpu_hours([share, share]) <= best + 1e-5


def test_shares_of_their_own_loosen_it_less_than_the_larger_for_all() -> None:
    bound = shared_bound([wandering(1, 200), wandering(2, 200)], [1, 2], 60.0, 180.0, [120.0, 120.0])
    none, one, both = (bound.gpu_hours(shares) for shares in ([0.0, 0.0], [0.1, 0.0], [0.1, 0.1]))
    assert both < one < none


def test_one_workload_on_shared_nodes_is_the_plain_optimum() -> None:
    demand = wandering(3, 200)
    alone = cost_without_misses(whole_replicas(demand), 5.0) / 60.0
    bound = shared_bound([np.insert(demand, 7, np.nan)], [1], 60.0, 180.0, [120.0])
    assert bound.gpu_hours([0.0]) == pytest.approx(alone)


def test_sequences_must_match() -> None:
    with pytest.raises(ValueError, match="each workload"):
        shared_bound([np.ones(3)], [1, 1], 60.0, 180.0, [120.0])
