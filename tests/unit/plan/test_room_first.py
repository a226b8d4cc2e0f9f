"""Room first: groups are asked for as far as whole ones have their room, and placeholders make it for the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.domain.bounds import Bounds
from autoscaler.domain.budget import Budget
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.plan import Plan, Reason
from autoscaler.domain.signal import MISSING
from autoscaler.forecast.history import History
from autoscaler.plan.planning import PlanState, plan
from autoscaler.plan.strategies import Setting, strategy

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick

TICK_S = 60.0


def groups(core: Core, workloads: int = 1, **changes: Any) -> Fleet:
    """Gangs of two pods of a node each, on nodes of eight GPUs."""
    plain = core.fleet(workloads, (core.pool(gpus_per_node=8),), gpus_per_replica=16)
    return replace(plain, pods_per_replica=np.full(workloads, 2), worker_gpus=np.full(workloads, 8), **changes)


def planned(
    core: Core, tick: Tick, fleet: Fleet, demand: Sequence[float], ahead: Sequence[float] | None = None,
    override: float = math.nan, state: Sequence[int] | None = None, **standing: Any,
) -> Plan:  # fmt: skip
    """The first plan on this demand, of which all comes late. ahead: demand at the whole lead."""
    n = fleet.size
    inventory = core.inventory(**{"ready": [0] * n, **standing})
    chosen = strategy("quantile", Setting(0.0, shared_nodes=True, path=np.zeros((1, 7), dtype=np.int64)))
    begun = PlanState.fresh(fleet, chosen, TICK_S, shared_nodes=True)
    seen = tick.observation(demand, inventory, late=[1.0] * n, state=state)
    forecast = tick.forecast(np.stack([demand, demand if ahead is None else ahead], axis=1))
    bounds = replace(Bounds.none(n), override=np.full(n, override))
    return plan(begun, fleet, seen, forecast, History.fresh(n, TICK_S), bounds, TICK_S)


@pytest.mark.parametrize(
    ("standing", "floor", "placeholders"),
    [
        pytest.param({}, 0, 3, id="nothing stands"),
        pytest.param({"placeholders": [(0, 0, 0, False)]}, 0, 3, id="a group of placeholders waits for nodes"),
        pytest.param({"placeholders": [(0, 0, 0, True)]}, 1, 2, id="one is bound"),
        pytest.param({"ready": [1], "placeholders": [(0, 0, 0, True)]}, 2, 1, id="one is bound, a group runs"),
        pytest.param({"ready": [1], "floor": [2], "pending": [1]}, 2, 1, id="what was asked for is not taken back"),
        pytest.param({"floor": [1], "pending": [1], "placeholders": [(0, 0, 0, True)]}, 1, 2, id="it has its taker"),
        pytest.param({"placeholders": [(0, 0, slot, True) for slot in range(5)]}, 3, 0, id="there is more than enough"),
        pytest.param({"ready": [5]}, 3, 0, id="it falls as ever"),
    ],
)
def test_a_floor_rises_as_far_as_whole_groups_fit(
    core: Core, tick: Tick, standing: dict[str, Any], floor: int, placeholders: int
) -> None:
    decided = planned(core, tick, groups(core), [3.0], **standing)
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([floor], [[placeholders]])
    assert bool(decided.reasons[0] & np.uint32(Reason.GANG)) is (floor < 3)


def test_room_beyond_the_floor_comes_on_top(core: Core, tick: Tick) -> None:
    decided = planned(core, tick, groups(core), [3.0], ahead=[5.0], placeholders=[(0, 0, 0, True)])
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([1], [[4]])


def test_single_pods_are_asked_for_at_once(core: Core, tick: Tick) -> None:
    fleet = replace(groups(core, 2), pods_per_replica=np.array([1, 2]), worker_gpus=np.array([0, 8]),
                    gpus_per_replica=np.array([8, 16]))  # fmt: skip
    decided = planned(core, tick, fleet, [3.0, 3.0])
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([3, 0], [[0], [3]])


def test_what_a_person_has_set_is_asked_for_at_once(core: Core, tick: Tick) -> None:
    assert planned(core, tick, groups(core), [3.0], override=4.0).floor.tolist() == [4]


def test_for_a_policy_that_only_observes_nobody_makes_room(core: Core, tick: Tick) -> None:
    decided = planned(core, tick, groups(core, acts=np.array([False])), [3.0])
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([3], [[0]])


def test_the_room_counts_in_the_budget_once(core: Core, tick: Tick) -> None:
    fleet = groups(core, budgets=(Budget("all", 32.0, math.inf),), budget_of=np.zeros(1, dtype=np.int64))
    decided = planned(core, tick, fleet, [3.0], placeholders=[(0, 0, 0, True)])
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([1], [[1]])


def test_what_the_pools_cannot_hold_is_said_while_it_waits(core: Core, tick: Tick) -> None:
    fleet = replace(groups(core), pools=(core.pool(gpus_per_node=8, max_nodes=2),))
    decided = planned(core, tick, fleet, [2.0], placeholders=[(0, 0, 0, True)])
    assert (decided.floor.tolist(), decided.placeholders.tolist()) == ([1], [[1]])
    assert decided.reasons[0] & np.uint32(Reason.POOL_LIMIT)


def test_others_do_not_share_the_room_that_a_group_waits_for(core: Core, tick: Tick) -> None:
    decided = planned(core, tick, groups(core, 2), [2.0, 3.0])
    assert decided.placeholders.tolist() == [[2], [3]]


@given(
    demand=st.integers(0, 6), ready=st.integers(0, 4), pending=st.integers(0, 3), bound=st.integers(0, 4),
    waiting=st.integers(0, 3), known=st.booleans(),
)  # fmt: skip
def test_never_more_groups_than_fit_and_room_for_all_that_wait(
    core: Core, tick: Tick, demand: int, ready: int, pending: int, bound: int, waiting: int, known: bool
) -> None:
    slots = [(0, 0, slot, slot < bound) for slot in range(bound + waiting)]
    asked = ready + pending
    decided = planned(
        core, tick, groups(core), [float(demand)], ready=[ready], floor=[asked], pending=[pending], placeholders=slots,
        state=None if known else [int(MISSING)],
    )  # fmt: skip
    floor, room = int(decided.floor[0]), int(decided.placeholders[0, 0])
    assert floor <= max(asked, ready + bound)
    assert floor + room >= demand
