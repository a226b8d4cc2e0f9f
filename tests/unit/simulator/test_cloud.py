"""The cloud: grants and refusals, and how spot nodes are called back: one by one, and zone by zone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.simulator.cloud import REFUSAL_S, Cloud
from autoscaler.simulator.cluster import Cluster
from autoscaler.simulator.engine import Engine
from autoscaler.simulator.full import FullWorld
from autoscaler.simulator.objects import Node
from autoscaler.simulator.settings import ClusterSetting, SpotMarket, StockOut, ZoneLoss
from autoscaler.simulator.stages import StageLaw

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build, Driven

DAY_S = 86_400.0
SAFE = SpotMarket(mean_up_s=1e12, zone_events_a_day=0.0)
EVENTS = SpotMarket(mean_up_s=1e12, zone_events_a_day=4.0, zone_share=0.6, drought_s=1800.0, notice_s=60.0)


class Sky:
    """A cloud over an empty cluster."""

    def __init__(self, setting: ClusterSetting) -> None:
        self.engine = Engine()
        self.cluster = Cluster(self.engine, 1, len(setting.pools))
        self.cloud = Cloud(self.cluster, setting)

    def stand(self, nodes: int, zone: int = 0) -> list[Node]:
        return [self.cloud.standing(0, zone) for _ in range(nodes)]

    def add(self, zone: int) -> None:
        self.cloud.standing(0, zone)

    def notices(self, do: Callable[[Node], None] = lambda _: None) -> list[float]:
        """Times of the notices from now on; `do` follows each."""
        times: list[float] = []

        def noticed(node: Node) -> None:
            times.append(self.engine.now_s)
            do(node)

        self.cloud.on_notice = noticed
        return times


def sky(build: Build, market: SpotMarket | None, zones: int = 2, **changes: Any) -> Sky:
    return Sky(build.setting(pools=(build.pool(zones=zones, spot=market),), **changes))


# grants


def test_a_node_is_usable_when_it_has_booted(build: Build) -> None:
    over = sky(build, None)
    node = over.cloud.order(0, 0)
    over.engine.run_until(59.9)
    assert (node.granted, node.usable) == (True, False)
    over.engine.run_until(60.0)
    assert node.usable


def test_a_zone_without_stock_refuses_after_a_while(build: Build) -> None:
    over, refused = sky(build, None, faults=(StockOut(0, 0, 0.0, 100.0),)), list[Node]()
    over.cloud.on_refused = refused.append
    node = over.cloud.order(0, 0)
    over.engine.run_until(REFUSAL_S - 0.1)
    assert (node.granted, refused) == (False, [])
    over.engine.run_until(REFUSAL_S)
    assert refused == [node]
    assert over.cluster.nodes == []


@pytest.mark.parametrize(
    ("pool", "zone", "at_s", "granted"),
    [
        pytest.param(0, 0, 100.0, False, id="begin"),
        pytest.param(0, 0, 199.0, False, id="end"),
        pytest.param(0, 0, 99.0, True, id="before"),
        pytest.param(0, 0, 200.0, True, id="after"),
        pytest.param(0, 1, 150.0, True, id="other zone"),
        pytest.param(1, 0, 150.0, True, id="other pool"),
        pytest.param(2, 1, 150.0, False, id="all zones"),
    ],
)
def test_a_stock_out_holds_for_its_pool_zone_and_time(
    build: Build, pool: int, zone: int, at_s: float, granted: bool
) -> None:
    faults = StockOut(0, 0, 100.0, 200.0), StockOut(2, None, 100.0, 200.0)
    over = Sky(build.setting(pools=tuple(build.pool(zones=2) for _ in range(3)), faults=faults))
    over.engine.run_until(at_s)
    assert over.cloud.order(pool, zone).granted is granted


# single nodes


def test_spot_nodes_live_as_long_as_stated_on_average_and_the_young_are_lost_sooner(build: Build) -> None:
    over = sky(build, SpotMarket(mean_up_s=3600.0, shape=0.6, zone_events_a_day=0.0))
    times = over.notices()
    over.stand(4000)
    over.engine.run_until(200 * 3600.0)
    assert len(times) == 4000
    assert np.mean(times) == pytest.approx(3600.0, rel=0.08)
    by_chance_alone = 1.0 - math.exp(-0.1)
    assert np.mean(np.array(times) < 360.0) > 2.0 * by_chance_alone


def test_on_demand_nodes_are_not_called_back(build: Build) -> None:
    over = sky(build, None)
    times = over.notices()
    over.stand(50)
    over.engine.run_until(365 * DAY_S)
    assert times == []


def test_a_node_goes_when_its_notice_is_over(build: Build) -> None:
    over = sky(build, SpotMarket(mean_up_s=3600.0, zone_events_a_day=0.0, notice_s=60.0))
    times = over.notices()
    over.stand(1)
    while not times:
        over.engine.run_until(over.engine.now_s + 10.0)
    over.engine.run_until(times[0] + 59.9)
    assert len(over.cluster.nodes) == 1
    over.engine.run_until(times[0] + 60.0)
    assert over.cluster.nodes == []


# zones


def test_a_zone_event_takes_about_its_share_of_its_own_zone_and_the_zone_then_grants_none(build: Build) -> None:
    over = sky(build, EVENTS)
    times = over.notices()
    zones = over.stand(500, zone=0), over.stand(500, zone=1)
    while not times:
        over.engine.run_until(over.engine.now_s + 1.0)
    shares = [float(np.mean([node.called_back for node in nodes])) for nodes in zones]
    hit, spared = int(np.argmax(shares)), int(np.argmin(shares))
    assert shares[hit] == pytest.approx(0.6, abs=0.07)
    assert shares[spared] == 0.0
    assert set(times) == {times[0]}
    assert not over.cloud.order(0, hit).granted
    assert over.cloud.order(0, spared).granted
    over.engine.run_until(times[0] + 1799.0)
    assert not over.cloud.order(0, hit).granted
    over.engine.run_until(times[0] + 1800.0)
    assert over.cloud.order(0, hit).granted


def event_times(build: Build, nodes: int, most: int = 0, seed: int = 1) -> list[float]:
    """Times of the zone events of ten days, as so many nodes a zone see them, beside which up to `most` are bought."""
    market = SpotMarket(mean_up_s=1e12, zone_events_a_day=4.0, zone_share=1.0, drought_s=0.0, notice_s=10.0)
    over = sky(build, market, seed=seed)

    def replace(node: Node) -> None:
        over.engine.at(over.engine.now_s + 1.0, lambda: over.add(node.zone))
        if len(over.cluster.nodes) < most:
            over.cloud.order(0, 1 - node.zone)

    times = over.notices(replace)
    for zone in (0, 1):
        over.stand(nodes, zone)
    over.engine.run_until(10 * DAY_S)
    return sorted(set(times))


def test_zone_events_fall_at_the_same_times_whatever_the_strategy_does(build: Build) -> None:
    few, many = event_times(build, nodes=1), event_times(build, nodes=3, most=20)
    assert len(few) > 40
    assert few == many


def test_zone_events_come_as_often_as_stated(build: Build) -> None:
    events = sum(len(event_times(build, nodes=1, seed=seed)) for seed in range(10))
    assert events == pytest.approx(10 * 10 * 2 * 4.0, rel=0.1)


def test_another_seed_has_other_weather(build: Build) -> None:
    assert event_times(build, nodes=1, seed=1) != event_times(build, nodes=1, seed=2)


def test_a_stated_zone_loss_takes_every_node_of_the_zone_once(build: Build) -> None:
    over = sky(build, SAFE, faults=(ZoneLoss(0, 1, 100.0), ZoneLoss(0, 1, 110.0)))
    times = over.notices()
    over.stand(5, zone=0)
    over.stand(7, zone=1)
    over.engine.run_until(DAY_S)
    assert times == [100.0] * 7
    assert len(over.cluster.nodes) == 5
    assert over.cloud.notices == 7


# what follows in the cluster


def lose_zone(build: Build, at_s: float = 100.0, **changes: Any) -> Driven:
    """Two replicas, and whatever else a test adds, on one spot node that is called back."""
    spot = build.pool(zones=2, spot=SAFE)
    return build.world(pools=(spot,), start=(2,), faults=(ZoneLoss(0, 0, at_s),), **changes)


def test_a_notice_drains_the_replicas_and_drops_the_placeholders_at_once(build: Build) -> None:
    driven = lose_zone(build).hold(3).until(99.0)
    assert (driven.ready(), driven.bound()) == (2, 3)
    driven.until(100.0)
    assert (driven.ready(), driven.bound(), driven.pending()) == (0, 0, 2)
    assert driven.world.inventory(100.0).placeholders == ()
    assert driven.world.notices == 1


def test_the_node_is_there_and_billed_until_the_notice_is_over(build: Build) -> None:
    driven = lose_zone(build).until(129.0)
    assert driven.world.inventory(129.0).nodes[0] == 0
    assert driven.up() == 1
    assert driven.world.advance(130.0).billed_gpus.sum() == 8.0
    driven.until(219.0)
    assert driven.up() == 2
    driven.until(221.0)
    assert driven.up() == 1


def test_a_replacement_is_asked_for_and_serves(build: Build) -> None:
    driven = lose_zone(build).until(100.0)
    assert driven.when(lambda: driven.nodes() == 2, 60.0) <= 140.0
    assert driven.when(lambda: driven.ready() == 2, 200.0) <= 140.0 + 60.0 + 31.0


def test_a_node_that_is_called_back_while_it_boots_is_replaced(build: Build) -> None:
    spot = build.pool(zones=2, spot=SAFE, boot_s=100.0)
    driven = build.world(pools=(spot,), faults=(ZoneLoss(0, 0, 50.0),)).hold(1).until(49.0)
    assert driven.nodes() == 1
    assert driven.when(lambda: driven.bound() == 1, 300.0) <= 50.0 + 10.0 + 100.0 + 1.0


def test_a_node_that_is_being_drained_can_be_called_back(build: Build) -> None:
    slow = StageLaw(2000.0, 2000.0)
    chat = build.workload(pools=(0, 1), stages=(slow,)), build.workload(pools=(1,), gpus=5)
    pools = build.pool(spot=SAFE), build.pool()
    driven = build.world(*chat, pools=pools, start=(2, 1), faults=(ZoneLoss(0, 0, 650.0),)).until(649.0)
    assert driven.ready() == 1
    driven.until(771.0)
    assert driven.nodes(0) == 0


# seeds


def played(world: FullWorld, seed: int) -> list[tuple[float, ...]]:
    """What a day of a restless strategy looked like."""
    rng, seen = np.random.default_rng(seed), []
    for tick in range(1, 500):
        world.set_floor(0, int(rng.integers(0, 12)))
        world.create_placeholder(0, 0, int(rng.integers(0, 8)))
        world.delete_placeholder(0, 0, int(rng.integers(0, 8)))
        record = world.advance(tick * 60.0)
        readings = world.read(tick * 60.0)
        seen.append((
            *record.ready_replicas, *record.late, *record.billed_gpus.ravel(), *world.node_counts().ravel(),
            *np.nan_to_num(readings.values).ravel(),
        ))  # fmt: skip
    return seen


def restless(build: Build, seed: int) -> FullWorld:
    market = SpotMarket(mean_up_s=7200.0, zone_events_a_day=10.0)
    chat = build.workload(per_s=5.0, hours=9, pools=(0, 1), image=StageLaw(20.0, 60.0), stages=(StageLaw(60.0, 120.0),))
    pools = build.pool(zones=2, spot=market), build.pool()
    return FullWorld(build.setting(chat, pools=pools, start=(5,), seed=seed))


def test_two_runs_of_one_seed_are_identical(build: Build) -> None:
    assert played(restless(build, 3), 1) == played(restless(build, 3), 1)


def test_two_seeds_are_not(build: Build) -> None:
    assert played(restless(build, 3), 1) != played(restless(build, 4), 1)
