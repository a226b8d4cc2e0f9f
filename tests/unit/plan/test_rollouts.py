"""A plan while a rollout lasts: floor, room and loop, and that nothing of it stays when it is over."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.domain.bounds import Bounds
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.plan import Plan, Reason
from autoscaler.domain.rollout import QUARTER_FEWER, QUARTER_MORE, Allowance, Rollout
from autoscaler.domain.signal import MISSING
from autoscaler.forecast.history import History
from autoscaler.plan.parts import PlanPart
from autoscaler.plan.planning import PlanState, plan
from autoscaler.plan.strategies import Setting, strategy

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick

TICK_S = 15.0
ROLLOUT = int(Reason.ROLLOUT)


def under_way(standing: int = 8, moves: bool = True, left: int = 6) -> Rollout:
    """Of eight replicas, within the bounds of a Deployment that says nothing: two more, two fewer."""
    return Rollout(QUARTER_MORE, QUARTER_FEWER, replicas=8, standing=standing, left=left, moves=moves)


class Planned:
    """Plans one workload of which eight replicas and room for two more are wanted, tick by tick."""

    def __init__(self, core: Core, tick: Tick, name: str = "quantile", without: frozenset[PlanPart] = frozenset(),
                 **changes: Any) -> None:  # fmt: skip
        self._core, self._tick = core, tick
        self.fleet: Fleet = core.fleet(1, **changes)
        self.state = PlanState.fresh(self.fleet, strategy(name, Setting(0.0, True), without), TICK_S, True)
        self._now_s, self.floor = 0.0, 8

    def __call__(self, rollout: Rollout | None, demand: float = 8.0, late: float = 0.0, **seen: Any) -> Plan:
        inventory = self._core.inventory([8], floor=[self.floor])
        inventory = replace(inventory, rollouts=() if rollout is None else (rollout,))
        observation = self._tick.observation([demand], inventory, self._now_s, late=[late], **seen)
        forecast = self._tick.forecast([[8.0, 10.0]])
        decided = plan(
            self.state, self.fleet, observation, forecast, History.fresh(1, TICK_S), Bounds.none(1), TICK_S
        )  # fmt: skip
        self._now_s += TICK_S
        self.floor = int(decided.floor[0])
        return decided


@pytest.fixture
def planned(core: Core, tick: Tick) -> Planned:
    return Planned(core, tick)


def told(decided: Plan) -> tuple[int, int, bool]:
    """(floor, placeholders, whether a rollout is a reason)"""
    return int(decided.floor[0]), int(decided.placeholders.sum()), bool(int(decided.reasons[0]) & ROLLOUT)


def test_as_many_more_as_may_be_away_beside_the_room_for_growth(planned: Planned) -> None:
    assert told(planned(None)) == (8, 2, False)
    assert told(planned(under_way(standing=10))) == (10, 2, True)


def test_it_does_not_grow_by_itself(planned: Planned) -> None:
    floors = [told(planned(under_way(standing=10)))[0] for _ in range(10)]
    assert floors == [10] * 10


def test_room_for_those_beyond_as_far_as_they_are_not_there(planned: Planned) -> None:
    assert told(planned(under_way(standing=8)))[1] == 2 + 2
    assert told(planned(under_way(standing=9)))[1] == 2 + 1
    assert told(planned(under_way(standing=11)))[1] == 2


def test_nothing_of_it_stays_when_it_is_over(planned: Planned) -> None:
    planned(under_way())
    floors = [told(planned(None))[:2] for _ in range(4)]
    assert floors[-1] == (8, 2)
    assert all(before >= after for (before, _), (after, _) in pairwise(floors))


def test_at_its_end_what_was_asked_for_stays_and_nothing_more_is(core: Core, tick: Tick) -> None:
    planned = Planned(core, tick)
    assert told(planned(under_way(standing=10, left=0))) == (8, 2, False)
    assert told(planned(under_way(standing=10, left=1)))[0] == 10
    assert told(planned(under_way(standing=10, left=0)))[0] == 10


def test_one_that_stands_still_changes_nothing(planned: Planned) -> None:
    assert told(planned(under_way(moves=False))) == (8, 2, False)


def test_where_a_surge_alone_is_allowed_the_floor_stands(planned: Planned) -> None:
    surge_only = replace(under_way(), unavailable=Allowance())
    assert told(planned(surge_only)) == (8, 2 + 2, False)


def test_the_most_that_the_user_allows_holds(core: Core, tick: Tick) -> None:
    assert told(Planned(core, tick, max_replicas=9)(under_way(standing=10)))[0] == 9


def test_a_floor_that_another_reads_is_left_as_it_is(core: Core, tick: Tick) -> None:
    assert told(Planned(core, tick, moves=False)(under_way(standing=10)))[::2] == (8, False)


def test_unknown_demand_is_no_reason_for_ever_more(planned: Planned) -> None:
    planned(under_way(standing=10))
    floors = [told(planned(under_way(standing=10), math.nan, math.nan, state=[MISSING]))[0] for _ in range(10)]
    assert floors == [10] * 10


def test_before_any_demand_is_known_what_was_asked_for_stands(planned: Planned) -> None:
    floors = [told(planned(under_way(standing=10), math.nan, math.nan, state=[MISSING]))[0] for _ in range(5)]
    assert floors == [8] * 5


@pytest.mark.parametrize("name", ["quantile", "hpa-placeholders"])
def test_who_does_without_plans_as_if_there_were_none(core: Core, tick: Tick, name: str) -> None:
    """Ours with the part switched off, and those that we compare with."""
    without = frozenset({PlanPart.ROLLOUT}) if name == "quantile" else frozenset[PlanPart]()
    rolling, other = Planned(core, tick, name, without), Planned(core, tick, name, without)
    assert np.array_equal(rolling(under_way()).floor, other(None).floor)
    assert np.array_equal(rolling(under_way()).placeholders, other(None).placeholders)
