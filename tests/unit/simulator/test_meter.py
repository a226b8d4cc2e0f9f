"""The bill: every GPU-second of every node once, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.domain.arrays import Ints
from autoscaler.simulator.full import FullWorld
from autoscaler.simulator.meter import Meter
from autoscaler.simulator.settings import CLUSTER_AUTOSCALER, KARPENTER, AutoscalerProfile, SpotMarket, StockOut

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build

GPUS_PER_NODE = 8, 4
PROFILES = {p.name: replace(p, scale_down_delay_s=60.0) for p in (CLUSTER_AUTOSCALER, KARPENTER)}


def test_whoever_holds_gpus_pays_for_them_and_for_the_idle_ones_of_the_pool_in_proportion() -> None:
    meter = Meter(2, 1)
    meter.up[0] = 8
    meter.held[:, 0] = 3, 1
    assert meter.take(10.0)[:, 0].tolist() == [60.0, 20.0]


def test_what_nobody_held_is_shared_equally() -> None:
    meter = Meter(2, 1)
    meter.up[0] = 8
    assert meter.take(10.0)[:, 0].tolist() == [40.0, 40.0]


def test_pools_are_billed_apart() -> None:
    meter = Meter(1, 2)
    meter.up[:] = 8, 4
    assert meter.take(10.0).tolist() == [[80.0, 40.0]]


def test_a_change_counts_from_its_own_time() -> None:
    meter = Meter(1, 1)
    meter.to(4.0)
    meter.up[0] = 8
    assert meter.take(10.0).tolist() == [[48.0]]


def test_what_was_taken_is_not_billed_again() -> None:
    meter = Meter(1, 1)
    meter.up[0] = 8
    meter.take(10.0)
    assert meter.take(11.0).tolist() == [[8.0]]


def test_a_node_is_billed_from_its_grant_through_its_boot_and_its_delay_to_its_end(build: Build) -> None:
    driven = build.world(autoscaler=PROFILES["cluster-autoscaler"]).hold(8)
    bought_s = driven.when(lambda: driven.nodes() == 1, 60.0)
    driven.until(300.0).let_go(8)
    gone_s = driven.when(lambda: driven.nodes() == 0, 120.0)
    world = build.world(autoscaler=PROFILES["cluster-autoscaler"]).hold(8).world
    billed = world.advance(300.0).billed_gpus.sum() * 300.0
    for slot in range(8):
        world.delete_placeholder(0, 0, slot)
    billed += world.advance(1000.0).billed_gpus.sum() * 700.0
    assert billed == pytest.approx(8 * (gone_s - bought_s), abs=8.0)


def test_a_request_for_a_node_that_is_refused_costs_nothing(build: Build) -> None:
    world = build.world(faults=(StockOut(0, None, 0.0, 1e6),)).hold(1).world
    assert world.advance(600.0).billed_gpus.sum() == 0.0


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["floor", "create", "delete"]), st.integers(0, 1), st.integers(0, 1), st.integers(0, 9),
        st.integers(5, 200),
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip


@given(ACTIONS, st.sampled_from(sorted(PROFILES)), st.integers(0, 5))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_bill_of_all_workloads_is_the_time_of_all_nodes(
    build: Build, actions: list[tuple[str, int, int, int, int]], profile: str, seed: int
) -> None:
    """Sampled every second: billed is what stood, or something between where the count changed. Only where one node
    ends and another begins within the second, which takes a spot node's end, does the count not show it."""
    world = busy_world(build, PROFILES[profile], seed)
    now_s, unseen = 0, 0
    for action, workload, pool, number, seconds in actions:
        if action == "floor":
            world.set_floor(workload, number)
        elif action == "create":
            world.create_placeholder(workload, pool, number)
        else:
            world.delete_placeholder(workload, pool, number)
        for _ in range(seconds):
            now_s += 1
            before = standing_gpus(world)
            billed = world.advance(float(now_s)).billed_gpus
            after = standing_gpus(world)
            beyond = np.maximum(billed.sum(axis=0) - np.maximum(before, after), 0.0)
            below = np.maximum(np.minimum(before, after) - billed.sum(axis=0), 0.0)
            unseen += int((beyond + below > 1e-6).sum())
            assert (beyond + below <= np.array(GPUS_PER_NODE)).all()
            assert (billed >= -1e-9).all()
    assert unseen <= world.notices


def busy_world(build: Build, profile: AutoscalerProfile, seed: int) -> FullWorld:
    """Two workloads of different size on an on-demand pool and on spot nodes that do not live long."""
    spot = SpotMarket(mean_up_s=400.0, zone_events_a_day=100.0, drought_s=0.0, notice_s=30.0)
    workloads = build.workload(gpus=1, pools=(0, 1)), build.workload(gpus=3, pools=(1, 0))
    large, small = GPUS_PER_NODE
    pools = build.pool(gpus_per_node=large, max_nodes=3), build.pool(gpus_per_node=small, zones=2, spot=spot)
    return build.world(*workloads, pools=pools, start=(2, 1), autoscaler=profile, seed=seed).world


def standing_gpus(world: FullWorld) -> Ints:
    gpus: Ints = world.node_counts()[:2].sum(axis=0) * np.array(GPUS_PER_NODE)
    return gpus
