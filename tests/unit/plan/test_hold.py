"""The hold: the largest wish of the last while is kept, each workload for its own time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.plan.hold import Hold

TICK_S = 60.0


def kept(wishes: list[float], hold_s: float, longest_s: float = 600.0) -> list[float]:
    hold = Hold.fresh((1,), longest_s, TICK_S)
    return [float(hold.keep(n * TICK_S, np.array([w]), np.array([hold_s]))[0]) for n, w in enumerate(wishes)]


@pytest.mark.parametrize(
    ("hold_s", "expected"),
    [
        pytest.param(180.0, [1.0, 9.0, 9.0, 9.0, 9.0, 2.0], id="three ticks after it"),
        pytest.param(60.0, [1.0, 9.0, 9.0, 2.0, 2.0, 2.0], id="one tick after it"),
        pytest.param(59.0, [1.0, 9.0, 2.0, 2.0, 2.0, 2.0], id="less than a tick"),
        pytest.param(0.0, [1.0, 9.0, 2.0, 2.0, 2.0, 2.0], id="none"),
        pytest.param(-60.0, [1.0, 9.0, 2.0, 2.0, 2.0, 2.0], id="less than none"),
    ],
)
def test_a_wish_is_kept_for_the_hold(hold_s: float, expected: list[float]) -> None:
    assert kept([1.0, 9.0, 2.0, 2.0, 2.0, 2.0], hold_s) == expected


@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=60), st.integers(0, 10))
def test_it_is_the_largest_of_the_last_ticks_however_often_the_ring_goes_round(wishes: list[float], ticks: int) -> None:
    expected = [max(wishes[max(0, n - ticks) : n + 1]) for n in range(len(wishes))]
    assert kept(wishes, ticks * TICK_S) == expected


def test_each_workload_has_its_own_hold() -> None:
    hold = Hold.fresh((2,), 600.0, TICK_S)
    for n, wish in enumerate([9.0, 1.0, 1.0, 1.0]):
        out = hold.keep(n * TICK_S, np.array([wish, wish]), np.array([120.0, 600.0]))
    assert out.tolist() == [1.0, 9.0]


def test_after_a_pause_what_is_too_old_is_forgotten() -> None:
    hold = Hold.fresh((1,), 600.0, TICK_S)
    hold.keep(0.0, np.array([9.0]), np.array([300.0]))
    assert hold.keep(240.0, np.array([1.0]), np.array([300.0])).tolist() == [9.0]
    assert hold.keep(400.0, np.array([1.0]), np.array([300.0])).tolist() == [1.0]
