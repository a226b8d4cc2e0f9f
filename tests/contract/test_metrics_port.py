"""The contract of the metrics port, on every rig: values in their units, true ages, and nothing that is a guess."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.domain.signal import ARRIVALS, GPU_UTILIZATION, LATE_SHARE, QUEUE, RUNNING, SERVED, SIGNALS

if TYPE_CHECKING:
    from tests.contract.conftest import Rig

A, B = 0, 1
UNSEEN = math.inf
NOT_READ = [RUNNING, LATE_SHARE]


@pytest.fixture
def rig(metrics_rig: Rig) -> Rig:
    """Every rig of the metrics port, in place of those of the cluster port."""
    return metrics_rig


def value(rig: Rig, signal: int, workload: int = A) -> float:
    return float(rig.metrics.read(rig.now_s).values[workload, signal])


def test_before_the_first_sample_every_signal_is_missing(rig: Rig) -> None:
    readings = rig.metrics.read(rig.now_s)
    assert readings.values.shape == readings.age_s.shape == (2, SIGNALS)
    assert np.isnan(readings.values).all()
    assert (readings.age_s == UNSEEN).all()


def test_a_signal_has_a_value_where_it_has_an_age_and_no_sample_is_of_the_future(rig: Rig) -> None:
    for seconds in (15.0, 15.0, 40.0, 300.0, rig.known_until_s, 300.0, 600.0):
        rig.wait(seconds)
        readings = rig.metrics.read(rig.now_s)
        known = np.isfinite(readings.values)
        assert (np.isfinite(readings.age_s) == known).all()
        assert (readings.age_s[~known] == UNSEEN).all()
        assert (readings.age_s >= 0.0).all()
        assert (readings.values[known] >= 0.0).all()


def test_what_nobody_named_is_missing(rig: Rig) -> None:
    rig.wait(rig.sees_s)
    readings = rig.metrics.read(rig.now_s)
    assert np.isnan(readings.values[:, NOT_READ]).all()
    assert (readings.age_s[:, NOT_READ] == UNSEEN).all()


def test_samples_are_young_while_the_source_answers(rig: Rig) -> None:
    rig.wait(rig.sees_s)
    assert (rig.metrics.read(rig.now_s).age_s[:, [ARRIVALS, QUEUE, SERVED, GPU_UTILIZATION]] <= 30.0).all()


@pytest.mark.parametrize("workload", [A, B])
def test_in_balance_rates_are_a_second_and_utilization_is_a_share(rig: Rig, workload: int) -> None:
    rig.wait(rig.sees_s)
    assert value(rig, ARRIVALS, workload) == pytest.approx(rig.arrivals_per_s)
    assert value(rig, SERVED, workload) == pytest.approx(rig.arrivals_per_s)
    assert value(rig, QUEUE, workload) == pytest.approx(0.0)
    assert value(rig, GPU_UTILIZATION, workload) == pytest.approx(1.0)


def test_with_twice_the_replicas_half_of_the_gpus_work(rig: Rig) -> None:
    rig.cluster.set_floor(A, 4)
    rig.wait(rig.buys_s + rig.starts_s + rig.sees_s)
    assert value(rig, GPU_UTILIZATION) == pytest.approx(0.5)
    assert value(rig, SERVED) == pytest.approx(rig.arrivals_per_s)


def test_in_overload_less_is_served_than_arrives_and_requests_wait(rig: Rig) -> None:
    rig.cluster.set_floor(A, 1)
    rig.wait(rig.sees_s)
    assert value(rig, ARRIVALS) == pytest.approx(rig.arrivals_per_s)
    assert value(rig, SERVED) == pytest.approx(rig.carried_per_s)
    assert value(rig, QUEUE) > 1.0
    assert value(rig, GPU_UTILIZATION) == pytest.approx(1.0)
    assert value(rig, QUEUE, B) == pytest.approx(0.0)


def test_without_replicas_nothing_is_served_and_utilization_is_missing(rig: Rig) -> None:
    rig.cluster.set_floor(A, 0)
    rig.wait(rig.sees_s)
    assert value(rig, ARRIVALS) == pytest.approx(rig.arrivals_per_s)
    assert value(rig, SERVED) == pytest.approx(0.0)
    assert value(rig, QUEUE) > 1.0
    assert math.isnan(value(rig, GPU_UTILIZATION))


def test_traffic_that_is_not_known_is_missing_and_comes_back(rig: Rig) -> None:
    rig.wait(rig.known_until_s + rig.sees_s - rig.now_s)
    readings = rig.metrics.read(rig.now_s)
    assert np.isnan(readings.values).all()
    assert (readings.age_s == UNSEEN).all()
    rig.wait(rig.unknown_until_s + rig.sees_s - rig.now_s)
    assert value(rig, ARRIVALS) == pytest.approx(rig.arrivals_per_s)
