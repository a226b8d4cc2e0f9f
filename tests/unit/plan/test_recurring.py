"""Recurring: the demand now with headroom, and for a narrow window what came at this time in the last days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.forecast.history import History
from autoscaler.plan.recurring import Recurring

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Tick

DAY, LEAD = 1440, 5
BURST_AT, BURST_LONG = 600, 10


def batches(days: int, *skipped: int) -> Floats:
    """Minutes of 2, and of 30 from ten to ten past ten, but not on the days that are skipped."""
    minute = np.arange(days * DAY)
    runs = (minute % DAY >= BURST_AT) & (minute % DAY < BURST_AT + BURST_LONG)
    return np.where(runs & ~np.isin(minute // DAY, skipped), 30.0, 2.0)


def burst_at(tick: Tick, planner: Recurring, history: History, minute: int, level: float = 0.0) -> float:
    """What the planner wants for a window when the minutes before `minute` of the next day are known."""
    while history.last_bin < 7 * DAY + minute - 1:
        history.add((history.last_bin + 2) * 60.0, np.array([2.0]))
    now_s = (7 * DAY + minute) * 60.0
    return float(planner.propose(tick.view([2.0], now_s=now_s, history=history, level=[level])).burst[0])


def test_a_batch_is_wanted_from_the_lead_before_it_until_it_did_not_come(tick: Tick) -> None:
    """Not while it lasted on other days: what really came is the demand now."""
    history, planner = tick.history(batches(7)), Recurring()
    wanted = {m: burst_at(tick, planner, history, m) for m in range(BURST_AT - 20, BURST_AT + BURST_LONG + 10)}
    on = [minute for minute, burst in wanted.items() if burst > 2.0]
    assert on == list(range(on[0], on[-1] + 1))
    assert BURST_AT - LEAD - 2 <= on[0] <= BURST_AT - LEAD
    assert BURST_AT <= on[-1] <= BURST_AT + 2
    assert {wanted[m] for m in on} == {30.0}


@pytest.mark.parametrize(
    ("level", "skipped", "wanted"),
    [
        (0.0, (), 30.0),
        (0.0, (1, 3, 5), 30.0),
        (0.0, (1, 3, 5, 6), 0.0),
        (2.0, (0, 1, 2, 3, 4, 5), 30.0),
        (-2.0, (4,), 0.0),
        (-2.0, (), 30.0),
    ],
)
def test_the_knob_says_on_how_many_days_of_seven_it_must_have_come(
    tick: Tick, level: float, skipped: tuple[int, ...], wanted: float
) -> None:
    history = tick.history(batches(7, *skipped))
    assert burst_at(tick, Recurring(), history, BURST_AT, level) == pytest.approx(wanted)


def test_a_rise_is_on_top_of_the_demand_now(tick: Tick) -> None:
    history = tick.history(batches(7))
    view = tick.view([5.0], now_s=(7 * DAY + BURST_AT - 3) * 60.0, history=_until(history, BURST_AT - 3))
    assert Recurring().propose(view).burst.tolist() == [33.0]


def _until(history: History, minute: int) -> History:
    while history.last_bin < 7 * DAY + minute - 1:
        history.add((history.last_bin + 2) * 60.0, np.array([5.0]))
    return history


def test_beyond_the_largest_rise_the_knob_is_headroom_on_the_demand_now(tick: Tick) -> None:
    levels = np.array([[0.0, 0.0], [3.0, 4.0], [-3.0, -4.0]])
    view = tick.view([4.0, 8.0], level=levels)
    proposal = Recurring().propose(view)
    assert proposal.floor.tolist() == [[4.0, 8.0], [5.0, 12.0], pytest.approx([3.6, 6.4])]
    assert proposal.room is proposal.floor
    assert proposal.burst.tolist() == [[0.0, 0.0]] * 3
