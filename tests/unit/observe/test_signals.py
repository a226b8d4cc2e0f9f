"""Readings are judged: a value, a true zero, missing, or recovering. What is not known is never a zero."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.domain.signal import ARRIVALS, GPU_UTILIZATION, QUEUE, SignalReadings, SignalState
from autoscaler.observe.signals import SignalMemory, judge

if TYPE_CHECKING:
    from tests.unit.conftest import Core

STALE_S = 120.0
VALUE, ZERO, MISSING, RECOVERING = SignalState


class Judge:
    """Judges tick by tick, one workload or more."""

    def __init__(self, workloads: int = 1, stale_s: float | list[float] = STALE_S) -> None:
        self._memory = SignalMemory.fresh(workloads)
        self._stale_s: Floats = np.full(workloads, stale_s)

    def __call__(self, now_s: float, readings: SignalReadings, signal: int = ARRIVALS) -> list[SignalState]:
        states, _ = judge(readings, self._memory, now_s, self._stale_s)
        return [SignalState(code) for code in states[:, signal].tolist()]


@pytest.mark.parametrize(
    ("value", "age_s", "state"),
    [
        pytest.param(5.0, 0.0, VALUE, id="a value"),
        pytest.param(0.0, 0.0, ZERO, id="a true zero"),
        pytest.param(math.nan, 0.0, MISSING, id="no number"),
        pytest.param(math.inf, 0.0, MISSING, id="infinite"),
        pytest.param(-math.inf, 0.0, MISSING, id="minus infinite"),
        pytest.param(-0.5, 0.0, MISSING, id="negative"),
        pytest.param(5.0, STALE_S, VALUE, id="just young enough"),
        pytest.param(5.0, STALE_S + 1.0, MISSING, id="too old"),
        pytest.param(0.0, STALE_S + 1.0, MISSING, id="an old zero"),
        pytest.param(5.0, math.inf, MISSING, id="no sample behind it"),
        pytest.param(5.0, math.nan, MISSING, id="an age that is no number"),
    ],
)
def test_a_reading_is_what_can_be_believed_of_it(core: Core, value: float, age_s: float, state: SignalState) -> None:
    readings = core.readings(age_s, arrivals=value)
    states, values = judge(readings, SignalMemory.fresh(1), 1000.0, np.full(1, STALE_S))
    assert states[0, ARRIVALS] == state
    assert values[0, ARRIVALS] == pytest.approx(math.nan if state == MISSING else value, nan_ok=True)


@pytest.mark.parametrize(("share", "state"), [(0.87, VALUE), (1.2, VALUE), (0.0, ZERO), (87.0, MISSING)])
def test_a_utilization_in_per_cent_is_no_reading(core: Core, share: float, state: SignalState) -> None:
    readings = core.readings(gpu_utilization=share, arrivals=87.0)
    assert Judge()(0.0, readings, GPU_UTILIZATION) == [state]
    assert Judge()(0.0, readings, ARRIVALS) == [VALUE]


def test_the_first_reading_of_all_is_believed(core: Core) -> None:
    seen = Judge()
    assert seen(0.0, SignalReadings.empty(1)) == [MISSING]
    assert seen(15.0, core.readings(arrivals=3.0)) == [VALUE]


@pytest.mark.parametrize(("after", "state"), [(3.0, VALUE), (0.0, ZERO)])
def test_what_comes_back_recovers_as_long_as_a_sample_may_be_old(core: Core, after: float, state: SignalState) -> None:
    seen = Judge()
    seen(0.0, core.readings(arrivals=3.0))
    assert seen(60.0, SignalReadings.empty(1)) == [MISSING]
    assert seen(600.0, core.readings(arrivals=after)) == [RECOVERING]
    assert seen(600.0 + STALE_S - 1.0, core.readings(arrivals=after)) == [RECOVERING]
    assert seen(600.0 + STALE_S, core.readings(arrivals=after)) == [state]


def test_a_second_gap_within_the_recovery_begins_it_anew(core: Core) -> None:
    seen, good = Judge(), core.readings(arrivals=3.0)
    seen(0.0, good)
    seen(60.0, SignalReadings.empty(1))
    assert seen(120.0, good) == [RECOVERING]
    assert seen(180.0, SignalReadings.empty(1)) == [MISSING]
    assert seen(200.0, good) == [RECOVERING]
    assert seen(200.0 + STALE_S - 1.0, good) == [RECOVERING]
    assert seen(200.0 + STALE_S, good) == [VALUE]


def test_a_negative_sample_of_a_counter_reset_is_a_gap(core: Core) -> None:
    seen = Judge()
    seen(0.0, core.readings(arrivals=30.0))
    assert seen(15.0, core.readings(arrivals=-2.0)) == [MISSING]
    assert seen(30.0, core.readings(arrivals=0.1)) == [RECOVERING]


def test_workloads_and_signals_recover_by_themselves(core: Core) -> None:
    seen = Judge(2, [120.0, 30.0])
    seen(0.0, core.readings(arrivals=[3.0, 4.0], queue=[1.0, 1.0]))
    seen(60.0, core.readings(queue=[1.0, 1.0]))
    back = core.readings(arrivals=[3.0, 4.0], queue=[1.0, 1.0])
    assert seen(100.0, back) == [RECOVERING, RECOVERING]
    assert seen(130.0, back) == [RECOVERING, VALUE]
    assert seen(131.0, back, QUEUE) == [VALUE, VALUE]
    assert seen(140.0, core.readings(arrivals=[3.0, math.nan])) == [RECOVERING, MISSING]
