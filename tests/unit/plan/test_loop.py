"""The outer loop: late work raises the knob, time without it lowers it, and it stands still where it learns nothing."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.domain.arrays import Floats
from autoscaler.plan.loop import LARGEST_PEAK, MOST_OWED, RISE_A_LEAD_TIME, OuterLoop

TICK_S, LEAD_S = 60.0, 300.0
HOUR = 60
ALPHA = np.array([0.01])
LIMITS = np.array([[-2.0], [4.0]])
NAN = math.nan


class Ticking:
    """One loop on a demand of 10."""

    def __init__(self, limits: Floats = LIMITS) -> None:
        self.loop, self._tick = OuterLoop.fresh((1,), limits), 0

    def run(self, ticks: int, late: float = 0.0, demand: float = 10.0, frozen: bool = False,
            severity: float = 1.0, lifted: bool = False) -> list[float]:  # fmt: skip
        """The knob after each tick."""
        knobs = []
        for _ in range(ticks):
            self.loop.update(
                self._tick * TICK_S, TICK_S, LEAD_S, np.array([late]), np.array([demand]), ALPHA, np.array([frozen]),
                np.array([severity]), np.array([lifted]),
            )  # fmt: skip
            self._tick += 1
            knobs.append(float(self.loop.knob[0]))
        return knobs


def test_a_minute_in_which_all_is_late_raises_the_knob_by_a_quarter() -> None:
    assert Ticking().run(1, late=10.0)[0] == pytest.approx(0.25, abs=0.01)


def test_an_hour_without_late_work_takes_off_less() -> None:
    assert Ticking().run(HOUR)[-1] == pytest.approx(-0.15)


def test_at_the_objective_it_stands_still() -> None:
    assert Ticking().run(HOUR, late=0.1)[-1] == pytest.approx(0.0)


def test_it_rises_no_more_than_one_above_where_it_was_a_lead_time_ago() -> None:
    knobs = [0.0, *Ticking().run(30, late=10.0)]
    lead = round(LEAD_S / TICK_S)
    assert max(later - knobs[max(0, n - lead)] for n, later in enumerate(knobs)) <= RISE_A_LEAD_TIME + 1e-9
    assert knobs[lead] == pytest.approx(RISE_A_LEAD_TIME)
    assert knobs[-1] == LIMITS[1, 0]


def test_what_the_limit_held_back_is_paid_before_the_knob_comes_down() -> None:
    """What is late within one lead time would be two units and a half: one is given at once, one is owed."""
    ticking = Ticking()
    late = [*ticking.run(4, late=10.0), *ticking.run(1, late=60.0)]
    assert late[-1] == pytest.approx(RISE_A_LEAD_TIME)
    assert ticking.loop.owed[0] == pytest.approx(MOST_OWED)
    hours_owed = MOST_OWED / 0.15
    waiting = ticking.run(round(hours_owed * HOUR) - 1)
    assert waiting[-1] == pytest.approx(waiting[0])
    assert ticking.run(2 * HOUR)[-1] < waiting[-1] - 0.2


@pytest.mark.parametrize(
    "quiet",
    [
        pytest.param({"frozen": True, "late": 10.0}, id="bound, and late"),
        pytest.param({"frozen": True}, id="bound"),
        pytest.param({"demand": NAN, "late": NAN}, id="demand missing"),
        pytest.param({"late": NAN}, id="late work unknown"),
    ],
)
def test_it_stands_still_where_it_can_learn_nothing(quiet: dict[str, Any]) -> None:
    ticking = Ticking()
    before = ticking.run(2, late=10.0)[-1]
    assert ticking.run(HOUR, **quiet)[-1] == before
    assert ticking.run(1)[-1] < before


def test_before_any_demand_it_does_not_move() -> None:
    assert Ticking().run(3, late=NAN, demand=NAN)[-1] == 0.0
    assert Ticking().run(3, demand=0.0)[-1] == 0.0


def test_no_demand_neither_raises_nor_lowers() -> None:
    ticking = Ticking()
    before = ticking.run(1, late=10.0)[-1]
    assert ticking.run(HOUR, demand=0.0)[-1] == pytest.approx(before)


def test_while_a_schedule_lifts_the_floor_it_rises_and_does_not_fall() -> None:
    """That nothing is late is the schedule's merit; that something is late all the same asks for more."""
    ticking = Ticking()
    assert ticking.run(HOUR, lifted=True)[-1] == 0.0
    assert ticking.run(1, late=10.0, lifted=True)[-1] == pytest.approx(0.25, abs=0.01)
    assert ticking.run(HOUR)[-1] == pytest.approx(0.25 - 0.15, abs=0.01)


def test_after_a_night_without_demand_a_minute_moves_it_no_more_than_a_peak_does() -> None:
    ticking = Ticking()
    ticking.run(24 * HOUR, demand=0.0)
    knobs = [0.0, *ticking.run(HOUR)]
    assert max(before - after for before, after in itertools.pairwise(knobs)) <= LARGEST_PEAK * 0.15 / HOUR + 1e-9


def test_what_comes_out_of_nothing_is_owed_and_buys_no_headroom() -> None:
    ticking = Ticking()
    before = ticking.run(HOUR, demand=0.01)[-1]
    assert ticking.run(10, late=10.0)[-1] == pytest.approx(before)
    assert ticking.loop.owed[0] == pytest.approx(MOST_OWED)
    assert ticking.run(20)[-1] == pytest.approx(before), "it falls only when that is paid"
    assert ticking.run(1, late=10.0)[-1] > before + 0.2, "what is late after that can be met by headroom"


def test_late_work_that_one_step_changes_more_moves_it_less() -> None:
    assert Ticking().run(1, late=10.0, severity=5.0)[0] == pytest.approx(Ticking().run(1, late=10.0)[0] / 5.0)


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=80))
def test_it_stays_within_its_limits(late: list[float]) -> None:
    ticking = Ticking()
    knobs = [ticking.run(1, late=one)[-1] for one in late] + ticking.run(HOUR)
    assert all(LIMITS[0, 0] <= knob <= LIMITS[1, 0] for knob in knobs)


def test_at_its_lower_limit_it_stays() -> None:
    ticking = Ticking(np.array([[-0.1], [4.0]]))
    assert ticking.run(5 * HOUR)[-1] == -0.1
    assert ticking.run(1, late=10.0)[-1] == pytest.approx(0.15, abs=0.01)


def test_the_late_share_tends_to_the_objective() -> None:
    """A world in which work is late in one minute of fifty at knob 0, in fewer above, in more below."""
    rng, ticking, late = np.random.default_rng(5), Ticking(), []
    for _ in range(7 * 24 * HOUR):
        is_late = rng.random() < 0.02 * math.exp(-2.0 * float(ticking.loop.knob[0]))
        late.append(5.0 if is_late else 0.0)
        ticking.run(1, late=late[-1])
    assert np.mean(late) / 10.0 == pytest.approx(0.01, rel=0.05)


def test_going_on_from_another_knob_is_no_rise() -> None:
    ticking = Ticking()
    ticking.run(3)
    ticking.loop.go_on_from(np.array([2.0]))
    assert ticking.run(1, late=10.0)[-1] == pytest.approx(2.25, abs=0.01)


def test_loops_side_by_side_have_their_own_limits() -> None:
    loop = OuterLoop.fresh((2, 1), np.array([[-1.0, 0.2], [-1.0, 3.0]])[:, :, None])
    for n in range(4):
        late = np.array([[10.0], [10.0]])
        loop.update(n * TICK_S, TICK_S, LEAD_S, late, np.array([10.0]), ALPHA, np.array([False]), np.ones(1))
    assert loop.knob[0, 0] == 0.2
    assert loop.knob[1, 0] == pytest.approx(0.99)
