"""Runs of a trace: one result a strategy, the same for the same seed, and a summary that adds up from the timeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autoscaler.compose.trace import TraceResult, compare, run_strategies, run_trace
from autoscaler.compose.trace_run import DAY_S, TraceRun
from autoscaler.evaluation.score import Summary
from autoscaler.evaluation.timeline import COLUMNS

GAPS = range(1800, 1860)
TICK_S = 60.0
FIRST, END = 1440, 2160
NUMBERS = COLUMNS[1:-1]


@pytest.fixture(scope="module")
def request_of(trace: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> TraceRun:
    """A day to learn and half a day to score, an hour of it without data, at a peak of eight replicas."""
    path = trace(tmp_path_factory.mktemp("trace"), 2.0, GAPS)
    return TraceRun(path, fleet_peak=8.0, warmup_s=DAY_S, score_s=DAY_S / 2.0, gpu_price_dollars=2.5)


FIDELITIES = pytest.mark.parametrize("fidelity", ["simple", "full"])


def lasting(summary: Summary) -> Summary:
    """Without what the machine's speed tells."""
    return replace(summary, ticks_per_second=0.0)


def same_run(one: TraceResult, other: TraceResult) -> bool:
    [a], [b] = one.run.timelines, other.run.timelines
    return a.reason == b.reason and all(np.array_equal(getattr(a, c), getattr(b, c), equal_nan=True) for c in NUMBERS)


def test_one_result_a_strategy_in_order_for_any_number_of_workers(request_of: TraceRun) -> None:
    names = ("static-peak", "reactive", "clairvoyant", "hpa-70+loop")
    alone, together = (run_strategies(request_of, names, workers=workers) for workers in (1, 2))
    assert [r.summary.strategy for r in alone] == [r.run.strategy for r in alone] == list(names)
    assert len({r.summary.gpu_hours for r in alone}) == len(names)
    assert [lasting(r.summary) for r in alone] == [lasting(r.summary) for r in together]
    assert all(same_run(a, b) for a, b in zip(alone, together, strict=True))
    plain = run_trace(replace(request_of, strategy="reactive"))
    assert same_run(plain, alone[1])


def test_progress_is_told_for_each_strategy(request_of: TraceRun) -> None:
    seen: list[list[float]] = []
    run_strategies(request_of, ("static-peak", "reactive"), lambda shares: seen.append(list(shares)), workers=1)
    assert seen[-1] == [1.0, 1.0]
    assert any(0.0 < shares[0] < 1.0 for shares in seen)
    assert [sum(shares) for shares in seen] == sorted(sum(shares) for shares in seen)


@FIDELITIES
def test_the_summary_adds_up_from_the_timeline(request_of: TraceRun, fidelity: str) -> None:
    for result in run_strategies(replace(request_of, fidelity=fidelity), ("hpa-70", "ours"), workers=1):
        summary, [timeline] = result.summary, result.run.timelines
        known = np.isfinite(timeline.offered_replicas)
        scored = known & (np.arange(known.size) >= FIRST)
        assert scored.sum() == END - FIRST - len(GAPS)
        hours = timeline.billed_gpus_primary[scored].sum() * TICK_S / 3600.0
        assert timeline.billed_gpus_burst.sum() == 0.0
        assert summary.gpu_hours == pytest.approx(hours)
        assert summary.dollars == pytest.approx(2.5 * hours)
        assert summary.offered_replica_hours == pytest.approx(timeline.offered_replicas[scored].sum() / 60.0)
        late = timeline.late[scored].sum() / timeline.arrivals[scored].sum()
        assert summary.late_share == pytest.approx(late, rel=1e-3)
        assert 0.0 < summary.late_share < 1.0
        assert summary.clairvoyant_gpu_hours * summary.ratio_at_target == pytest.approx(hours)
        assert (timeline.billed_gpus_primary >= timeline.ready_replicas - 1e-9).all()


def test_without_queues_what_comes_above_ready_is_late(request_of: TraceRun) -> None:
    result = run_trace(replace(request_of, strategy="reactive"))
    summary, [timeline] = result.summary, result.run.timelines
    offered, ready = np.nan_to_num(timeline.offered_replicas)[FIRST:], timeline.ready_replicas[FIRST:]
    short = np.maximum(offered - ready, 0.0).sum()
    assert summary.late_share == pytest.approx(short / offered.sum())
    assert short > 0.0


@pytest.mark.parametrize("strategy", ["reactive", "hpa-70", "ours"])
def test_starts_are_those_of_the_scored_part(request_of: TraceRun, strategy: str) -> None:
    result = run_trace(replace(request_of, strategy=strategy))
    [timeline] = result.run.timelines
    asked = np.asarray(timeline.ready_replicas) + np.asarray(timeline.starting_replicas)
    assert result.summary.starts == np.maximum(np.diff(asked[FIRST - 1 :]), 0).sum() > 10


@FIDELITIES
def test_a_constant_fleet_starts_nothing(request_of: TraceRun, fidelity: str) -> None:
    result = run_trace(replace(request_of, strategy="static-peak", fidelity=fidelity))
    assert result.summary.starts == 0
    assert result.summary.late_share == 0.0
    offered = np.asarray(result.run.timelines[0].offered_replicas)
    assert set(np.asarray(result.run.timelines[0].ready_replicas)[FIRST:]) == {np.ceil(np.nanmax(offered[:FIRST]))}


def test_the_seed_decides_in_full_fidelity(request_of: TraceRun) -> None:
    full = replace(request_of, strategy="hpa-70", fidelity="full")
    one, same, other = (run_trace(replace(full, seed=seed)) for seed in (1, 1, 2))
    assert lasting(one.summary) == lasting(same.summary)
    assert same_run(one, same)
    assert not same_run(one, other)
    assert (one.summary.seed, other.summary.seed) == (1, 2)
    assert one.summary.late_share != other.summary.late_share
    assert one.summary.offered_replica_hours == other.summary.offered_replica_hours


def test_the_seed_draws_the_counts_inside_longer_steps(request_of: TraceRun, tmp_path: Path) -> None:
    path = tmp_path / "hours.csv"
    path.write_text("\n".join(["minute,requests", *(f"{60 * hour},{6000 + 100 * hour}" for hour in range(36)), ""]))
    drawn = replace(request_of, trace=path, strategy="static-peak", poisson=True, fleet_peak=20.0)
    runs = [run_trace(replace(drawn, seed=seed)) for seed in (1, 1, 2)]
    one, same, other = (np.asarray(r.run.timelines[0].arrivals) for r in runs)
    assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert_allclose(one.reshape(36, 60).sum(axis=1), 6000 + 100 * np.arange(36), rtol=0.1)
    spread = np.asarray(run_trace(replace(drawn, poisson=False)).run.timelines[0].arrivals)
    assert (np.ptp(spread.reshape(36, 60), axis=1) == 0.0).all()
    assert (np.ptp(one.reshape(36, 60), axis=1) > 10.0).all()


def test_full_fidelity_sees_the_same_traffic_and_costs_more(request_of: TraceRun) -> None:
    simple, full = (run_trace(replace(request_of, strategy="hpa-70", fidelity=f)) for f in ("simple", "full"))
    assert simple.summary.offered_replica_hours == full.summary.offered_replica_hours
    assert simple.summary.clairvoyant_gpu_hours == full.summary.clairvoyant_gpu_hours
    assert full.summary.gpu_hours > simple.summary.gpu_hours


def test_the_clairvoyant_reaches_the_optimum(trace: Callable[..., Path], tmp_path: Path) -> None:
    path = trace(tmp_path, 2.0)
    result = run_trace(TraceRun(path, strategy="clairvoyant", fleet_peak=8.0, warmup_s=DAY_S, score_s=DAY_S / 2.0))
    assert result.summary.late_share <= 0.01
    assert 1.0 <= result.summary.ratio_at_target < 1.02
    assert result.summary.ratio_at_achieved == pytest.approx(1.0, abs=0.005)


def test_the_bound_holds_for_every_strategy(request_of: TraceRun) -> None:
    names = ("reactive", "ours", "static-peak", "hpa-90")
    for result in run_strategies(request_of, names):
        assert result.summary.ratio_at_achieved >= 1.0
        assert result.summary.clairvoyant_gpu_hours > result.summary.offered_replica_hours


def test_details_are_recorded_where_they_are_asked_for(request_of: TraceRun) -> None:
    plain, full = (run_trace(replace(request_of, details=details)).run for details in (False, True))
    assert np.isnan(plain.timelines[0].forecast_p90).all()
    assert np.isnan(plain.pools[0].nodes).all()
    middle, high = (
        np.asarray(full.timelines[0].forecast_p50)[FIRST:],
        np.asarray(full.timelines[0].forecast_p90)[FIRST:],
    )
    assert (high >= middle).all()
    assert (high > middle).any()
    nodes = np.asarray(full.pools[0].nodes)[FIRST:] + np.asarray(full.pools[0].nodes_starting)[FIRST:]
    assert (nodes >= np.asarray(full.timelines[0].ready_replicas)[FIRST:] - 1).all()
    assert_array_equal(plain.timelines[0].ready_replicas, full.timelines[0].ready_replicas)


def test_a_comparison_of_the_results(request_of: TraceRun) -> None:
    results = run_strategies(replace(request_of, details=True, late_share=0.02), ("ours", "reactive"))
    shown = compare(results, "Wave")
    assert [row[0] for row in shown.rows] == ["ours", "reactive"]
    assert (shown.scored_from_s, shown.scored_until_s, shown.tick_s) == (FIRST * TICK_S, END * TICK_S, TICK_S)
    assert shown.late_target == {"requests.csv": 0.02}
    assert shown.forecast_ahead_s == {"requests.csv": 300.0}
    [note] = shown.notes
    assert note.startswith("requests.csv: 1 gap without data, longest 1 h at 1.25 d from the start")


def test_what_cannot_be_run_is_refused_before_anything_runs(request_of: TraceRun) -> None:
    told: list[object] = []
    full = replace(request_of, fidelity="full")
    with pytest.raises(ValueError, match="--strategy clairvoyant: knows the future of --fidelity simple only"):
        run_strategies(full, ("ours", "clairvoyant"), told.append)
    with pytest.raises(ValueError, match=r"no strategy 'best'; there are: ours, .* each also with \+loop"):
        run_strategies(request_of, ("ours", "best"), told.append)
    assert told == []
