"""How many whole groups a number of nodes holds."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.domain.gang import Gang


@pytest.mark.parametrize(
    ("gang", "gpus", "count"),
    [
        pytest.param(Gang(8, 8, 2), 16.0, 1, id="two pods on two nodes"),
        pytest.param(Gang(8, 8, 2), 15.0, 0, id="a node in part holds no whole pod"),
        pytest.param(Gang(8, 8, 2), 56.0, 3, id="an odd node is left over"),
        pytest.param(Gang(4, 4, 4), 24.0, 1, id="several pods a node"),
        pytest.param(Gang(2, 8, 2), 16.0, 1, id="a small leader takes a node of its own"),
        pytest.param(Gang(2, 8, 2), 40.0, 4, id="small leaders share one"),
        pytest.param(Gang(0, 8, 3), 32.0, 2, id="a leader without GPUs needs none"),
        pytest.param(Gang(8, 4, 3), 16.0, 1, id="a large leader"),
        pytest.param(Gang(3, 5, 2), 10.0, 1, id="both on one node, a rest of two left"),
        pytest.param(Gang(3, 5, 2), 13.0, 1, id="a large one on a node in part"),
        pytest.param(Gang(16, 0, 1), 64.0, 0, id="a pod larger than a node"),
        pytest.param(Gang(2, 16, 2), 64.0, 0, id="a worker larger than a node"),
        pytest.param(Gang(2, 0, 1), 9.0, 4, id="single pods"),
        pytest.param(Gang(2, 0, 1), -3.0, 0, id="more runs than the pool may have"),
        pytest.param(Gang(8, 8, 2), math.inf, math.inf, id="no limit"),
    ],
)
def test_whole_groups_alone_count(gang: Gang, gpus: float, count: float) -> None:
    assert gang.count_in(gpus, 8) == count


@given(leader=st.integers(0, 4), worker=st.integers(0, 4), size=st.integers(1, 3), gpus=st.integers(0, 12))
def test_as_many_groups_as_any_arrangement_holds_of_pods_that_divide_nodes_evenly_and_never_more(
    leader: int, worker: int, size: int, gpus: int
) -> None:
    gang = Gang(leader, worker, size)
    if gang.gpus == 0:
        return
    bins = (4,) * (gpus // 4) + (gpus % 4,)
    pods = [leader, *[worker] * (size - 1)]
    best = max(n for n in range(gpus // gang.gpus + 1) if _fits(sorted(pods * n, reverse=True), bins))
    found = gang.count_in(float(gpus), 4)
    assert found <= best
    if all(4 % pod == 0 for pod in pods if pod):
        assert found == best


def _fits(pods: list[int], bins: tuple[int, ...]) -> bool:
    states = {tuple(sorted(bins))}
    for pod in pods:
        states = {
            tuple(sorted((*state[:n], state[n] - pod, *state[n + 1 :])))
            for state, n in product(states, range(len(bins)))
            if state[n] >= pod
        }
    return bool(states)
