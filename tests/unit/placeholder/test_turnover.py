"""Placeholders of work that was let go make way for its pods."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.placeholder.turnover import Turnover, making_way

COUNTS = st.integers(0, 8)


def now(total: int, pending: int = 0, placed: int = 0, **more: int | bool) -> Turnover:
    return Turnover(
        total, pending, placed, int(more.get("stuck", 0)), bool(more.get("told", True)), bool(more.get("over"))
    )


@pytest.mark.parametrize(
    ("seen", "bound", "go"),
    [
        pytest.param(now(4), 4, 0, id="pods still to come: all stays"),
        pytest.param(now(4, pending=4), 4, 0, id="pods wait: they take the places themselves"),
        pytest.param(now(4, pending=1, placed=3), 2, 1, id="one is enough for the last pod"),
        pytest.param(now(4, placed=4), 1, 1, id="pods have their nodes: nothing is held any more"),
        pytest.param(now(4, pending=4, stuck=2), 4, 2, id="the scheduler cannot: room is made"),
        pytest.param(now(4, over=True), 4, 4, id="pods that never came"),
        pytest.param(now(4, told=False), 3, 0, id="pods that cannot be told"),
        pytest.param(now(4, told=False, over=True), 3, 3, id="pods that cannot be told, after a while"),
    ],
)
def test_who_goes(seen: Turnover, bound: int, go: int) -> None:
    assert making_way(seen, bound) == go


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_what_stays_is_no_more_than_pods_that_want_it(total: int, pending: int, placed: int, bound: int) -> None:
    go = making_way(now(total, pending, placed), bound)
    assert 0 <= go <= bound
    assert bound - go <= pending + max(total - pending - placed, 0)
