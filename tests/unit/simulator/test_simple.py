"""The simple fidelity, rule by rule: when an ask serves, what a release takes away, and what is billed meanwhile."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.domain.signal import ARRIVALS, GPU_UTILIZATION, QUEUE, SignalKind
from autoscaler.simulator.simple import SimpleWorld
from autoscaler.simulator.world import TickRecord

TICK_S = 60.0


class Played:
    """One workload of which a replica serves 10 requests a tick; tick by tick, as the loop would."""

    def __init__(
        self, *requests: float, node_s: float = 180.0, replica_s: float = 120.0, delay_s: float = 0.0,
        signals: frozenset[SignalKind] = frozenset(SignalKind),
    ) -> None:  # fmt: skip
        demand = np.array([requests if len(requests) > 1 else requests * 60])
        one = np.ones(1)
        self.world = SimpleWorld(demand, 10.0 * one, TICK_S, node_s * one, replica_s * one, signals, delay_s)
        self.tick = 0

    def next(self, floor: int | None = None, create: tuple[int, ...] = (), delete: tuple[int, ...] = ()) -> TickRecord:
        """One tick with these asks, in the order in which the loop applies them."""
        for slot in create:
            self.world.create_placeholder(0, 0, slot)
        if floor is not None:
            self.world.set_floor(0, floor)
        for slot in delete:
            self.world.delete_placeholder(0, 0, slot)
        self.tick += 1
        return self.world.advance(self.tick * TICK_S)

    def ready_after(self, floor: int) -> int:
        """Ticks from asking for this floor until all of it serves."""
        wanted, waited = self.next(floor), 0
        while wanted.ready_replicas[0] < floor:
            wanted, waited = self.next(), waited + 1
        return waited

    def skip(self, ticks: int) -> TickRecord:
        for _ in range(ticks):
            last = self.next()
        return last


def counts(record: TickRecord) -> tuple[int, int, int, int, int]:
    """(ready, starting, placeholders bound, pending, billed)"""
    stock = record.ready_replicas, record.starting_replicas, record.placeholders_bound, record.placeholders_pending
    ready, starting, bound, pending = (int(column[0]) for column in stock)
    return ready, starting, bound, pending, int(record.billed_gpus.sum())


@pytest.mark.parametrize(("first", "ready"), [(0.0, 0), (1.0, 1), (30.0, 3), (30.5, 4)])
def test_the_replay_starts_with_what_the_first_tick_needs(first: float, ready: int) -> None:
    assert counts(Played(first, 500.0).next()) == (ready, 0, 0, 0, ready)


def test_a_trace_that_begins_with_a_gap_starts_with_its_first_demand() -> None:
    assert counts(Played(math.nan, 45.0).next()) == (5, 0, 0, 0, 5)


@pytest.mark.parametrize(
    ("node_s", "replica_s", "ticks"),
    [(180.0, 120.0, 5), (0.0, 0.0, 0), (90.0, 0.0, 2), (45.0, 30.0, 2), (0.0, 60.0, 1)],
)
def test_an_ask_is_billed_at_once_and_serves_after_its_lead(node_s: float, replica_s: float, ticks: int) -> None:
    played = Played(20.0, node_s=node_s, replica_s=replica_s)
    seen = [counts(played.next(5)), *(counts(played.next()) for _ in range(ticks))]
    assert seen == [(2, 3, 0, 0, 5)] * ticks + [(5, 0, 0, 0, 5)]


def test_a_release_takes_the_youngest_starting_then_ready_ones() -> None:
    played = Played(20.0)
    assert counts(played.next(4)) == (2, 2, 0, 0, 4)
    assert counts(played.next(7)) == (2, 5, 0, 0, 7)
    assert counts(played.next(5)) == (2, 3, 0, 0, 5)  # two of the three asked for last
    played.skip(2)
    assert counts(played.next()) == (4, 1, 0, 0, 5)  # the two of the first ask, five ticks after it
    assert counts(played.next(1)) == (1, 0, 0, 0, 1)  # the starting one, then three ready ones
    assert counts(played.skip(9)) == (1, 0, 0, 0, 1)  # what was released never serves


def test_a_placeholder_is_pending_for_the_node_lead_then_bound() -> None:
    played = Played(20.0)
    first = played.next(create=(0, 1))
    assert counts(first) == (2, 0, 0, 2, 4)
    assert counts(played.skip(2)) == (2, 0, 0, 2, 4)
    bound = played.next()
    assert counts(bound) == (2, 0, 2, 0, 4)
    assert bound.warm_gpus.tolist() == [2]
    assert counts(played.next(delete=(0,))) == (2, 0, 1, 0, 3)
    assert counts(played.next(create=(1,), delete=(5,))) == (2, 0, 1, 0, 3)  # both are done already


def test_a_replica_takes_a_bound_placeholder_and_needs_its_own_lead_alone() -> None:
    played = Played(20.0)
    played.next(create=(0,))
    played.skip(3)
    assert counts(played.next(3)) == (2, 1, 0, 0, 3)
    assert counts(played.next()) == (2, 1, 0, 0, 3)
    assert counts(played.next()) == (3, 0, 0, 0, 3)


def test_a_replica_takes_the_oldest_pending_placeholder_where_none_is_bound() -> None:
    played = Played(20.0)
    played.next(create=(7,))
    played.next(create=(0,))
    assert counts(played.next(3)) == (2, 1, 0, 1, 4)  # one tick of the node's three is left, and the replica's two
    assert counts(played.skip(2)) == (2, 1, 1, 0, 4)
    assert counts(played.next()) == (3, 0, 1, 0, 4)


def test_a_bound_placeholder_is_taken_before_an_older_pending_one() -> None:
    played = Played(40.0)
    played.next(create=(0,))
    assert counts(played.next(3, create=(1,))) == (3, 0, 1, 1, 5)
    assert counts(played.next(4)) == (3, 1, 0, 1, 5)


def test_a_released_node_goes_to_a_placeholder_of_the_same_tick() -> None:
    played = Played(40.0)
    assert counts(played.next(3, create=(0, 1))) == (3, 0, 1, 1, 5)  # asked for before the release
    played.world.set_floor(0, 2)
    assert counts(played.next(create=(2,))) == (2, 0, 2, 1, 5)  # after it
    played.next(1)
    assert counts(played.next(create=(3,))) == (1, 0, 3, 1, 5)  # a tick later the node is gone; slot 1 is up by now


def test_nothing_comes_while_the_trace_has_a_gap_and_time_runs_on() -> None:
    played = Played(20.0, math.nan, math.nan, 20.0, 20.0, 20.0, 20.0)
    played.next(4)
    for _ in range(2):
        gap = played.next()
        assert counts(gap) == (2, 2, 0, 0, 4)
        assert np.isnan([gap.arrivals[0], gap.offered_replicas[0]]).all()
        assert [gap.late[0], gap.served[0], gap.queue[0]] == [0.0, 0.0, 0.0]
        readings = played.world.read(played.tick * TICK_S)
        assert np.isnan(readings.values).all()
        assert np.isinf(readings.age_s).all()
    assert counts(played.skip(3)) == (4, 0, 0, 0, 4)  # five ticks after the ask, the gap's two among them


def test_the_queue_is_what_came_late_in_this_tick_alone() -> None:
    played = Played(20.0, 50.0, 50.0, 10.0)
    late = []
    for _ in range(4):
        record = played.next()
        late.append(float(record.late[0]))
        queue, arrivals = played.world.read(0.0).values[0, [QUEUE, ARRIVALS]]
        assert queue == record.queue[0] == record.late[0]
        assert arrivals == record.arrivals[0] / TICK_S
        assert record.served[0] + record.late[0] == record.arrivals[0]
    assert late == [0.0, 30.0, 30.0, 0.0]


def test_utilization_is_capped_and_missing_without_replicas() -> None:
    played = Played(20.0, 50.0, 10.0, 10.0)
    seen = []
    for floor in (2, 2, 2, 0):
        played.next(floor)
        seen.append(float(played.world.read(0.0).values[0, GPU_UTILIZATION]))
    assert seen[:3] == [1.0, 1.0, 0.5]
    assert math.isnan(seen[3])


def test_signals_that_are_not_given_stay_missing() -> None:
    played = Played(20.0, signals=frozenset({SignalKind.QUEUE}))
    played.next()
    values = played.world.read(0.0).values[0]
    assert np.flatnonzero(np.isfinite(values)).tolist() == [QUEUE]


@pytest.mark.parametrize(("delay_s", "ticks"), [(0.0, 0), (60.0, 1), (61.0, 2), (300.0, 5)])
def test_a_released_gpu_is_billed_for_the_scale_down_delay(delay_s: float, ticks: int) -> None:
    played = Played(40.0, delay_s=delay_s)
    played.next()
    seen = [int(played.next(1).billed_gpus.sum()), *(int(played.next().billed_gpus.sum()) for _ in range(7))]
    assert seen == [4] * ticks + [1] * (8 - ticks)


@pytest.mark.parametrize(("waited", "lead"), [(1, 2), (2, 2), (3, 5), (4, 5)])
def test_an_ask_within_the_delay_needs_the_replica_lead_alone(waited: int, lead: int) -> None:
    played = Played(40.0, delay_s=180.0)
    played.next(1)
    for _ in range(waited - 1):
        played.next()
    assert played.ready_after(3) == lead


def test_without_a_delay_an_ask_in_the_tick_of_a_release_starts_from_nothing() -> None:
    played = Played(40.0)
    played.world.set_floor(0, 1)
    assert played.ready_after(3) == 5


def test_a_taken_gpu_is_billed_once_and_its_delay_is_over() -> None:
    played = Played(40.0, delay_s=180.0)
    assert counts(played.next(2)) == (2, 0, 0, 0, 4)
    assert counts(played.next(3)) == (2, 1, 0, 0, 4)
    assert counts(played.next()) == (2, 1, 0, 0, 4)
    assert counts(played.next()) == (3, 0, 0, 0, 3)


def test_the_youngest_idle_gpu_is_taken_first() -> None:
    played = Played(40.0, delay_s=180.0)
    played.next(3)
    assert counts(played.next(2)) == (2, 0, 0, 0, 4)
    assert counts(played.next(3)) == (2, 1, 0, 0, 4)
    assert counts(played.next()) == (2, 1, 0, 0, 3)  # the one idle since the first tick has gone; the other is in use


def test_a_placeholder_takes_an_idle_gpu_and_is_bound_at_once() -> None:
    played = Played(40.0, delay_s=180.0)
    played.next(3)
    assert counts(played.next(create=(0, 1))) == (3, 0, 1, 1, 5)


def test_a_replica_takes_an_idle_gpu_before_it_displaces_a_placeholder() -> None:
    played = Played(40.0, delay_s=180.0)
    played.next(create=(0,))
    played.skip(3)
    played.next(3)
    assert counts(played.next(4)) == (3, 1, 1, 0, 5)
    assert counts(played.next(5)) == (3, 2, 0, 0, 5)


def test_a_deleted_placeholder_leaves_its_gpu_idle() -> None:
    played = Played(20.0, delay_s=120.0)
    played.next(create=(0,))
    played.skip(2)
    assert counts(played.next(delete=(0,))) == (2, 0, 0, 0, 3)
    assert counts(played.next()) == (2, 0, 0, 0, 3)
    assert counts(played.next()) == (2, 0, 0, 0, 2)


def test_an_idle_gpu_that_is_up_is_taken_before_a_younger_one_on_its_way() -> None:
    played = Played(40.0, delay_s=600.0)
    played.next(3)
    played.next(create=(0, 1))
    played.next(delete=(0, 1))
    assert played.ready_after(4) == 2


def test_an_idle_gpu_on_its_way_is_taken_after_a_bound_placeholder() -> None:
    played = Played(20.0, replica_s=60.0, delay_s=600.0)
    played.next(create=(0,))
    played.skip(3)
    played.next(create=(1,))
    assert counts(played.next(delete=(1,))) == (2, 0, 1, 0, 4)
    assert counts(played.next(3)) == (2, 1, 0, 0, 4)
    assert counts(played.next()) == (3, 0, 0, 0, 4)


def test_an_idle_gpu_on_its_way_is_taken_before_a_pending_placeholder() -> None:
    played = Played(20.0, replica_s=60.0, delay_s=600.0)
    played.next(create=(0, 1))
    assert counts(played.next(delete=(1,))) == (2, 0, 0, 1, 4)
    assert counts(played.next(3)) == (2, 1, 0, 1, 4)
    assert counts(played.next()) == (2, 1, 1, 0, 4)  # both nodes are up
    assert counts(played.next()) == (3, 0, 1, 0, 4)


def test_inventory_and_nodes_tell_idle_gpus() -> None:
    played = Played(40.0, delay_s=600.0)
    played.next(2)
    played.next(5)
    played.next(4)
    inventory = played.world.inventory(played.tick * TICK_S)
    assert inventory.floor.tolist() == [4]
    assert inventory.free_gpus.tolist() == [0]  # the one that idles is on its way
    assert played.world.node_counts().tolist() == [[4], [1], [0]]
    played.skip(3)
    assert played.world.inventory(played.tick * TICK_S).free_gpus.tolist() == [1]
    assert played.world.node_counts().tolist() == [[5], [0], [0]]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(0, 5))
def test_billed_is_the_floor_and_what_was_released_lately_and_not_taken(floors: list[int], delay: int) -> None:
    played, idle, before = Played(40.0, node_s=0.0, delay_s=delay * TICK_S), list[int](), 4
    for tick, floor in enumerate(floors):
        idle = [since for since in idle if tick < since + delay]
        for _ in range(floor - before):
            idle = idle[:-1]
        idle, before = idle + [tick] * (before - floor), floor
        ready, starting, _, _, billed = counts(played.next(floor))
        assert ready + starting == floor
        assert billed == floor + (len(idle) if delay else 0)
