"""The journal of a simulated cluster: where the time of a start went, what the cloud did, and that it stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.signal import SignalKind
from autoscaler.simulator.journal import CloudEvent, Happening, Journal, ReplicaStart, node_part
from autoscaler.simulator.settings import SpotMarket, StockOut, ZoneLoss
from autoscaler.simulator.simple import SimpleWorld
from autoscaler.simulator.stages import StageLaw

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build


def start(number: int) -> ReplicaStart:
    return ReplicaStart(0, 0, 0, float(number), True, 0.0, (), 0.0, (30.0,))


@pytest.mark.parametrize(
    ("created_s", "bound_s", "node_s", "waited_s"),
    [
        pytest.param(0.0, 100.0, (60.0, 30.0), 10.0, id="waits for all of it"),
        pytest.param(50.0, 100.0, (20.0, 30.0), 0.0, id="comes while it boots"),
        pytest.param(80.0, 100.0, (0.0, 20.0), 0.0, id="comes in its last stage"),
        pytest.param(120.0, 125.0, (0.0, 0.0), 5.0, id="it is up"),
    ],
)
def test_the_wait_for_a_node_by_its_stages(
    created_s: float, bound_s: float, node_s: tuple[float, ...], waited_s: float
) -> None:
    assert node_part(created_s, bound_s, (10.0, 70.0, 100.0)) == (node_s, waited_s)


def test_a_start_on_a_new_node_and_one_beside_it(build: Build) -> None:
    image = StageLaw(20.0, 20.0)
    driven = build.world(build.workload(image=image), start=(0,)).scale(1)
    began_s = driven.now_s
    ready_s = driven.when(lambda: driven.ready() == 1, within_s=600.0)
    driven.scale(2)
    driven.when(lambda: driven.ready() == 2, within_s=600.0)
    cold, warm = driven.world.journal.starts
    assert (cold.was_up, warm.was_up) == (False, True)
    assert (cold.node_s, cold.image_s, cold.replica_s) == ((60.0,), 20.0, (30.0,))
    assert cold.created_s == began_s
    whole_s = cold.waited_s + sum(cold.node_s) + cold.image_s + sum(cold.replica_s)
    assert whole_s == pytest.approx(ready_s - began_s, abs=1.0)
    assert cold.waited_s > 30.0  # the node autoscaler's own
    assert (sum(warm.node_s), warm.image_s, warm.replica_s) == (0.0, 0.0, (30.0,))
    assert warm.waited_s == pytest.approx(0.1)


def test_a_start_that_never_serves_is_none(build: Build) -> None:
    driven = build.world(build.workload()).scale(1).wait(30.0).scale(0).wait(600.0)
    assert driven.world.journal.starts == []


def test_placeholders_made_and_used(build: Build) -> None:
    driven = build.world(build.workload(), pools=(build.pool(gpus_per_node=2),)).hold(2).wait(400.0)
    assert driven.bound() == 2
    stock = driven.world.stock()
    assert (stock.made.tolist(), stock.used.tolist(), stock.held_gpus.tolist()) == ([2], [0], [2])
    driven.scale(1).wait(60.0).let_go(2).wait(10.0)
    stock = driven.world.stock()
    assert (stock.made.tolist(), stock.used.tolist(), stock.held_gpus.tolist()) == ([2], [1], [0])


def test_nodes_by_zone_add_up(build: Build) -> None:
    driven = build.world(build.workload(), pools=(build.pool(gpus_per_node=1, zones=3),)).scale(4).wait(400.0)
    stock = driven.world.stock()
    assert stock.by_zone.shape == (3,)
    assert stock.by_zone.sum() == stock.nodes[0, 0] == 4
    assert stock.by_zone.min() >= 1


def test_a_zone_that_is_called_back_and_one_without_stock(build: Build) -> None:
    market = SpotMarket(mean_up_s=1e9, zone_events_a_day=0.0, drought_s=600.0)
    pool = build.pool(gpus_per_node=1, zones=2, spot=market)
    faults = (ZoneLoss(0, 0, 500.0), StockOut(0, 1, 450.0, 2000.0))
    driven = build.world(build.workload(), pools=(pool,), faults=faults).scale(4).wait(490.0)
    lost = int(driven.world.stock().by_zone[0])
    driven.wait(300.0)
    events = driven.world.journal.events
    assert CloudEvent(500.0, Happening.ZONE, 0, 0, lost) in events
    assert CloudEvent(500.0, Happening.NOTICE, 0, 0, lost) in events
    assert any(event.what is Happening.REFUSED and event.zone == 1 for event in events)
    assert [event.at_s for event in events] == sorted(event.at_s for event in events)


def test_starts_are_thinned_evenly() -> None:
    journal = Journal(1, most_starts=10)
    for number in range(95):
        journal.add_start(start(number))
    assert journal.starts_seen == 95
    assert journal.one_in == 16
    assert [kept.created_s for kept in journal.starts] == [0.0, 16.0, 32.0, 48.0, 64.0, 80.0]


def test_events_are_gathered_and_bounded() -> None:
    journal = Journal(1, most_events=2)
    for at_s, what, zone in (
        (1.0, Happening.NOTICE, 0), (1.0, Happening.NOTICE, 1), (1.0, Happening.NOTICE, 0), (2.0, Happening.ZONE, 0)
    ):  # fmt: skip
        journal.add_event(at_s, what, 0, zone)
    assert [(e.at_s, e.zone, e.nodes) for e in journal.events] == [(1.0, 0, 2), (1.0, 1, 1)]


def test_placeholders_of_the_simple_world() -> None:
    lead_s = np.array([60.0])
    world = SimpleWorld(
        np.full((1, 9), 10.0), np.array([10.0]), 60.0, lead_s, lead_s, frozenset({SignalKind.ARRIVALS})
    )  # fmt: skip
    world.create_placeholder(0, 0, 0)
    world.create_placeholder(0, 0, 1)
    world.advance(60.0)
    world.set_floor(0, 2)
    world.advance(120.0)
    stock = world.stock()
    assert (stock.made.tolist(), stock.used.tolist(), stock.held_gpus.tolist()) == ([2], [1], [1])
    assert stock.by_zone.tolist() == stock.nodes[0].tolist()
