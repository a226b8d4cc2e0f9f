"""Parts switched off: what is left of our strategies, and that the others stay as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.signal import MISSING, RECOVERING, VALUE, ZERO
from autoscaler.observe.observation import unknown_as_zero
from autoscaler.plan.guards import BARE_GUARDS, GUARDS, reactive
from autoscaler.plan.parts import WORDS, PlanPart
from autoscaler.plan.reactive import Reactive
from autoscaler.plan.strategies import OURS, Setting, names, strategy

if TYPE_CHECKING:
    from tests.unit.plan.conftest import Tick

SETTING = Setting(0.0, True, np.ones((1, 4), dtype=np.int64))


def test_each_part_says_what_it_does_and_what_is_left_without_it() -> None:
    assert set(WORDS) == set(PlanPart)
    assert all("; without: " in words for words in WORDS.values())


@pytest.mark.parametrize("name", sorted(OURS))
def test_nothing_off_is_the_strategy_itself(name: str) -> None:
    found = strategy(name, SETTING)
    assert (found.guards, found.looped, found.holds) == (GUARDS, True, True)
    assert all(found.has(part) for part in PlanPart)


@pytest.mark.parametrize("part", PlanPart)
def test_a_part_that_is_off_is_missing_and_no_other(part: PlanPart) -> None:
    found = strategy("ours", SETTING, frozenset([part]))
    assert [other for other in PlanPart if not found.has(other)] == [part]
    assert found.holds is (part is not PlanPart.HOLD)
    assert found.looped is (part is not PlanPart.LOOP)
    assert (reactive in found.guards) is (part is not PlanPart.REACTIVE)
    assert found.planner.uses_forecast is (part is not PlanPart.FORECAST)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        pytest.param("quantile", PlanPart.FORECAST, id="quantile"),
        pytest.param("recurring", PlanPart.RECURRING, id="recurring"),
    ],
)
def test_a_strategy_without_what_it_is_made_of_follows_demand(name: str, part: PlanPart) -> None:
    assert isinstance(strategy(name, SETTING, frozenset([part])).planner, Reactive)


@pytest.mark.parametrize("name", sorted(set(names()) - set(OURS)))
def test_those_that_we_compare_with_stay_as_they_are(name: str) -> None:
    found = strategy(f"{name}+loop", SETTING, frozenset(PlanPart))
    assert (found.guards, found.looped, found.without) == (BARE_GUARDS, True, frozenset())


def test_with_all_candidates_but_one_off_ours_still_plans(tick: Tick) -> None:
    bare = strategy("ours", SETTING, frozenset([PlanPart.FORECAST, PlanPart.RECURRING]))
    proposal = bare.planner.propose(tick.view([5.0]))
    np.testing.assert_allclose(proposal.floor, [5.0])
    assert proposal.room is proposal.floor


def test_without_freshness_missing_is_zero_and_what_comes_back_is_believed(tick: Tick) -> None:
    seen = tick.observation([np.nan, 3.0, 4.0])
    states = np.array([MISSING, RECOVERING, VALUE], dtype=np.int8)
    seen = unknown_as_zero(replace(seen, demand_state=states, late=np.array([np.nan, 1.0, 0.0])))
    assert seen.demand.tolist() == [0.0, 3.0, 4.0]
    assert seen.demand_state.tolist() == [ZERO, VALUE, VALUE]
    assert seen.late.tolist() == [0.0, 1.0, 0.0]
