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


def burst_at(tick: Tick, planner: Recurring, history: History, minute: int) -> float:
    """What the planner wants for a window when the minutes before `minute` of the next day are known."""
    while history.last_bin < 7 * DAY + minute - 1:
        history.add((history.last_bin + 2) * 60.0, np.array([2.0]))
    return float(planner.propose(tick.view([2.0], now_s=(7 * DAY + minute) * 60.0, history=history)).burst[0])


def test_a_batch_is_wanted_from_the_lead_before_it_until_it_is_over(tick: Tick) -> None:
    history, planner = tick.history(batches(7)), Recurring()
    wanted = {m: burst_at(tick, planner, history, m) for m in range(BURST_AT - 20, BURST_AT + BURST_LONG + 10)}
    on = [minute for minute, burst in wanted.items() if burst > 2.0]
    assert on == list(range(on[0], on[-1] + 1))
    assert BURST_AT - LEAD - 2 <= on[0] <= BURST_AT - LEAD
    assert BURST_AT + BURST_LONG - 1 <= on[-1] <= BURST_AT + BURST_LONG + 1
    assert {wanted[m] for m in on} == {30.0}


@pytest.mark.parametrize(("skipped", "wanted"), [((), 30.0), ((2,), 30.0), ((0, 1, 2, 3, 4, 5), 4.8)])
def test_one_day_alone_does_not_buy_a_burst_and_one_without_it_does_not_stop_it(
    tick: Tick, skipped: tuple[int, ...], wanted: float
) -> None:
    """Of the days of a week nearly the second largest counts."""
    history = tick.history(batches(7, *skipped))
    burst = burst_at(tick, Recurring(), history, BURST_AT)
    assert burst == pytest.approx(wanted)


def test_floor_and_room_are_the_demand_now_with_headroom(tick: Tick) -> None:
    proposal = Recurring().propose(tick.view([4.0, 8.0], level=[0.0, 0.25]))
    assert proposal.floor.tolist() == proposal.room.tolist() == [4.0, 10.0]
    assert proposal.burst.tolist() == [0.0, 0.0]
