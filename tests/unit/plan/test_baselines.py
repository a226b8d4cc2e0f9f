"""The strategies that we compare with: each wants what it is known for, and nothing where it knows nothing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.plan.cron import Cron
from autoscaler.plan.hpa import Hpa
from autoscaler.plan.reactive import Reactive
from autoscaler.plan.scripted import Scripted
from autoscaler.plan.seasonal_naive import SeasonalNaive
from autoscaler.plan.static_peak import StaticPeak

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick

NAN = math.nan
HOUR_S, DAY_S = 3600.0, 86_400.0
LEAD_S = 300.0


def daily(days: int, low: float = 2.0, high: float = 20.0) -> Floats:
    """Demand by the minute: high from nine to ten, low at all other hours."""
    minute = np.arange(days * 1440)
    return np.where(minute % 1440 // 60 == 9, high, low)


class TestReactive:
    def test_it_wants_the_demand_now_with_the_headroom_of_its_knob(self, tick: Tick) -> None:
        proposal = Reactive().propose(tick.view([4.0, 6.0], level=[0.0, 0.5]))
        assert proposal.floor.tolist() == proposal.room.tolist() == [4.0, 9.0]

    def test_it_has_no_opinion_before_it_knows_a_demand(self, tick: Tick) -> None:
        assert Reactive().propose(tick.view([NAN])).floor.tolist() == pytest.approx([NAN], nan_ok=True)


class TestStaticPeak:
    def test_it_follows_the_peak_while_it_trains_and_keeps_it_then(self, tick: Tick) -> None:
        planner = StaticPeak(train_s=120.0)
        wanted = [
            float(planner.propose(tick.view([demand], now_s=60.0 * n)).floor[0])
            for n, demand in enumerate([3.0, NAN, 7.0, 50.0, 0.0])
        ]
        assert wanted == [3.0, 3.0, 7.0, 7.0, 7.0]


class TestScripted:
    PATH = np.array([[1, 1, 9, 1, 4, 2], [5, 5, 5, 5, 5, 5]])

    @pytest.mark.parametrize(
        ("now_s", "wanted"),
        [
            pytest.param(0.0, [9.0, 5.0], id="the peak within the lead"),
            pytest.param(180.0, [4.0, 5.0], id="the peak has passed"),
            pytest.param(300.0, [2.0, 5.0], id="at the end"),
            pytest.param(900.0, [2.0, 5.0], id="past the end the last stays"),
        ],
    )
    def test_it_asks_for_the_largest_need_within_the_lead(
        self, core: Core, tick: Tick, now_s: float, wanted: list[float]
    ) -> None:
        fleet = core.fleet(2, node_lead_s=60.0, replica_lead_s=60.0)
        assert Scripted(self.PATH).propose(tick.view([1.0, 1.0], fleet, now_s, level=2.0)).floor.tolist() == wanted


class TestHpa:
    def wanted(self, core: Core, tick: Tick, planner: Hpa, now_s: float, demand: float, floor: int) -> float:
        inventory = core.inventory([floor])
        return float(planner.propose(tick.view([demand], now_s=now_s, inventory=inventory)).floor[0])

    @pytest.mark.parametrize(
        ("demand", "wanted"),
        [
            pytest.param(14.0, 20.0, id="up to the target"),
            pytest.param(7.6, 10.0, id="within the tolerance"),
            pytest.param(6.4, 10.0, id="within the tolerance below"),
            pytest.param(3.5, 5.0, id="down"),
            pytest.param(NAN, NAN, id="no opinion on an unknown demand"),
        ],
    )
    def test_it_nears_the_target_utilization(self, core: Core, tick: Tick, demand: float, wanted: float) -> None:
        assert self.wanted(core, tick, Hpa(0.7), 0.0, demand, 10) == pytest.approx(wanted, nan_ok=True)

    def test_it_comes_down_when_five_minutes_have_wanted_less(self, core: Core, tick: Tick) -> None:
        planner = Hpa(0.5)
        assert self.wanted(core, tick, planner, 0.0, 10.0, 20) == 20.0
        assert self.wanted(core, tick, planner, 15.0, 2.0, 20) == 20.0
        assert self.wanted(core, tick, planner, 285.0, 2.0, 20) == 20.0
        assert self.wanted(core, tick, planner, 300.0, 2.0, 20) == 4.0

    def test_one_replica_wakes_a_workload_from_zero(self, core: Core, tick: Tick) -> None:
        assert self.wanted(core, tick, Hpa(0.7), 0.0, 3.0, 0) == 1.0

    def test_spare_gpus_are_room_beyond_the_floor(self, core: Core, tick: Tick) -> None:
        proposal = Hpa(0.7, spare_share=0.2).propose(tick.view([7.0], inventory=core.inventory([10])))
        assert (proposal.floor[0], proposal.room[0]) == (10.0, 12.0)

    def test_its_knob_is_headroom_on_the_demand(self, core: Core, tick: Tick) -> None:
        proposal = Hpa(0.7).propose(tick.view([7.0], level=1.0, inventory=core.inventory([10])))
        assert proposal.floor[0] == 20.0


class TestSeasonalNaive:
    @pytest.mark.parametrize(
        ("now_s", "demand"),
        [
            pytest.param(DAY_S + 9 * HOUR_S - LEAD_S, 20.0, id="a lead before yesterday's peak"),
            pytest.param(DAY_S + 9 * HOUR_S - LEAD_S - 60.0, 2.0, id="a minute earlier"),
            pytest.param(DAY_S + 10 * HOUR_S - LEAD_S - 60.0, 20.0, id="a lead before its end"),
            pytest.param(DAY_S + 10 * HOUR_S - LEAD_S, 2.0, id="then it is over"),
        ],
    )
    def test_it_wants_what_came_yesterday_when_it_would_serve(self, tick: Tick, now_s: float, demand: float) -> None:
        history = tick.history(daily(2)[: round(now_s / 60.0)])
        proposal = SeasonalNaive().propose(tick.view([7.0], now_s=now_s, history=history))
        assert proposal.floor[0] == pytest.approx(demand / 0.7)

    def test_on_the_first_day_it_wants_the_demand_now(self, tick: Tick) -> None:
        proposal = SeasonalNaive().propose(tick.view([7.0], now_s=6000.0, history=tick.history(np.full(100, 3.0))))
        assert proposal.floor[0] == pytest.approx(7.0 / 0.7)

    def test_where_yesterday_is_a_gap_it_wants_the_demand_now(self, tick: Tick) -> None:
        demand = np.full((2, 1440), 3.0)
        demand[0, :20] = NAN
        view = tick.view([7.0, 7.0], now_s=DAY_S, history=tick.history(demand))
        assert SeasonalNaive().propose(view).floor.tolist() == pytest.approx([10.0, 3.0 / 0.7])


class TestCron:
    WEEK = 7

    def test_an_hour_of_last_week_is_wanted_from_the_lead_before_until_its_end(self, tick: Tick) -> None:
        history, planner = tick.history(daily(self.WEEK)), Cron()
        begin_s = self.WEEK * DAY_S + 9 * HOUR_S
        times = (begin_s - LEAD_S - 60.0, begin_s - LEAD_S, begin_s, begin_s + HOUR_S - 60.0, begin_s + HOUR_S)
        wanted = [float(planner.propose(tick.view([5.0], now_s=t, history=history)).floor[0]) for t in times]
        assert wanted == [2.0, 20.0, 20.0, 20.0, 2.0]

    def test_one_minute_in_an_hour_does_not_set_its_entry(self, tick: Tick) -> None:
        demand = np.full(self.WEEK * 1440, 2.0)
        demand[30] = 100.0
        now_s = self.WEEK * DAY_S
        proposal = Cron(quantile=0.5).propose(tick.view([5.0], now_s=now_s, history=tick.history(demand)))
        assert proposal.floor[0] == 2.0

    def test_without_a_last_week_it_wants_the_demand_now(self, tick: Tick) -> None:
        demand = np.full((2, self.WEEK * 1440), 3.0)
        demand[1, :120] = NAN
        view = tick.view([7.0, 7.0], now_s=self.WEEK * DAY_S, history=tick.history(demand))
        assert Cron().propose(view).floor.tolist() == [3.0, 7.0]
        assert Cron().propose(tick.view([7.0], now_s=0.0)).floor.tolist() == [7.0]
