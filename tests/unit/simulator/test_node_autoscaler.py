"""The node autoscalers: when they buy and for whom, what they let go, and what they do where there is no stock.

Seconds are those measured of the real ones on a real control plane, or stated in their source.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.simulator.settings import CLUSTER_AUTOSCALER, KARPENTER, AutoscalerProfile, StockOut, WorkloadSetting
from autoscaler.simulator.stages import StageLaw

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build, Driven

SCAN_S = 10.0
NO_STOCK = StockOut(0, None, 0.0, 1e9)
HOUR_S = 3600.0


def asks(driven: Driven, until_s: float, pool: int = 0) -> list[float]:
    """When the number of nodes of the pool rose, to the second."""
    times, before = [], driven.nodes(pool)
    while driven.now_s < until_s:
        driven.wait(1.0)
        if driven.nodes(pool) > before:
            times.append(driven.now_s)
        before = driven.nodes(pool)
    return times


# buying: Cluster Autoscaler


@pytest.mark.parametrize("created_s", [1.0, 5.0, 10.0])
def test_the_first_gpu_pod_waits_thirty_seconds_for_its_node(build: Build, created_s: float) -> None:
    driven = build.world().until(created_s).hold(1)
    asked_s = driven.when(lambda: driven.nodes() == 1, 60.0)
    assert 30.0 <= asked_s - created_s <= 30.0 + SCAN_S


def test_a_pod_gets_its_node_at_once_where_another_has_been_waiting_in_vain(build: Build) -> None:
    driven = build.world(pools=(build.pool(), build.pool(max_nodes=0)))
    driven.hold(1, pool=1).wait(100.0).hold(1, pool=0)
    assert driven.when(lambda: driven.nodes() == 1, SCAN_S) == 102.0


def test_pods_that_fit_on_nodes_on_order_buy_nothing_more(build: Build) -> None:
    driven = build.world().hold(3).until(45.0).hold(5, first=3)
    driven.until(300.0)
    assert driven.nodes() == 1
    assert driven.bound() == 8


def test_as_many_nodes_are_bought_as_the_pods_fill(build: Build) -> None:
    driven = build.world().hold(17).until(40.0)
    assert driven.nodes() == 3


def test_a_pod_is_bound_when_its_node_has_booted(build: Build) -> None:
    driven = build.world(pools=(build.pool(boot_s=200.0),)).hold(1)
    asked_s = driven.when(lambda: driven.nodes() == 1, 60.0)
    assert driven.when(lambda: driven.bound() == 1, 300.0) - asked_s == pytest.approx(200.0, abs=1.0)


def test_one_pool_is_expanded_a_scan(build: Build) -> None:
    driven = build.world(pools=(build.pool(), build.pool())).hold(1, pool=0).hold(1, pool=1)
    first_s = driven.when(lambda: driven.nodes(0) + driven.nodes(1) == 1, 60.0)
    assert driven.when(lambda: driven.nodes(0) + driven.nodes(1) == 2, 60.0) - first_s == SCAN_S


def test_a_pool_has_a_maximum(build: Build) -> None:
    driven = build.world(pools=(build.pool(max_nodes=2),)).hold(24).until(HOUR_S)
    assert driven.nodes() == 2
    assert driven.bound() == 16


def test_what_does_not_fit_under_the_maximum_goes_to_the_next_pool(build: Build) -> None:
    driven = build.world(build.workload(pools=(0, 1)), pools=(build.pool(max_nodes=1), build.pool())).scale(12)
    driven.until(300.0)
    assert (driven.nodes(0), driven.nodes(1)) == (1, 1)
    assert driven.ready() == 12


def test_no_node_is_bought_for_a_pod_that_is_larger_than_it(build: Build) -> None:
    driven = build.world(build.workload(gpus=16)).hold(1).until(HOUR_S)
    assert driven.nodes() == 0


def test_a_large_pod_goes_to_the_pool_with_large_nodes(build: Build) -> None:
    pools = build.pool(gpus_per_node=8), build.pool(gpus_per_node=16)
    driven = build.world(build.workload(gpus=16, pools=(0, 1)), pools=pools).scale(1).until(200.0)
    assert (driven.nodes(0), driven.nodes(1)) == (0, 1)
    assert driven.ready() == 1


@pytest.mark.parametrize("expander", [(0, 1), (1, 0)])
def test_pods_without_a_pin_go_where_the_expander_says(build: Build, expander: tuple[int, int]) -> None:
    driven = build.world(build.workload(pools=(0, 1)), pools=(build.pool(), build.pool()), expander=expander)
    driven.scale(1).until(200.0)
    assert (driven.nodes(expander[0]), driven.nodes(expander[1])) == (1, 0)


@pytest.mark.parametrize("profile", [CLUSTER_AUTOSCALER, KARPENTER], ids=lambda p: p.name)
def test_older_pods_of_another_pool_do_not_draw_them_from_there(build: Build, profile: AutoscalerProfile) -> None:
    chat, batch = build.workload(pools=(1,)), build.workload(pools=(0, 1))
    driven = build.world(chat, batch, pools=(build.pool(), build.pool()), autoscaler=profile)
    driven.scale(1, workload=0).scale(1, workload=1).until(200.0)
    assert (driven.nodes(0), driven.nodes(1)) == (1, 1)


# buying: Karpenter


def test_karpenter_asks_a_second_after_the_pod(build: Build) -> None:
    driven = build.world(autoscaler=KARPENTER).until(5.0).hold(1)
    assert driven.when(lambda: driven.nodes() == 1, 10.0, step_s=0.1) == pytest.approx(6.0, abs=0.15)


def test_karpenter_buys_in_several_pools_at_once(build: Build) -> None:
    driven = build.world(autoscaler=KARPENTER, pools=(build.pool(), build.pool())).hold(1, pool=0).hold(1, pool=1)
    driven.until(2.0)
    assert (driven.nodes(0), driven.nodes(1)) == (1, 1)


# letting go: Cluster Autoscaler


def test_an_empty_node_goes_ten_minutes_after_its_last_pod(build: Build) -> None:
    driven = build.world().hold(8).until(1000.0).let_go(8)
    gone_s = driven.when(lambda: driven.nodes() == 0, 700.0)
    assert 600.0 <= gone_s - 1000.0 <= 600.0 + 2 * SCAN_S


def test_a_node_that_is_needed_again_begins_its_ten_minutes_anew(build: Build) -> None:
    driven = build.world().hold(8).until(1000.0).let_go(8).until(1400.0).hold(8).until(1450.0).let_go(8)
    gone_s = driven.when(lambda: driven.nodes() == 0, 1000.0)
    assert 600.0 <= gone_s - 1450.0 <= 600.0 + 2 * SCAN_S


def test_no_node_goes_within_ten_minutes_of_a_purchase(build: Build) -> None:
    driven = build.world(pools=(build.pool(), build.pool())).hold(8).until(1000.0).let_go(8)
    driven.until(1300.0).hold(8, pool=1)
    bought_s = driven.when(lambda: driven.nodes(1) == 1, 60.0)
    gone_s = driven.when(lambda: driven.nodes(0) == 0, 1000.0)
    assert 600.0 <= gone_s - bought_s <= 600.0 + 2 * SCAN_S


def test_the_last_nodes_of_a_pool_stay_where_it_has_a_minimum(build: Build) -> None:
    driven = build.world(pools=(build.pool(min_nodes=1),)).hold(24).until(1000.0).let_go(24).until(3 * HOUR_S)
    assert driven.nodes() == 1


def fill(build: Build, *replicas: int, gpus: int = 1, **changes: Any) -> Driven:
    """A node a workload, each with so many replicas, that may run on the others' nodes too."""
    workloads = [build.workload(gpus=gpus, pools=(w, *[p for p in range(len(replicas)) if p != w]))
                 for w in range(len(replicas))]  # fmt: skip
    return build.world(*workloads, pools=tuple(build.pool() for _ in replicas), start=replicas, **changes)


def test_replicas_of_a_little_used_node_are_moved_one_at_a_time(build: Build) -> None:
    driven, least = fill(build, 3, 5), 3
    while driven.nodes(0) == 1:
        driven.wait(1.0)
        least = min(least, driven.ready(0))
        assert driven.now_s < HOUR_S
    assert least == 2
    assert 600.0 + 2 * 30.0 <= driven.now_s <= 600.0 + 3 * 60.0
    driven.wait(60.0)
    assert (driven.nodes(1), driven.ready(0), driven.ready(1)) == (1, 3, 5)


def test_a_node_of_which_half_is_used_stays(build: Build) -> None:
    driven = fill(build, 4, 4).until(3 * HOUR_S)
    assert (driven.nodes(0), driven.nodes(1)) == (1, 1)


def test_a_little_used_node_stays_where_its_pods_fit_nowhere_else(build: Build) -> None:
    driven = fill(build, 3, 6).until(3 * HOUR_S)
    assert (driven.nodes(0), driven.nodes(1)) == (1, 1)


def test_pods_are_moved_only_to_pools_in_which_they_may_run(build: Build) -> None:
    chat, batch = build.workload(pools=(0,)), build.workload(pools=(1,))
    driven = build.world(chat, batch, pools=(build.pool(), build.pool()), start=(1, 5))
    while driven.now_s < HOUR_S:
        assert driven.wait(10.0).ready(0) == 1
    assert (driven.nodes(0), driven.nodes(1)) == (1, 1)


def test_nothing_is_moved_to_a_node_that_is_about_to_go_itself(build: Build) -> None:
    forgets = replace(CLUSTER_AUTOSCALER, recheck_s=0.0)
    driven = build.world(build.workload(), build.workload(gpus=8), start=(1, 1), autoscaler=forgets)
    driven.scale(0, workload=1)
    while driven.now_s < 2 * HOUR_S:
        driven.wait(10.0)
        assert driven.ready(0) == 1
    assert driven.nodes() == 1


def test_of_two_little_used_nodes_one_is_moved_to_the_other(build: Build) -> None:
    driven = fill(build, 2, 2).until(2 * HOUR_S)
    assert driven.nodes(0) + driven.nodes(1) == 1
    assert (driven.ready(0), driven.ready(1)) == (2, 2)


def test_placeholders_of_a_little_used_node_are_evicted_and_do_not_come_back(build: Build) -> None:
    driven = build.world().hold(16).until(100.0).let_go(7, first=1).let_go(7, first=9)
    driven.when(lambda: driven.nodes() == 1, HOUR_S)
    assert driven.bound() == 1


def test_a_node_once_found_unremovable_is_left_alone_for_five_minutes(build: Build) -> None:
    driven = build.world().hold(1).until(1010.0).let_go(1)
    gone_s = driven.when(lambda: driven.nodes() == 0, 2000.0)
    assert 600.0 + 3 * SCAN_S < gone_s - 1010.0 <= 900.0 + 3 * SCAN_S


def stuck(build: Build) -> Driven:
    """Two replicas that start slowly are to move from pool 0 to pool 1: the first goes, the second has to wait."""
    slow = StageLaw(1000.0, 1000.0)
    chat, batch = build.workload(pools=(0, 1), stages=(slow,)), build.workload(pools=(1,), gpus=5)
    driven = build.world(chat, batch, pools=(build.pool(max_nodes=1), build.pool(max_nodes=1)), start=(2, 1))
    driven.when(lambda: driven.ready(0) == 1, 700.0)
    return driven


def test_a_node_that_is_being_drained_takes_no_pods(build: Build) -> None:
    driven = stuck(build).hold(1).wait(60.0)
    assert driven.bound() == 0


def test_a_drain_that_cannot_go_on_is_given_up_and_its_node_takes_pods_again(build: Build) -> None:
    driven = stuck(build).hold(1).wait(150.0)
    assert driven.bound() == 1
    assert driven.ready(0) == 1


def test_a_drain_that_was_given_up_is_tried_again_and_ends(build: Build) -> None:
    driven = stuck(build).wait(HOUR_S)
    assert (driven.nodes(0), driven.ready(0)) == (0, 2)


# letting go: Karpenter


def test_karpenter_takes_twenty_seconds_to_let_an_empty_node_go(build: Build) -> None:
    driven = build.world(autoscaler=KARPENTER).hold(8).until(1000.0).let_go(8)
    gone_s = driven.when(lambda: driven.nodes() == 0, 700.0)
    assert 300.0 + 20.0 <= gone_s - 1000.0 <= 300.0 + 20.0 + 2 * SCAN_S


def test_karpenter_does_not_wait_after_a_purchase(build: Build) -> None:
    driven = build.world(autoscaler=KARPENTER, pools=(build.pool(), build.pool())).hold(8).until(1000.0).let_go(8)
    driven.until(1250.0).hold(8, pool=1)
    assert driven.when(lambda: driven.nodes(0) == 0, 700.0) <= 1000.0 + 320.0 + 2 * SCAN_S


def test_karpenter_moves_nothing(build: Build) -> None:
    driven = fill(build, 1, 1, autoscaler=KARPENTER)
    while driven.now_s < 2 * HOUR_S:
        driven.wait(60.0)
        assert (driven.ready(0), driven.ready(1)) == (1, 1)
    assert driven.nodes(0) + driven.nodes(1) == 2


# no stock


def test_a_pool_without_stock_refuses_after_thirty_seconds_and_is_not_obtainable(build: Build) -> None:
    driven = build.world(faults=(NO_STOCK,)).hold(1)
    asked_s = driven.when(lambda: driven.nodes() == 1, 60.0)
    assert driven.obtainable()
    assert driven.when(lambda: driven.nodes() == 0, 60.0) - asked_s == 30.0
    assert not driven.obtainable()


def test_the_back_off_doubles_from_five_minutes_to_thirty(build: Build) -> None:
    times = asks(build.world(build.workload(hours=4), faults=(NO_STOCK,)).hold(1), 8000.0)
    pauses = np.diff(times)
    assert len(pauses) >= 5
    for pause, backoff_s in zip(pauses, (300.0, 600.0, 1200.0, 1800.0, 1800.0), strict=False):
        assert backoff_s + 30.0 <= pause <= backoff_s + 30.0 + SCAN_S


def test_karpenter_tries_again_every_three_minutes(build: Build) -> None:
    pauses = np.diff(asks(build.world(faults=(NO_STOCK,), autoscaler=KARPENTER).hold(1), 2000.0))
    assert len(pauses) >= 5
    assert pauses.min() >= 210.0
    assert pauses.max() <= 210.0 + SCAN_S


def test_refusals_of_one_time_count_once(build: Build) -> None:
    times = asks(build.world(faults=(NO_STOCK,)).hold(24), 500.0)
    assert 330.0 <= times[1] - times[0] <= 330.0 + SCAN_S


def test_requests_do_not_pile_up_while_there_is_no_stock(build: Build) -> None:
    driven = build.world(faults=(NO_STOCK,)).hold(1)
    while driven.now_s < 5000.0:
        assert driven.wait(1.0).nodes() <= 1


def test_the_pool_is_obtainable_again_after_the_back_off(build: Build) -> None:
    driven = build.world(faults=(NO_STOCK,)).hold(1)
    driven.when(lambda: not driven.obtainable(), 100.0)
    refused_s = driven.now_s
    driven.let_go(1)
    assert 299.0 <= driven.when(lambda: driven.obtainable(), 400.0) - refused_s <= 300.0


def test_what_waited_is_bought_when_there_is_stock_again(build: Build) -> None:
    driven = build.world(faults=(StockOut(0, None, 0.0, 200.0),)).hold(1)
    assert driven.when(lambda: driven.bound() == 1, 600.0) <= 60.0 + 300.0 + 60.0 + 2 * SCAN_S


@pytest.mark.parametrize(
    ("quiet_s", "backoff_s"),
    [pytest.param(HOUR_S, 600.0, id="not long ago"), pytest.param(3 * HOUR_S, 300.0, id="long ago")],
)
def test_a_refusal_is_remembered_for_three_hours(build: Build, quiet_s: float, backoff_s: float) -> None:
    driven = build.world(faults=(NO_STOCK,)).hold(1).until(70.0).let_go(1).wait(quiet_s).hold(1)
    driven.when(lambda: not driven.obtainable(), 100.0)
    refused_s = driven.now_s
    assert driven.when(lambda: driven.obtainable(), 2000.0) - refused_s == pytest.approx(backoff_s, abs=1.0)


def test_a_node_that_was_granted_makes_up_for_earlier_refusals(build: Build) -> None:
    faults = StockOut(0, None, 0.0, 200.0), StockOut(0, None, 1000.0, 1e9)
    driven = build.world(faults=faults).hold(8).until(1000.0).hold(8, first=8)
    driven.when(lambda: not driven.obtainable(), 100.0)
    refused_s = driven.now_s
    assert driven.when(lambda: driven.obtainable(), 2000.0) - refused_s == pytest.approx(300.0, abs=1.0)


def no_pin(build: Build) -> WorkloadSetting:
    return build.workload(pools=(0, 1))


def test_another_pool_is_tried(build: Build) -> None:
    driven = build.world(no_pin(build), pools=(build.pool(), build.pool()), faults=(NO_STOCK,)).scale(1)
    assert driven.when(lambda: driven.nodes(1) == 1, 100.0) <= 60.0 + 2 * SCAN_S
    assert driven.when(lambda: driven.ready() == 1, 200.0) <= 60.0 + 2 * SCAN_S + 60.0 + 31.0


def test_another_zone_is_tried_and_the_pool_stays_obtainable(build: Build) -> None:
    driven = build.world(pools=(build.pool(zones=2),), faults=(StockOut(0, 0, 0.0, 1e9),)).hold(1)
    while driven.bound() == 0:
        assert driven.wait(1.0).obtainable()
        assert driven.now_s < 60.0 + 2 * SCAN_S + 60.0


def test_a_pin_is_kept_though_its_pool_has_no_stock(build: Build) -> None:
    driven = build.world(no_pin(build), pools=(build.pool(), build.pool()), faults=(NO_STOCK,)).hold(1).until(HOUR_S)
    assert driven.nodes(1) == 0
