"""Starts that faults make slow, or that never come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.simulator.delays import Delays
from autoscaler.simulator.settings import GIVE_UP_S, LostNodes, SlowStarts, StuckReplicas
from autoscaler.simulator.stages import StageLaw

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build

ALL = frozenset({"boot", "weights"})
FOR_AN_HOUR = (0.0, 3600.0)


def test_stages_of_that_name_take_so_many_times_as_long_while_it_lasts() -> None:
    delays = Delays((SlowStarts(frozenset({"boot"}), 3.0, 100.0, 200.0),), np.random.default_rng(1))
    laws = (StageLaw(10.0, 10.0), StageLaw(5.0, 5.0))
    at = {now_s: delays.slowed(("boot", "driver"), laws, np.random.default_rng(1), now_s) for now_s in (99, 100, 200)}
    assert at == {99: (10.0, 5.0), 100: (30.0, 5.0), 200: (10.0, 5.0)}


def test_a_stage_without_a_name_is_never_slow_and_never_left_out() -> None:
    delays = Delays((SlowStarts(ALL, 2.0, *FOR_AN_HOUR),), np.random.default_rng(1))
    laws = tuple(StageLaw(s, s) for s in (1.0, 2.0, 3.0))
    assert delays.slowed(("weights", "cuda"), laws, np.random.default_rng(1), 0.0) == (2.0, 2.0, 3.0)


def test_two_at_a_time_multiply() -> None:
    delays = Delays((SlowStarts(ALL, 2.0, *FOR_AN_HOUR), SlowStarts(ALL, 3.0, *FOR_AN_HOUR)), np.random.default_rng(1))
    assert delays.factor("boot", 5.0) == 6.0


def test_a_fault_changes_no_other_luck() -> None:
    law, rngs = (StageLaw(10.0, 20.0),), [np.random.default_rng(7), np.random.default_rng(7)]
    slow = Delays((SlowStarts(ALL, 2.0, *FOR_AN_HOUR),), np.random.default_rng(1))
    plain = Delays((), np.random.default_rng(1))
    drawn = [delays.slowed(("boot",), law, rng, 0.0)[0] for delays, rng in zip((slow, plain), rngs, strict=True)]
    assert drawn[0] == pytest.approx(2.0 * drawn[1])


def test_slow_starts_are_late_in_a_world(build: Build) -> None:
    plain = build.world().scale(1)
    slow = build.world(faults=(SlowStarts(ALL, 2.0, *FOR_AN_HOUR),)).scale(1)
    first = plain.when(lambda: plain.ready() == 1, 400.0)
    assert slow.when(lambda: slow.ready() == 1, 400.0) == pytest.approx(first + 60.0 + 30.0, abs=1.0)


def test_a_node_that_never_comes_is_billed_given_up_and_bought_again(build: Build) -> None:
    world = build.world(faults=(LostNodes(0, 1.0, 0.0, 300.0),)).scale(1)
    asked_s = world.when(lambda: world.nodes() == 1, 100.0)
    record = world.until(asked_s + 60.0).world.advance(asked_s + 120.0)
    world.now_s = asked_s + 120.0
    assert record.billed_gpus.sum() == pytest.approx(8.0)
    assert world.up() == 0
    gone_s = world.when(lambda: world.nodes() == 0, 1000.0)
    assert gone_s == pytest.approx(asked_s + GIVE_UP_S, abs=1.0)
    assert not world.obtainable()
    world.when(lambda: world.ready() == 1, 1000.0)


def test_a_share_of_the_nodes_is_lost(build: Build) -> None:
    world = build.world(pools=(build.pool(gpus_per_node=1),), faults=(LostNodes(None, 0.5, 0.0, 600.0),)).scale(40)
    world.wait(300.0)
    assert 10 <= world.up() <= 30


def test_replicas_hang_until_it_is_over(build: Build) -> None:
    world = build.world(faults=(StuckReplicas(0, 1.0, 0.0, 600.0),)).scale(2).wait(599.0)
    assert (world.up(), world.ready()) == (1, 0)
    assert world.when(lambda: world.ready() == 2, 60.0) == pytest.approx(630.0, abs=1.0)


def test_those_of_another_workload_do_not(build: Build) -> None:
    chat, batch = build.workload(), build.workload()
    world = build.world(chat, batch, faults=(StuckReplicas(1, 1.0, 0.0, 3600.0),)).scale(1, 0).scale(1, 1).wait(300.0)
    assert (world.ready(0), world.ready(1)) == (1, 0)
