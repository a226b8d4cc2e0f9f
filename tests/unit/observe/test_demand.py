"""Demand in replicas, from the best healthy signal: arrivals, queue and served, running, GPU utilization."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from autoscaler.domain.observation import NO_SOURCE, Observation
from autoscaler.domain.signal import SignalKind, SignalReadings, SignalState

if TYPE_CHECKING:
    from tests.unit.conftest import Core
    from tests.unit.observe.conftest import Watch

ALL = {"arrivals": 12.0, "queue": 60.0, "served": 4.0, "running": 64.0, "gpu_utilization": 0.6}
CARRIED: dict[str, Any] = {"arrivals_per_replica": 2.0, "concurrency_per_replica": 8.0, "utilization_per_replica": 0.75}
READY = 5


def told(seen: Observation, workload: int = 0) -> tuple[object, SignalState, int]:
    """(demand, state, source)."""
    return float(seen.demand[workload]), SignalState(seen.demand_state[workload]), int(seen.demand_source[workload])


@pytest.mark.parametrize(
    ("without", "source", "demand"),
    [
        pytest.param((), SignalKind.ARRIVALS, 12.0 / 2.0, id="arrivals"),
        pytest.param(("arrivals",), SignalKind.QUEUE, (4.0 + 60.0 / 60.0) / 2.0, id="queue and served"),
        pytest.param(
            ("arrivals", "served"), SignalKind.QUEUE, READY * 0.6 / 0.75 + 1.0 / 2.0, id="queue, served from the GPUs"
        ),
        pytest.param(("arrivals", "queue"), SignalKind.RUNNING, 64.0 / 8.0, id="running"),
        pytest.param(
            ("arrivals", "queue", "running"), SignalKind.GPU_UTILIZATION, READY * 0.6 / 0.75, id="utilization"
        ),
    ],
)
def test_the_best_signal_that_is_there_tells_the_demand(
    core: Core, watch: Watch, without: tuple[str, ...], source: SignalKind, demand: float
) -> None:
    fleet = core.fleet(**CARRIED)
    readings = core.readings(**{name: value for name, value in ALL.items() if name not in without})
    assert told(watch(fleet).see(0.0, readings, core.inventory([READY]))) == (
        pytest.approx(demand), SignalState.VALUE, source
    )  # fmt: skip


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param({"served": 8.0}, id="served alone"),
        pytest.param({"queue": 10.0}, id="a queue of which nobody knows what is served"),
        pytest.param({}, id="nothing"),
    ],
)
def test_demand_is_unknown_where_no_signal_tells_it(core: Core, watch: Watch, signals: dict[str, float]) -> None:
    seen = watch(core.fleet(**CARRIED)).see(0.0, core.readings(**signals), core.inventory([READY]))
    assert told(seen) == (pytest.approx(math.nan, nan_ok=True), SignalState.MISSING, NO_SOURCE)


def test_a_signal_of_which_the_policy_does_not_say_what_a_replica_carries_tells_nothing(
    core: Core, watch: Watch
) -> None:
    fleet = core.fleet(arrivals_per_replica=math.nan, concurrency_per_replica=8.0)
    seen = watch(fleet).see(0.0, core.readings(arrivals=12.0, queue=3.0, served=2.0, running=16.0), core.inventory([2]))
    assert told(seen) == (2.0, SignalState.VALUE, SignalKind.RUNNING)


@pytest.mark.parametrize(
    ("queues", "demand"),
    [
        pytest.param((0.0, 120.0), 4.0 + 120.0 / 30.0, id="what it grew by, a second"),
        pytest.param((120.0, 120.0), 4.0 + 120.0 / 60.0, id="one that stands, drained in a minute"),
        pytest.param((300.0, 60.0), 4.0 + 60.0 / 60.0, id="one that falls"),
        pytest.param((30.0, 0.0), 4.0, id="one that is empty"),
    ],
)
def test_who_waits_is_demand_beside_what_is_served(
    core: Core, watch: Watch, queues: tuple[float, float], demand: float
) -> None:
    watching = watch(core.fleet())
    watching.see(0.0, core.readings(queue=queues[0], served=4.0), core.inventory([READY]))
    seen = watching.see(30.0, core.readings(queue=queues[1], served=4.0), core.inventory([READY]))
    assert told(seen) == (pytest.approx(demand), SignalState.VALUE, SignalKind.QUEUE)


def test_a_sample_that_is_read_twice_grew_as_it_did(core: Core, watch: Watch) -> None:
    watching = watch(core.fleet())
    watching.see(0.0, core.readings(queue=0.0, served=1.0), core.inventory([READY]))
    watching.see(30.0, core.readings(queue=60.0, served=1.0), core.inventory([READY]))
    again = watching.see(45.0, core.readings(15.0, queue=60.0, served=1.0), core.inventory([READY]))
    assert again.demand[0] == pytest.approx(1.0 + 60.0 / 30.0)


@pytest.mark.parametrize(
    ("asked", "queue", "demand", "state"),
    [
        pytest.param(0, 30.0, 0.5, SignalState.VALUE, id="the first who queue at zero"),
        pytest.param(0, 0.0, 0.0, SignalState.ZERO, id="nobody at zero is a true zero"),
        pytest.param(3, 30.0, 0.5, SignalState.VALUE, id="who queues while all start"),
        pytest.param(3, 0.0, math.nan, SignalState.MISSING, id="an empty queue while all start tells nothing"),
    ],
)
def test_a_queue_with_nobody_ready(
    core: Core, watch: Watch, asked: int, queue: float, demand: float, state: SignalState
) -> None:
    seen = watch(core.fleet()).see(0.0, core.readings(queue=queue), core.inventory([0], floor=[asked]))
    source = NO_SOURCE if state == SignalState.MISSING else SignalKind.QUEUE
    assert told(seen) == (pytest.approx(demand, nan_ok=True), state, source)


def test_utilization_of_nobody_tells_nothing(core: Core, watch: Watch) -> None:
    seen = watch(core.fleet()).see(0.0, core.readings(gpu_utilization=0.9), core.inventory([0], floor=[2]))
    assert told(seen)[1:] == (SignalState.MISSING, NO_SOURCE)


def test_a_true_zero_is_a_demand(core: Core, watch: Watch) -> None:
    seen = watch(core.fleet()).see(0.0, core.readings(arrivals=0.0, running=9.0), core.inventory([READY]))
    assert told(seen) == (0.0, SignalState.ZERO, SignalKind.ARRIVALS)


def test_a_healthy_signal_goes_before_one_that_recovers(core: Core, watch: Watch) -> None:
    watching, inventory = watch(core.fleet(**CARRIED)), core.inventory([READY])
    watching.see(0.0, core.readings(arrivals=12.0, running=64.0), inventory)
    watching.see(15.0, core.readings(running=64.0), inventory)
    back = watching.see(30.0, core.readings(arrivals=1.0, running=64.0), inventory)
    assert told(back) == (8.0, SignalState.VALUE, SignalKind.RUNNING)
    alone = watching.see(45.0, core.readings(arrivals=1.0), inventory)
    assert told(alone) == (0.5, SignalState.RECOVERING, SignalKind.ARRIVALS)


def test_a_queue_is_no_better_than_what_is_known_of_the_served(core: Core, watch: Watch) -> None:
    watching, inventory = watch(core.fleet()), core.inventory([READY])
    watching.see(0.0, core.readings(queue=3.0, served=4.0), inventory)
    watching.see(15.0, core.readings(queue=3.0), inventory)
    back = watching.see(30.0, core.readings(queue=0.0, served=0.1), inventory)
    assert told(back)[1:] == (SignalState.RECOVERING, SignalKind.QUEUE)


def test_each_workload_has_its_own_source(core: Core, watch: Watch) -> None:
    readings = core.readings(arrivals=[6.0, math.nan, math.nan], running=[8.0, 16.0, math.nan])
    seen = watch(core.fleet(3, **CARRIED)).see(0.0, readings, core.inventory([1, 1, 1]))
    assert_array_equal(seen.demand, [3.0, 2.0, np.nan])
    assert seen.demand_source.tolist() == [SignalKind.ARRIVALS, SignalKind.RUNNING, NO_SOURCE]


def test_an_empty_answer_is_no_demand(core: Core, watch: Watch) -> None:
    seen = watch(core.fleet(2)).see(0.0, SignalReadings.empty(2), core.inventory([1, 0]))
    assert seen.demand_state.tolist() == [SignalState.MISSING] * 2
    assert np.isnan(seen.demand).all()
