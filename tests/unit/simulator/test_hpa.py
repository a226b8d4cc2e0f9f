"""The HorizontalPodAutoscaler: its documented law, and how it and our floor share a workload in the full fidelity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from autoscaler.domain.hpa import HorizontalScaler
from autoscaler.domain.signal import SignalKind
from autoscaler.simulator.settings import HpaSetting, MetricsOutage

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Build, Driven

TARGET = 0.5
SYNC_S = 15.0
WINDOW_S = 300.0
SEEN_S = 60.0 + 2 * SYNC_S
"""From a change of the traffic to the HPA having acted on the whole of it: window of the rate, scrape, sync."""


def ask(scaler: HorizontalScaler, now_s: float, current: int, utilization: float) -> int:
    return int(scaler.replicas(now_s, np.array([current]), np.array([utilization]))[0])


# the law


@pytest.mark.parametrize(
    ("current", "utilization", "wanted"),
    [
        pytest.param(4, 1.0, 8, id="twice the target"),
        pytest.param(4, 0.25, 2, id="half the target"),
        pytest.param(3, 0.6, 4, id="rounded up"),
        pytest.param(10, 0.55, 10, id="within the tolerance above"),
        pytest.param(10, 0.45, 10, id="within the tolerance below"),
        pytest.param(10, 0.56, 12, id="beyond the tolerance above"),
        pytest.param(10, 0.44, 9, id="beyond the tolerance below"),
        pytest.param(4, 0.0, 0, id="idle"),
        pytest.param(0, math.inf, 1, id="from zero"),
        pytest.param(0, math.nan, 0, id="nothing to do at zero"),
        pytest.param(4, math.nan, 4, id="unknown"),
    ],
)
def test_it_recommends_what_would_bring_the_utilization_to_the_target(
    current: int, utilization: float, wanted: int
) -> None:
    scaler = HorizontalScaler(TARGET)
    assert int(scaler.desired(np.array([current]), np.array([utilization]))[0]) == wanted


def test_it_goes_up_by_four_or_by_twice_a_period() -> None:
    scaler = HorizontalScaler(TARGET)
    assert ask(scaler, 0.0, 2, TARGET) == 2
    assert ask(scaler, 15.0, 2, 3 * TARGET) == 6
    assert ask(scaler, 30.0, 2, 20 * TARGET) == 6
    assert ask(scaler, 45.0, 6, 20 * TARGET) == 12
    assert ask(scaler, 105.0, 2, 200 * TARGET) == 48  # four periods: 6, 12, 24, 48


def test_it_goes_down_when_the_last_higher_recommendation_is_five_minutes_old() -> None:
    scaler = HorizontalScaler(TARGET)
    assert ask(scaler, 0.0, 4, 2 * TARGET) == 8
    later = [ask(scaler, SYNC_S * k, 8, TARGET / 2) for k in range(1, 21)]
    assert later == [8] * 19 + [4]


def test_it_goes_down_to_the_highest_recommendation_of_the_window() -> None:
    scaler = HorizontalScaler(TARGET)
    ask(scaler, 0.0, 8, TARGET)
    ask(scaler, 200.0, 8, TARGET * 6 / 8)
    assert ask(scaler, WINDOW_S, 8, TARGET / 4) == 6


def test_a_scaler_without_a_past_goes_down_at_once() -> None:
    assert ask(HorizontalScaler(TARGET), 0.0, 8, TARGET / 2) == 4


def test_what_runs_while_the_metric_is_unknown_is_no_recommendation() -> None:
    scaler = HorizontalScaler(TARGET)
    assert ask(scaler, 0.0, 8, math.nan) == 8
    assert ask(scaler, SYNC_S, 8, TARGET / 2) == 4


def test_an_unknown_metric_holds_what_runs_though_less_was_recommended() -> None:
    scaler = HorizontalScaler(TARGET)
    ask(scaler, 0.0, 4, TARGET / 2)
    assert ask(scaler, SYNC_S, 4, math.nan) == 4


def test_workloads_do_not_mix() -> None:
    scaler = HorizontalScaler(TARGET)
    scaler.replicas(0.0, np.array([8, 2]), np.array([TARGET, TARGET]))
    out = scaler.replicas(SYNC_S, np.array([8, 2]), np.array([TARGET / 2, 2 * TARGET]))
    assert out.tolist() == [8, 4]


# beside our floor


def owned(build: Build, per_s: list[float], start: int, max_replicas: int | None = None, **changes: Any) -> Driven:
    """An HPA owns the replicas, each of which serves a request a second; nodes stand for all of them."""
    chat = build.workload(per_s=per_s, hpa=HpaSetting(TARGET), max_replicas=max_replicas)
    room = build.workload(gpus=8)
    return build.world(chat, room, start=(start, 4), **changes).scale(0, workload=1).wait(20.0)


def replicas(driven: Driven) -> int:
    stands = driven.world.inventory(driven.now_s)
    return int((stands.ready + stands.starting)[0].sum() + stands.pending[0])


def test_the_floor_is_at_once_the_least_that_runs(build: Build) -> None:
    driven = owned(build, [1.0] * 60, start=2).until(200.0).scale(5)
    assert replicas(driven) == 5
    assert driven.until(1200.0).ready() == 5


def test_the_hpa_rescues_above_the_floor(build: Build) -> None:
    driven = owned(build, [1.0] * 5 + [4.0] * 30, start=2).until(299.0)
    assert replicas(driven) == 2
    driven.until(300.0 + SEEN_S)
    assert replicas(driven) == 8
    assert driven.world.inventory(driven.now_s).floor[0] == 2


def test_it_falls_back_to_the_floor_after_the_stabilization(build: Build) -> None:
    driven = owned(build, [4.0] * 10 + [0.5] * 30, start=2).scale(3).until(600.0 + 60.0)
    assert replicas(driven) == 8
    driven.until(600.0 + WINDOW_S - SYNC_S)
    assert replicas(driven) == 8
    driven.until(600.0 + WINDOW_S + SEEN_S)
    assert replicas(driven) == 3


def test_a_floor_that_is_taken_away_is_not_stabilized(build: Build) -> None:
    driven = owned(build, [1.0] * 60, start=2).scale(8).until(1000.0)
    assert replicas(driven) == 8
    assert replicas(driven.scale(2).wait(SYNC_S + 1.0)) == 2


def test_a_floor_under_a_dead_metric_is_a_ratchet(build: Build) -> None:
    driven = owned(build, [1.0] * 60, start=2, faults=(MetricsOutage(300.0, 1000.0),)).until(500.0).scale(7)
    assert replicas(driven) == 7
    driven.scale(2).until(1000.0)
    assert replicas(driven) == 7
    driven.until(1000.0 + 3 * SYNC_S)
    assert replicas(driven) == 2


def test_the_hpa_sees_the_traffic_though_our_policy_does_not_read_it(build: Build) -> None:
    signals = frozenset({SignalKind.QUEUE})
    driven = owned(build, [4.0] * 30, start=2, signals=signals).until(300.0)
    assert replicas(driven) == 8


def test_the_maximum_holds_for_hpa_and_floor(build: Build) -> None:
    driven = owned(build, [4.0] * 30, start=2, max_replicas=5).until(300.0)
    assert replicas(driven) == 5
    assert replicas(driven.scale(7)) == 5


def test_traffic_wakes_a_workload_from_zero(build: Build) -> None:
    driven = owned(build, [0.0] * 5 + [1.0] * 30, start=0).until(299.0)
    assert replicas(driven) == 0
    driven.until(300.0 + SEEN_S)
    assert replicas(driven) >= 1
    driven.until(900.0)
    assert replicas(driven) == 2


def test_without_an_hpa_the_floor_is_the_count(build: Build) -> None:
    driven = build.world(build.workload(per_s=4.0), start=(2,)).until(600.0)
    assert replicas(driven) == 2
    assert replicas(driven.scale(1)) == 1
