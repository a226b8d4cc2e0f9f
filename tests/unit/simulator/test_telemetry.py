"""Telemetry: what a monitoring system would have answered, and that it never guesses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.domain.signal import (
    ARRIVALS,
    GPU_UTILIZATION,
    LATE_SHARE,
    QUEUE,
    RUNNING,
    SERVED,
    SignalKind,
    SignalReadings,
)
from autoscaler.simulator.engine import Engine
from autoscaler.simulator.flow import Flow
from autoscaler.simulator.settings import ClusterSetting, MetricsOutage
from autoscaler.simulator.telemetry import Telemetry

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build

UNSEEN = np.inf


class Watched:
    """One workload of which a replica serves a request a second, scraped every 15 s from 7.5 s on, rates over 60 s."""

    def __init__(self, setting: ClusterSetting) -> None:
        self.engine = Engine()
        workload = setting.workloads[0]
        self.flow = Flow(workload.requests_per_s, workload.late_after_s, workload.patience_s)
        self.telemetry = Telemetry(self.engine, [self.flow], setting)

    def go(self, until_s: float, rate: float | None = None, ready: int | None = None) -> Watched:
        """On to `until_s`, from now on with these arrivals and replicas."""
        self.flow.to(self.engine.now_s)
        self.flow.rate = self.flow.rate if rate is None else rate
        self.flow.ready = self.flow.ready if ready is None else ready
        self.engine.run_until(until_s)
        return self

    def read(self) -> SignalReadings:
        return self.telemetry.read(self.engine.now_s)

    def value(self, signal: int) -> float:
        return float(self.read().values[0, signal])

    def age(self, signal: int) -> float:
        return float(self.read().age_s[0, signal])


def watched(build: Build, **changes: Any) -> Watched:
    return Watched(build.setting(build.workload(concurrency=4.0), **changes))


def test_before_the_first_scrape_everything_is_missing(build: Build) -> None:
    readings = watched(build).go(7.0, rate=1.0, ready=1).read()
    assert np.isnan(readings.values).all()
    assert (readings.age_s == UNSEEN).all()


def test_levels_come_with_the_first_scrape_and_rates_with_the_second(build: Build) -> None:
    seen = watched(build).go(15.0, rate=2.0, ready=0)
    assert seen.value(QUEUE) == pytest.approx(15.0)
    assert math.isnan(seen.value(ARRIVALS))
    assert seen.age(ARRIVALS) == UNSEEN
    seen.go(30.0)
    assert seen.value(ARRIVALS) == pytest.approx(2.0)


def test_an_age_is_that_of_the_scrape(build: Build) -> None:
    seen = watched(build).go(60.0, rate=1.0, ready=1)
    assert seen.age(ARRIVALS) == seen.age(QUEUE) == 7.5
    seen.go(67.0)
    assert seen.age(ARRIVALS) == 14.5


def test_a_tick_sees_only_what_was_scraped_before_it(build: Build) -> None:
    seen = watched(build, scrape_s=30.0).go(45.0, rate=1.0, ready=0)
    assert seen.value(QUEUE) == pytest.approx(15.0)
    assert seen.age(QUEUE) == 30.0
    seen.go(46.0)
    assert seen.value(QUEUE) == pytest.approx(45.0 - 15.0)
    assert seen.age(QUEUE) == 1.0


def test_rates_are_means_over_the_window(build: Build) -> None:
    seen = watched(build).go(300.0, rate=1.0, ready=9).go(315.0, rate=5.0)
    assert seen.value(ARRIVALS) == pytest.approx((52.5 * 1.0 + 7.5 * 5.0) / 60.0)
    assert seen.value(SERVED) == pytest.approx(seen.value(ARRIVALS))
    assert seen.go(375.0).value(ARRIVALS) == pytest.approx(5.0)


def test_what_is_served_is_not_what_arrives(build: Build) -> None:
    seen = watched(build).go(120.0, rate=5.0, ready=3)
    assert seen.value(ARRIVALS) == pytest.approx(5.0)
    assert seen.value(SERVED) == pytest.approx(3.0)


def test_nothing_arriving_is_a_true_zero(build: Build) -> None:
    seen = watched(build).go(120.0, rate=0.0, ready=1)
    assert (seen.value(ARRIVALS), seen.value(QUEUE), seen.value(GPU_UTILIZATION)) == (0.0, 0.0, 0.0)
    assert seen.age(ARRIVALS) == 7.5


def test_in_an_outage_nothing_is_scraped_and_the_last_answer_grows_old(build: Build) -> None:
    seen = watched(build, faults=(MetricsOutage(100.0, 300.0),)).go(100.0, rate=1.0, ready=1).go(300.0, rate=9.0)
    assert seen.value(ARRIVALS) == pytest.approx(1.0)
    assert seen.age(ARRIVALS) == 300.0 - 97.5


def test_after_an_outage_rates_come_back_with_the_second_scrape(build: Build) -> None:
    seen = watched(build, faults=(MetricsOutage(100.0, 300.0),)).go(100.0, rate=1.0, ready=9).go(315.0, rate=3.0)
    assert seen.value(QUEUE) == 0.0
    assert seen.age(QUEUE) == 7.5
    assert math.isnan(seen.value(ARRIVALS))
    seen.go(330.0)
    assert seen.value(ARRIVALS) == pytest.approx(3.0)


def test_rates_last_through_an_outage_that_is_shorter_than_their_window(build: Build) -> None:
    seen = watched(build, faults=(MetricsOutage(100.0, 130.0),)).go(135.0, rate=2.0, ready=9)
    assert seen.age(ARRIVALS) == 135.0 - 97.5
    seen.go(145.0)
    assert seen.value(ARRIVALS) == pytest.approx(2.0)
    assert seen.age(ARRIVALS) == 2.5


def test_traffic_that_is_not_known_is_missing_and_not_zero(build: Build) -> None:
    seen = watched(build).go(120.0, rate=2.0, ready=3)
    seen.telemetry.unknown[0] = True
    seen.go(180.0, rate=0.0)
    assert np.isnan(seen.read().values).all()
    assert (seen.read().age_s == UNSEEN).all()


def test_rates_after_unknown_traffic_count_only_what_is_known(build: Build) -> None:
    seen = watched(build).go(120.0, rate=2.0, ready=3)
    seen.telemetry.unknown[0] = True
    seen.go(150.0, rate=0.0)
    seen.telemetry.unknown[0] = False
    seen.go(165.0, rate=2.0)
    assert seen.value(QUEUE) == 0.0
    assert math.isnan(seen.value(ARRIVALS))
    assert seen.go(180.0).value(ARRIVALS) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("rate", "ready", "used"),
    [
        pytest.param(1.0, 2, 0.5, id="half"),
        pytest.param(2.0, 2, 1.0, id="full"),
        pytest.param(5.0, 2, 1.0, id="overload"),
        pytest.param(0.0, 2, 0.0, id="idle"),
    ],
)
def test_gpu_utilization_is_the_working_share_of_what_is_ready(
    build: Build, rate: float, ready: int, used: float
) -> None:
    assert watched(build).go(120.0, rate=rate, ready=ready).value(GPU_UTILIZATION) == pytest.approx(used)


def test_gpu_utilization_is_that_of_the_last_scrape_interval(build: Build) -> None:
    seen = watched(build).go(112.5, rate=0.0, ready=2).go(130.0, rate=2.0)
    assert seen.value(GPU_UTILIZATION) == pytest.approx(1.0)


def test_without_ready_replicas_gpu_utilization_is_missing(build: Build) -> None:
    seen = watched(build).go(120.0, rate=1.0, ready=0)
    assert math.isnan(seen.value(GPU_UTILIZATION))
    assert seen.age(GPU_UTILIZATION) == UNSEEN
    assert seen.value(ARRIVALS) == pytest.approx(1.0)


def test_running_requests_are_those_that_the_working_replicas_hold(build: Build) -> None:
    assert watched(build).go(120.0, rate=1.5, ready=2).value(RUNNING) == pytest.approx(1.5 * 4.0)
    unsaid = Watched(build.setting(build.workload(concurrency=None))).go(120.0, rate=1.5, ready=2)
    assert math.isnan(unsaid.value(RUNNING))


def test_the_late_share_is_that_of_the_window(build: Build) -> None:
    seen = watched(build).go(300.0, rate=2.0, ready=2)
    assert seen.value(LATE_SHARE) == 0.0
    seen.go(375.0, ready=0)
    assert seen.value(LATE_SHARE) == pytest.approx(1.0)
    seen.go(600.0, ready=9)
    assert seen.value(LATE_SHARE) == 0.0


def test_the_late_share_of_nobody_is_missing(build: Build) -> None:
    assert math.isnan(watched(build).go(120.0, rate=0.0, ready=1).value(LATE_SHARE))


def test_signals_that_nobody_reads_are_missing(build: Build) -> None:
    seen = watched(build, signals=frozenset({SignalKind.QUEUE})).go(120.0, rate=1.0, ready=1)
    assert np.isfinite(seen.read().values[0]).nonzero()[0].tolist() == [QUEUE]
    assert np.isfinite(seen.read().age_s[0]).nonzero()[0].tolist() == [QUEUE]


def test_whoever_reads_may_change_what_was_read(build: Build) -> None:
    seen = watched(build).go(120.0, rate=1.0, ready=1)
    seen.read().values[:] = np.nan
    assert seen.value(ARRIVALS) == pytest.approx(1.0)


def test_the_arrival_rate_of_an_hpa_is_its_own_metric(build: Build) -> None:
    seen = watched(build, signals=frozenset({SignalKind.QUEUE})).go(120.0, rate=2.0, ready=2)
    assert seen.telemetry.arrival_rate(0) == pytest.approx(2.0)


def test_an_hpa_is_blind_when_the_last_scrape_is_older_than_the_window(build: Build) -> None:
    seen = watched(build, faults=(MetricsOutage(100.0, 300.0),)).go(150.0, rate=2.0, ready=2)
    assert seen.telemetry.arrival_rate(0) == pytest.approx(2.0)
    seen.go(160.0)
    assert math.isnan(seen.telemetry.arrival_rate(0))


def test_in_a_world_with_a_gap_in_its_traffic_signals_and_arrivals_are_missing(build: Build) -> None:
    driven = build.world(build.workload(per_s=[1.0] * 5 + [math.nan] * 5 + [1.0] * 5), start=(2,))
    driven.until(540.0)
    record = driven.world.advance(600.0)
    assert np.isnan(driven.world.read(600.0).values).all()
    assert math.isnan(record.arrivals[0])
    assert (record.late[0], record.served[0]) == (0.0, 0.0)
    driven.until(840.0)
    assert driven.world.advance(900.0).arrivals[0] == pytest.approx(60.0)
    assert driven.world.read(900.0).values[0, ARRIVALS] == pytest.approx(1.0)


def test_after_the_end_of_the_traffic_nothing_is_known(build: Build) -> None:
    driven = build.world(build.workload(per_s=[1.0] * 5), start=(2,)).until(300.0)
    assert math.isnan(driven.world.advance(360.0).arrivals[0])
    assert np.isnan(driven.world.read(360.0).values).all()
