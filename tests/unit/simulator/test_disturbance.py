"""Metrics that faults spoil: gaps, answers that are none, counters that begin anew, low values afterwards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.signal import ARRIVALS, GPU_UTILIZATION, LATE_SHARE, QUEUE, SERVED, SignalKind
from autoscaler.simulator.engine import Engine
from autoscaler.simulator.flow import Flow
from autoscaler.simulator.settings import CounterReset, Fault, LowReturn, MetricsOutage, ScrapeGap, WrongAnswers
from autoscaler.simulator.telemetry import Telemetry

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build


class Two:
    """Two workloads with a request a second each, scraped every 15 s from 7.5 s on, rates over 60 s."""

    def __init__(self, build: Build, *faults: Fault) -> None:
        setting = build.setting(build.workload(), build.workload(), faults=faults)
        self.engine = Engine()
        self.flows = [Flow(1.0, 1.0, 30.0, rate=2.0, ready=4) for _ in range(2)]
        self.telemetry = Telemetry(self.engine, self.flows, setting)

    def at(self, at_s: float) -> Two:
        for flow in self.flows:
            flow.to(self.engine.now_s)
        self.engine.run_until(at_s)
        return self

    def values(self, signal: int) -> list[float]:
        values: list[float] = self.telemetry.read(self.engine.now_s).values[:, signal].tolist()
        return values

    def ages(self, signal: int) -> list[float]:
        ages: list[float] = self.telemetry.read(self.engine.now_s).age_s[:, signal].tolist()
        return ages


def test_a_gap_of_one_workload_leaves_its_last_answer_to_grow_old(build: Build) -> None:
    two = Two(build, ScrapeGap(0, None, 100.0, 300.0)).at(250.0)
    assert two.values(ARRIVALS) == pytest.approx([2.0, 2.0])
    assert two.ages(ARRIVALS) == [250.0 - 97.5, 2.5]
    two.at(310.0)
    assert math.isnan(two.values(ARRIVALS)[0])
    assert two.ages(QUEUE) == [2.5, 2.5]
    assert two.at(325.0).values(ARRIVALS) == pytest.approx([2.0, 2.0])


def test_a_gap_of_one_signal_leaves_the_others(build: Build) -> None:
    two = Two(build, ScrapeGap(None, SignalKind.SERVED, 100.0, 300.0)).at(250.0)
    assert two.ages(SERVED) == [152.5, 152.5]
    assert two.ages(ARRIVALS) == [2.5, 2.5]
    assert two.at(310.0).values(SERVED) == pytest.approx([2.0, 2.0])


@pytest.mark.parametrize(
    ("value", "empty", "age_s"),
    [
        pytest.param(math.nan, True, math.inf, id="empty"),
        pytest.param(math.nan, False, 2.5, id="nan"),
        pytest.param(math.inf, False, 2.5, id="infinite"),
        pytest.param(-1.0, False, 2.5, id="negative"),
    ],
)
def test_an_answer_that_is_no_value_is_handed_on_as_it_is(
    build: Build, value: float, empty: bool, age_s: float
) -> None:
    fault = WrongAnswers(1, SignalKind.ARRIVALS, 100.0, 300.0, value, empty)
    two = Two(build, fault).at(250.0)
    np.testing.assert_array_equal(two.values(ARRIVALS)[1:], [value])
    assert two.values(ARRIVALS)[0] == pytest.approx(2.0)
    assert two.ages(ARRIVALS) == [2.5, age_s]
    assert two.at(310.0).values(ARRIVALS) == pytest.approx([2.0, 2.0])


def test_counters_that_begin_anew_answer_zero_and_then_too_little_for_a_window(build: Build) -> None:
    two = Two(build, CounterReset(0, 100.0)).at(110.0)
    assert two.values(ARRIVALS) == [pytest.approx(2.0), pytest.approx(2.0)]
    seen = [two.at(at_s).values(ARRIVALS)[0] for at_s in (115.0, 130.0, 145.0, 160.0, 175.0, 190.0)]
    assert seen == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0, 2.0])
    assert two.values(ARRIVALS)[1] == pytest.approx(2.0)
    assert two.ages(ARRIVALS) == [2.5, 2.5]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(MetricsOutage(100.0, 300.0, LowReturn(60.0, 0.1)), id="outage"),
        pytest.param(ScrapeGap(None, None, 100.0, 300.0, LowReturn(60.0, 0.1)), id="gap"),
        pytest.param(WrongAnswers(None, None, 100.0, 300.0, math.nan, True, LowReturn(60.0, 0.1)), id="answers"),
    ],
)
def test_what_comes_back_low_is_low_for_its_time_and_then_true(build: Build, fault: Fault) -> None:
    two = Two(build, fault).at(335.0)
    assert two.values(ARRIVALS) == pytest.approx([0.2, 0.2])
    assert two.values(GPU_UTILIZATION) == pytest.approx([0.05, 0.05])
    assert two.values(LATE_SHARE) == [0.0, 0.0]
    assert two.at(375.0).values(ARRIVALS) == pytest.approx([2.0, 2.0])


def test_an_hpa_reads_the_same_spoilt_answers(build: Build) -> None:
    two = Two(build, CounterReset(0, 100.0), ScrapeGap(1, None, 100.0, 300.0)).at(115.0)
    assert two.telemetry.arrival_rate(0) == 0.0
    assert two.telemetry.arrival_rate(1) == pytest.approx(2.0)
    assert math.isnan(two.at(200.0).telemetry.arrival_rate(1))
