"""The full fidelity as a whole: how it begins, what a tick's record says, and books that stay true."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.simulator.settings import CLUSTER_AUTOSCALER, KARPENTER, SpotMarket
from autoscaler.simulator.stages import StageLaw

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build

PROFILES = {p.name: p for p in (CLUSTER_AUTOSCALER, KARPENTER)}


def test_at_the_start_replicas_serve_on_as_few_nodes_of_their_first_pool_as_hold_them(build: Build) -> None:
    chat, batch = build.workload(pools=(1, 0)), build.workload(gpus=3, pools=(1,))
    driven = build.world(chat, batch, pools=(build.pool(), build.pool()), start=(6, 2))
    stands = driven.world.inventory(0.0)
    assert stands.ready.tolist() == [[0, 6], [0, 2]]
    assert stands.nodes.tolist() == [0, 2]
    assert stands.free_gpus.tolist() == [0, 4]
    assert stands.floor.tolist() == [6, 2]
    assert driven.world.advance(60.0).starts.tolist() == [0, 0]


def test_replicas_that_stood_at_the_start_have_their_image(build: Build) -> None:
    driven = build.world(build.workload(image=StageLaw(100.0, 100.0)), start=(1,)).scale(2).until(31.0)
    assert driven.ready() == 2


def test_ready_replicas_and_billed_gpus_are_means_over_the_tick(build: Build) -> None:
    driven = build.world(start=(1,)).scale(2)
    record = driven.world.advance(60.0)
    assert record.ready_replicas[0] == pytest.approx(1.0 + (60.0 - 30.1) / 60.0)
    assert record.billed_gpus[0, 0] == pytest.approx(8.0)


def test_a_start_counts_once_in_the_tick_in_which_it_begins(build: Build) -> None:
    world = build.world(start=(1,)).scale(3).world
    assert [int(world.advance(at_s).starts[0]) for at_s in (15.0, 30.0, 60.0)] == [2, 0, 0]


def test_starting_replicas_have_a_node_and_pending_ones_do_not(build: Build) -> None:
    driven = build.world(start=(7,)).scale(9)
    record = driven.world.advance(15.0)
    assert record.starting_replicas[0] == 1
    assert driven.world.inventory(15.0).pending[0] == 1


def test_a_record_says_what_came_was_served_and_was_late(build: Build) -> None:
    world = build.world(build.workload(per_s=3.0), start=(2,)).world
    record = world.advance(10.0)
    assert (record.arrivals[0], record.offered_replicas[0]) == (30.0, 3.0)
    assert record.served[0] == pytest.approx(20.0)
    assert record.queue[0] == pytest.approx(10.0)
    assert record.late[0] == pytest.approx(21.0)


def test_the_floor_of_a_record_is_the_one_that_held_in_it(build: Build) -> None:
    driven = build.world(start=(1,)).scale(2)
    assert driven.world.advance(15.0).floor[0] == 2


def test_a_tick_that_reaches_into_unknown_traffic_has_no_arrivals(build: Build) -> None:
    world = build.world(build.workload(per_s=[1.0, math.nan, 1.0])).world
    assert [math.isnan(world.advance(at_s).arrivals[0]) for at_s in (45.0, 75.0, 120.0, 180.0)] == [
        False,
        True,
        True,
        False,
    ]


def test_placeholders_and_the_nodes_that_they_hold_alone_are_counted(build: Build) -> None:
    driven = build.world(build.workload(gpus=2), start=(1,)).hold(5).until(100.0)
    record = driven.world.advance(101.0)
    assert (record.placeholders_bound[0], record.placeholders_pending[0], record.warm_gpus[0]) == (5, 0, 10)
    assert driven.world.node_counts().tolist() == [[2], [0], [1]]


def test_workloads_share_nodes(build: Build) -> None:
    driven = build.world(build.workload(), build.workload(), start=(0, 0)).scale(3, 0).scale(4, 1).until(200.0)
    assert driven.nodes() == 1
    assert (driven.ready(0), driven.ready(1)) == (3, 4)


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["floor", "create", "delete"]), st.integers(0, 1), st.integers(0, 1), st.integers(0, 9),
        st.integers(1, 400),
    ),
    min_size=1,
    max_size=25,
)  # fmt: skip


@given(ACTIONS, st.sampled_from(sorted(PROFILES)), st.integers(0, 5))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_whatever_happens_the_books_are_true(
    build: Build, actions: list[tuple[str, int, int, int, int]], profile: str, seed: int
) -> None:
    spot = SpotMarket(mean_up_s=900.0, zone_events_a_day=50.0, drought_s=600.0, notice_s=30.0)
    workloads = build.workload(per_s=3.0, pools=(0, 1)), build.workload(per_s=1.0, gpus=3, pools=(1, 0))
    pools = build.pool(max_nodes=2), build.pool(gpus_per_node=4, zones=2, spot=spot)
    world = build.world(*workloads, pools=pools, start=(3, 1), autoscaler=PROFILES[profile], seed=seed).world
    now_s, came, done, late = 0.0, np.zeros(2), np.zeros(2), np.zeros(2)
    for action, workload, pool, number, seconds in actions:
        if action == "floor":
            world.set_floor(workload, number)
        elif action == "create":
            world.create_placeholder(workload, pool, number)
        else:
            world.delete_placeholder(workload, pool, number)
        now_s += seconds
        record, stands = world.advance(now_s), world.inventory(now_s)
        came, done, late = came + record.arrivals, done + record.served, late + record.late
        assert (stands.ready.sum(axis=1) + stands.starting.sum(axis=1) + stands.pending == stands.floor).all()
        assert (stands.free_gpus <= stands.nodes * np.array([8, 4])).all()
        for counts in (stands.ready, stands.starting, stands.free_gpus, record.billed_gpus, record.late):
            assert (counts >= -1e-9).all()
        assert stands.nodes[0] <= 2
        assert (record.served <= record.ready_replicas * seconds + 1e-6).all()
        assert (done + record.queue <= came + 1e-6).all()
        assert (late <= came + 1e-6).all()
