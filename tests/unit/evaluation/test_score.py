"""Scores of a replay, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from autoscaler.evaluation.clairvoyant import frontier
from autoscaler.evaluation.score import Run, late_share, score

OFFERED = np.array([2.0, 3.0, np.nan, 4.0, 1.0])
READY = np.array([2.0, 2.0, 0.0, 4.0, 4.0])
BILLED = np.array([3.0, 3.0, 9.0, 4.0, 4.0])


def test_by_hand_with_a_missing_tick() -> None:
    spent = np.array([6.0, 6.0, 100.0, 8.0, 8.0])
    run = Run("ours", starts=4, ticks_per_second=1e4, seed=7)
    got = score(OFFERED, READY, BILLED, 60.0, 5.0, 0.01, run=run, dollars_per_hour=spent)
    assert got.late_share == pytest.approx(0.1)
    assert got.gpu_hours == pytest.approx(14 / 60)
    assert got.dollars == pytest.approx(28 / 60)
    assert got.offered_replica_hours == pytest.approx(10 / 60)
    bound = frontier(OFFERED[np.isfinite(OFFERED)], 5.0)
    assert got.clairvoyant_gpu_hours == pytest.approx(bound.lower_bound(0.01) / 60)
    assert got.ratio_at_target == pytest.approx(14 / bound.lower_bound(0.01))
    assert got.ratio_at_achieved == pytest.approx(14 / bound.lower_bound(0.1))
    assert (got.strategy, got.starts, got.ticks_per_second, got.seed) == ("ours", 4, 1e4, 7)


def test_several_gpus_a_replica_scale_the_optimum() -> None:
    one = score(OFFERED, READY, BILLED, 60.0, 5.0, 0.01)
    eight = score(OFFERED, READY, BILLED * 8, 60.0, 5.0, 0.01, gpus_per_replica=8)
    assert eight.clairvoyant_gpu_hours == pytest.approx(8 * one.clairvoyant_gpu_hours)
    assert eight.ratio_at_achieved == pytest.approx(one.ratio_at_achieved)


def test_a_shared_optimum_changes_nothing() -> None:
    swept = frontier(OFFERED[np.isfinite(OFFERED)], 5.0)
    assert score(OFFERED, READY, BILLED, 60.0, 5.0, 0.01, optimum=swept) == score(
        OFFERED, READY, BILLED, 60.0, 5.0, 0.01
    )


def test_fields_keep_their_order_and_json_has_no_inf() -> None:
    nothing = np.zeros(3)
    got = score(nothing, nothing, nothing, 60.0, 5.0, 0.01).to_dict()
    assert list(got) == [
        "strategy",
        "gpu_hours",
        "dollars",
        "late_share",
        "offered_replica_hours",
        "clairvoyant_gpu_hours",
        "ratio_at_target",
        "ratio_at_achieved",
        "starts",
        "ticks_per_second",
        "seed",
    ]
    assert (got["late_share"], got["ratio_at_target"]) == (0.0, None)
    assert math.isinf(score(nothing, nothing, nothing, 60.0, 5.0, 0.01).ratio_at_target)


def test_late_share_counts_each_tick_alone() -> None:
    assert late_share(np.array([2.0, 2.0]), np.array([0.0, 9.0])) == 0.5


def test_unusable_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        score(OFFERED, READY[:2], BILLED, 60.0, 5.0, 0.01)
    with pytest.raises(ValueError, match="no scored tick has data"):
        score(np.full(2, np.nan), np.ones(2), np.ones(2), 60.0, 5.0, 0.01)
