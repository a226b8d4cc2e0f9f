"""Room beyond the floors: how much, and how it is split over on-demand and spot pools."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.domain.fleet import Fleet
from autoscaler.domain.gang import Gang
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.pool import Pool
from autoscaler.plan.groups import Groups
from autoscaler.plan.tiers import beyond_pools, least_on_primary, place, pooled_share, spare_replicas

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.plan.conftest import Tick


def split(core: Core, zones: int = 2, steady: int | None = None, cheap: int | None = None, gpus: int = 1,
          workloads: int = 1, gpus_per_node: int = 1) -> Fleet:  # fmt: skip
    """On-demand and spot; steady, cheap: the most nodes of each."""
    pools: Sequence[Pool] = (
        core.pool("steady", max_nodes=steady, gpus_per_node=gpus_per_node),
        core.pool("cheap", True, max_nodes=cheap, zones=tuple("abcdef"[:zones]), gpus_per_node=gpus_per_node),
    )
    return core.fleet(workloads, pools, gpus_per_replica=gpus)


def gangs(fleet: Fleet, gang: Gang) -> Fleet:
    """The same fleet with such a gang for each replica."""
    gpus, pods, worker = (np.full(fleet.size, value) for value in (gang.gpus, gang.size, gang.worker_gpus))
    return replace(fleet, gpus_per_replica=gpus, pods_per_replica=pods, worker_gpus=worker)


class TestGangs:
    def test_a_group_of_two_nodes_has_room_on_two_nodes(self, core: Core) -> None:
        fleet = gangs(split(core, steady=3, gpus_per_node=8, cheap=4), Gang(8, 8, 2))
        inventory = core.inventory([[0, 0]])
        wanted, short = place(np.array([2]), np.array([9.0]), inventory, fleet, np.array([False]))
        assert (wanted.tolist(), short.tolist()) == ([[1, 1]], [False])
        assert [beyond_pools(np.array([floor]), inventory, fleet).tolist() for floor in (3.0, 4.0)] == [[False], [True]]

    def test_a_pod_larger_than_a_node_has_none(self, core: Core) -> None:
        fleet = gangs(split(core, steady=30, cheap=30, gpus_per_node=4), Gang(8, 8, 2))
        wanted, short = place(np.array([1]), np.array([9.0]), core.inventory([[0, 0]]), fleet, np.array([False]))
        assert (wanted.tolist(), short.tolist()) == ([[0, 0]], [True])


class TestLeastOnPrimary:
    @pytest.mark.parametrize(
        ("zones", "total", "middle", "least"),
        [
            pytest.param(1, 12.0, 8.0, 8.0, id="one zone may take all of spot"),
            pytest.param(2, 12.0, 8.0, 4.0, id="two zones"),
            pytest.param(3, 12.0, 8.0, 0.0, id="three zones survive the loss of one"),
            pytest.param(3, 9.0, 8.0, 6.0, id="with less headroom more must be on-demand"),
            pytest.param(3, 8.0, 8.0, 8.0, id="without headroom all must"),
            pytest.param(3, 6.0, 8.0, 8.0, id="no more than the middle is promised"),
        ],
    )
    def test_it_is_what_the_loss_of_the_largest_zone_leaves_over(
        self, core: Core, zones: int, total: float, middle: float, least: float
    ) -> None:
        fleet = split(core, zones)
        assert least_on_primary(np.array([total]), np.array([middle]), fleet).tolist() == [least]

    @given(zones=st.integers(1, 6), middle=st.floats(0.0, 100.0), headroom=st.floats(0.0, 100.0))
    def test_the_middle_survives_the_loss_of_any_zone_and_one_replica_less_would_not(
        self, core: Core, zones: int, middle: float, headroom: float
    ) -> None:
        total = middle + headroom
        primary = float(least_on_primary(np.array([total]), np.array([middle]), split(core, zones))[0])

        def left(on_primary: float) -> float:
            return on_primary + (total - on_primary) * (zones - 1) / zones

        assert 0.0 <= primary <= middle
        assert left(primary) >= middle - 1e-6
        assert primary == 0.0 or left(primary - 1.0) < middle

    def test_a_workload_without_spot_keeps_its_middle_on_demand(self, core: Core) -> None:
        assert least_on_primary(np.array([9.0]), np.array([5.0]), core.fleet()).tolist() == [5.0]


class TestPlace:
    def placed(
        self, fleet: Fleet, inventory: Inventory, spare: list[int], base: list[float], stays: list[bool] | None = None
    ) -> tuple[object, object]:
        wanted, short = place(
            np.array(spare), np.array(base), inventory, fleet, np.array(stays or [False] * fleet.size)
        )
        return wanted.tolist(), short.tolist()

    @pytest.mark.parametrize(
        ("steady", "cheap", "ready", "base", "wanted", "short"),
        [
            pytest.param(None, None, [0, 0], 0.0, [0, 5], False, id="what comes on top stands on spot"),
            pytest.param(None, None, [2, 0], 4.0, [2, 3], False, id="the base first, without what runs there"),
            pytest.param(None, None, [6, 0], 4.0, [0, 5], False, id="the base runs already"),
            pytest.param(3, None, [2, 0], 6.0, [1, 4], False, id="on-demand is full: the rest of the base on spot"),
            pytest.param(None, 2, [0, 1], 0.0, [4, 1], False, id="spot is full: the rest on-demand"),
            pytest.param(3, 2, [2, 1], 4.0, [1, 1], True, id="both are full"),
        ],
    )
    def test_on_demand_carries_the_base_and_spot_the_rest_as_far_as_they_reach(
        self, core: Core, steady: int | None, cheap: int | None, ready: list[int], base: float, wanted: list[int],
        short: bool,
    ) -> None:  # fmt: skip
        fleet = split(core, steady=steady, cheap=cheap)
        assert self.placed(fleet, core.inventory([ready]), [5], [base]) == ([wanted], [short])

    def test_without_spot_all_stands_on_demand(self, core: Core) -> None:
        assert self.placed(core.fleet(), core.inventory([4]), [3], [0.0]) == ([[3]], [False])

    def test_a_pool_out_of_stock_keeps_what_is_bound_there_and_passes_on_the_rest(self, core: Core) -> None:
        standing = [(0, 1, 0, True), (0, 1, 1, True), (0, 1, 2, False)]
        inventory = core.inventory([[0, 0]], placeholders=standing, obtainable=[True, False])
        assert self.placed(split(core), inventory, [5], [0.0]) == ([[3, 2]], [False])

    def test_replicas_of_many_gpus_fill_whole_nodes(self, core: Core) -> None:
        """Two nodes of eight GPUs: of three GPUs a replica each holds two, and two GPUs are left over."""
        fleet = split(core, steady=2, cheap=0, gpus=3, gpus_per_node=8)
        assert self.placed(fleet, core.inventory([[0, 0]]), [9], [9.0]) == ([[4, 0]], [True])
        assert self.placed(fleet, core.inventory([[1, 0]]), [9], [10.0]) == ([[3, 0]], [True])

    def test_a_replica_larger_than_a_node_has_no_room_there(self, core: Core) -> None:
        fleet = split(core, gpus=16, gpus_per_node=8)
        assert self.placed(fleet, core.inventory([[0, 0]]), [1], [0.0]) == ([[0, 0]], [True])

    def test_who_comes_first_in_the_fleet_fills_a_scarce_pool_first(self, core: Core) -> None:
        fleet = split(core, steady=4, cheap=0, workloads=2)
        assert self.placed(fleet, core.inventory([[1, 0], [0, 0]]), [2, 2], [9.0, 9.0]) == (
            [[2, 0], [1, 0]], [False, True],
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("spare", "wanted"),
        [
            pytest.param(3, [1, 2], id="all that stand"),
            pytest.param(5, [1, 4], id="more go where they should"),
            pytest.param(2, [1, 1], id="some are given up"),
        ],
    )
    @pytest.mark.parametrize("base", [0.0, 1.0])
    def test_what_must_stay_stays_in_its_pool(self, core: Core, spare: int, wanted: list[int], base: float) -> None:
        standing = [(0, 0, 0, True), (0, 1, 0, True), (0, 1, 1, False)]
        inventory = core.inventory([[0, 0]], placeholders=standing)
        assert self.placed(split(core), inventory, [spare], [base], [True]) == ([wanted], [False])

    def test_what_must_stay_goes_before_what_another_is_given(self, core: Core) -> None:
        fleet = split(core, steady=3, cheap=0, workloads=2)
        inventory = core.inventory([[0, 0], [0, 0]], placeholders=[(1, 0, 0, True), (1, 0, 1, True)])
        assert self.placed(fleet, inventory, [3, 2], [3.0, 2.0], [False, True]) == ([[1, 0], [2, 0]], [True, False])

    def test_no_room_is_wanted_where_none_is_spare(self, core: Core) -> None:
        assert self.placed(split(core, steady=0, cheap=0), core.inventory([[0, 0]]), [0], [9.0]) == ([[0, 0]], [False])


class TestBeyondPools:
    @pytest.mark.parametrize(
        ("steady", "cheap", "gpus", "floor", "beyond"),
        [
            pytest.param(None, 1, 1, 1e6, False, id="a pool without a limit of ours"),
            pytest.param(1, 1, 1, 16.0, False, id="just as many as there is room for"),
            pytest.param(1, 1, 1, 17.0, True, id="one more"),
            pytest.param(1, 1, 3, 4.0, False, id="whole nodes"),
            pytest.param(1, 1, 3, 5.0, True, id="what two nodes leave over makes no replica"),
        ],
    )
    def test_floors_that_the_pools_cannot_hold_are_told(
        self, core: Core, steady: int | None, cheap: int | None, gpus: int, floor: float, beyond: bool
    ) -> None:
        fleet = split(core, steady=steady, cheap=cheap, gpus=gpus, gpus_per_node=8)
        assert beyond_pools(np.array([floor]), core.inventory([[0, 0]]), fleet).tolist() == [beyond]

    def test_what_runs_counts_once_and_others_take_room(self, core: Core) -> None:
        fleet = split(core, steady=4, cheap=0, workloads=2)
        inventory = core.inventory([[3, 0], [0, 0]])
        assert beyond_pools(np.array([4.0, 1.0]), inventory, fleet).tolist() == [False, False]
        assert beyond_pools(np.array([5.0, 2.0]), inventory, fleet).tolist() == [True, True]


class TestPooled:
    def test_the_headroom_of_several_together_is_less_than_their_sum(self, core: Core, tick: Tick) -> None:
        """Each alone has headroom 4 at the level that is compared, both together 6 of 8."""
        fleet = core.fleet(2)
        forecast = tick.forecast([10.0, 10.0, 20.0], 1.0)
        forecast = type(forecast)(
            forecast.centre, np.array([5.0, 5.0, 7.5])[:, None] * np.ones(2), forecast.errors, forecast.ceiling
        )
        share = pooled_share(forecast, Groups.of(fleet), fleet)
        assert share.tolist() == pytest.approx([0.75])

    @pytest.mark.parametrize(
        ("centre", "deviation"),
        [
            pytest.param([10.0, 10.0], 5.0, id="no pooled series"),
            pytest.param([10.0, 10.0, math.nan], 5.0, id="a pooled series that has seen nothing"),
            pytest.param([10.0, 10.0, 20.0], 0.0, id="no headroom at all"),
        ],
    )
    def test_without_a_pooled_forecast_nothing_is_cut(
        self, core: Core, tick: Tick, centre: list[float], deviation: float
    ) -> None:
        fleet = core.fleet(2)
        assert pooled_share(tick.forecast(centre, deviation), Groups.of(fleet), fleet).tolist() == [1.0]
        assert pooled_share(None, Groups.of(fleet), fleet).tolist() == [1.0]

    @pytest.mark.parametrize(
        ("share", "spare"),
        [
            pytest.param(1.0, [3, 4], id="all of it"),
            pytest.param(0.5, [2, 2], id="half of seven, rounded up"),
            pytest.param(0.0, [0, 0], id="nothing"),
        ],
    )
    def test_spare_replicas_are_cut_to_the_share_and_stay_whole(
        self, core: Core, share: float, spare: list[int]
    ) -> None:
        fleet = core.fleet(2)
        found = spare_replicas(np.array([8.0, 5.5]), np.array([5.0, 2.0]), np.array([share]), Groups.of(fleet), fleet)
        assert found.tolist() == spare

    @given(
        gpus=st.lists(st.integers(1, 8), min_size=3, max_size=3),
        room=st.lists(st.integers(0, 20), min_size=3, max_size=3), share=st.floats(0.0, 1.0),
    )  # fmt: skip
    def test_the_cut_leaves_the_gpus_of_the_share_and_at_most_all(
        self, core: Core, gpus: list[int], room: list[int], share: float
    ) -> None:
        fleet = core.fleet(3, gpus_per_replica=gpus)
        wanted = np.array(room, dtype=np.float64)
        spare = spare_replicas(wanted, np.zeros(3), np.array([share]), Groups.of(fleet), fleet)
        assert (spare <= wanted).all()
        assert float(spare @ fleet.gpus_per_replica) >= share * float(wanted @ fleet.gpus_per_replica) - 1e-6

    def test_room_below_the_floor_is_no_spare(self, core: Core) -> None:
        fleet = core.fleet()
        assert spare_replicas(np.array([3.0]), np.array([5.0]), np.ones(0), Groups.of(fleet), fleet).tolist() == [0]


class TestGroups:
    def test_workloads_on_the_same_pools_are_one_group(self, core: Core) -> None:
        pools = (core.pool("a"), core.pool("b"))
        fleet = core.fleet(4, pools, primary=[[True, False], [True, True], [True, False], [False, True]])
        assert Groups.of(fleet).member.tolist() == [[True, False, True, False]]

    def test_the_same_primary_with_another_burst_is_no_group(self, core: Core) -> None:
        pools = (core.pool("a"), core.pool("b", True))
        assert Groups.of(core.fleet(2, pools, burst=[[False, True], [False, False]])).member.shape == (0, 2)

    def test_its_series_is_the_sum_of_gpus_and_unknown_where_a_member_is(self, core: Core) -> None:
        fleet = core.fleet(2, gpus_per_replica=[2, 4])
        groups = Groups.of(fleet)
        assert groups.series(np.array([3.0, 5.0]), fleet).tolist() == [3.0, 5.0, 26.0]
        assert groups.series(np.array([3.0, math.nan]), fleet).tolist() == pytest.approx(
            [3.0, math.nan, math.nan], nan_ok=True
        )

    def test_one_workload_has_no_group(self, core: Core) -> None:
        fleet = core.fleet()
        assert Groups.of(fleet).series(np.array([3.0]), fleet).tolist() == [3.0]
