"""Runs of a scenario: one result a strategy, the same for the same seed, and a ledger that adds up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoscaler.compose.scenario import StrategyResult, compare, run_scenario
from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.fleet_score import FleetSummary
from autoscaler.evaluation.scenario.prepare import ScenarioRun, read_scenario
from autoscaler.evaluation.timeline import COLUMNS

HOURS = ("warmup: 12h", "warmup: 6h"), ("score: 12h", "score: 6h")
STRATEGIES = ("hpa-70", "ours")
FIRST = 6 * 60
ON_DEMAND_PRICE, SPOT_PRICE = 4.0, 1.5

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def prepared(scenario: Write, tmp_path_factory: pytest.TempPathFactory) -> ScenarioRun:
    """Twelve hours on two on-demand nodes and a stormy spot market; the second half is scored."""
    return read_scenario(scenario(tmp_path_factory.mktemp("scenario"), *HOURS))


@pytest.fixture(scope="module")
def results(prepared: ScenarioRun) -> list[StrategyResult]:
    return run_scenario(prepared, STRATEGIES, workers=1)


def lasting(summary: FleetSummary) -> FleetSummary:
    """Without what the machine's speed tells."""
    return replace(summary, ticks_per_second=0.0)


def scored(result: StrategyResult, column: str) -> Floats:
    """A column of all workloads, float [T, W]."""
    return np.stack([np.asarray(getattr(t, column), dtype=np.float64)[FIRST:] for t in result.run.timelines], axis=1)


def test_one_result_a_strategy_in_order_for_any_number_of_workers(
    prepared: ScenarioRun, results: list[StrategyResult]
) -> None:
    assert [r.summary.strategy for r in results] == [r.run.strategy for r in results] == list(STRATEGIES)
    assert [[t.workload for t in r.run.timelines] for r in results] == [["chat", "batch"]] * 2
    assert results[0].summary.gpu_hours != results[1].summary.gpu_hours
    together = run_scenario(prepared, STRATEGIES, workers=2)
    assert [lasting(r.summary) for r in together] == [lasting(r.summary) for r in results]
    for one, other in zip(results, together, strict=True):
        for a, b in zip(one.run.timelines, other.run.timelines, strict=True):
            assert all(np.array_equal(getattr(a, c), getattr(b, c), equal_nan=True) for c in COLUMNS[1:-1])
            assert a.reason == b.reason


def test_another_seed_is_another_run(scenario: Write, tmp_path: Path, results: list[StrategyResult]) -> None:
    path = scenario(tmp_path, *HOURS)
    same, other = (run_scenario(read_scenario(path, seed), STRATEGIES[:1], workers=1)[0] for seed in (3, 4))
    assert lasting(same.summary) == lasting(results[0].summary)
    assert (same.summary.seed, other.summary.seed) == (3, 4)
    assert other.summary.gpu_hours != same.summary.gpu_hours
    assert other.summary.offered_gpu_hours == pytest.approx(same.summary.offered_gpu_hours)


@pytest.mark.parametrize("place", [0, 1], ids=STRATEGIES)
def test_the_ledger_adds_up(results: list[StrategyResult], place: int) -> None:
    summary = results[place].summary
    primary, burst = (scored(results[place], f"billed_gpus_{tier}") / 60.0 for tier in ("primary", "burst"))
    assert summary.gpu_hours_on_demand == pytest.approx(primary.sum())
    assert summary.gpu_hours_spot == pytest.approx(burst.sum())
    assert summary.gpu_hours == pytest.approx(primary.sum() + burst.sum())
    assert summary.dollars == pytest.approx(ON_DEMAND_PRICE * primary.sum() + SPOT_PRICE * burst.sum())
    assert min(summary.gpu_hours_on_demand, summary.gpu_hours_spot) > 1.0
    for w, workload in enumerate(summary.workloads):
        assert workload.gpu_hours == pytest.approx(primary[:, w].sum() + burst[:, w].sum())
        assert workload.dollars == pytest.approx(ON_DEMAND_PRICE * primary[:, w].sum() + SPOT_PRICE * burst[:, w].sum())
    assert (scored(results[place], "billed_gpus_primary").sum(axis=1) <= 16.0 + 1e-9).all()  # two nodes of eight


@pytest.mark.parametrize("place", [0, 1], ids=STRATEGIES)
def test_late_shares_and_starts_add_up(results: list[StrategyResult], place: int) -> None:
    summary = results[place].summary
    late, arrivals = scored(results[place], "late").sum(axis=0), scored(results[place], "arrivals").sum(axis=0)
    assert summary.late_share == pytest.approx(late.sum() / arrivals.sum())
    assert [w.late_share for w in summary.workloads] == pytest.approx(list(late / arrivals))
    assert all(0.0 <= w.late_share <= 1.0 for w in summary.workloads)
    assert [w.late_target for w in summary.workloads] == [0.02, 0.05]
    assert summary.objectives_met == sum(w.late_share <= w.late_target for w in summary.workloads)
    assert summary.starts == sum(w.starts for w in summary.workloads)
    for w, workload in enumerate(summary.workloads):
        rises = np.maximum(np.diff(scored(results[place], "ready_replicas")[:, w]), 0.0).sum()
        assert workload.starts >= 0.9 * rises > 5.0
    gpus = np.array([2.0, 1.0])
    offered = (scored(results[place], "offered_replicas") * gpus).sum() / 60.0
    assert summary.offered_gpu_hours == pytest.approx(offered)


def test_the_bound_is_one_for_all_and_no_strategy_is_cheaper(results: list[StrategyResult]) -> None:
    summaries = [r.summary for r in results]
    assert len({(s.bound_gpu_hours, s.bound_dollars) for s in summaries}) == 1
    for s in summaries:
        assert s.bound_dollars == pytest.approx(SPOT_PRICE * s.bound_gpu_hours)
        assert s.gpu_hours_to_bound == pytest.approx(s.gpu_hours / s.bound_gpu_hours)
        assert s.dollars_to_bound == pytest.approx(s.dollars / s.bound_dollars)
        assert s.gpu_hours_to_bound_at_achieved >= 1.0
        assert s.dollars_to_bound_at_achieved >= 1.0


def test_a_minute_without_traffic_of_one_workload_is_left_out_of_the_bill(scenario: Write, tmp_path: Path) -> None:
    path = scenario(tmp_path, *HOURS, ("{trace: traffic.csv, series: batch}", "{trace: gap.csv}"))
    unknown = range(9 * 60, 10 * 60)
    rows = [f"{minute},{'' if minute in unknown else 1200}" for minute in range(12 * 60)]
    (tmp_path / "gap.csv").write_text("\n".join(["minute,requests", *rows, ""]))
    [result] = run_scenario(read_scenario(path), ("hpa-70",), workers=1)
    billed = sum(scored(result, f"billed_gpus_{tier}").sum(axis=1) for tier in ("primary", "burst")) / 60.0
    kept = np.isfinite(scored(result, "arrivals")).all(axis=1)
    assert (~kept).sum() == 60
    assert result.summary.gpu_hours == pytest.approx(billed[kept].sum())
    assert billed[~kept].sum() > 1.0


def test_a_comparison_shows_the_results_and_what_the_bound_is(
    prepared: ScenarioRun, results: list[StrategyResult]
) -> None:
    shown = compare(prepared, results)
    assert shown.title == "Scenario small, seed 3"
    assert [row[0] for row in shown.rows] == list(STRATEGIES)
    assert shown.late_target == {"chat": 0.02, "batch": 0.05}
    assert (shown.scored_from_s, shown.scored_until_s) == (6 * 3600.0, 12 * 3600.0)
    assert shown.notes[-1].startswith(f"Bound: {results[0].summary.bound_gpu_hours:,.0f} GPU-hours")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("clairvoyant", "strategy clairvoyant: a cluster of chance has no plan that is known to be best; "
                     "remove it; see the bound of the table", id="clairvoyant"),
        pytest.param("clairvoyant+loop", "has no plan that is known to be best; remove it", id="with the loop"),
        pytest.param("best", "strategy best: no strategy of this name; there are: clairvoyant, ", id="unknown"),
        pytest.param("hpa70", "strategy hpa70: no strategy of this name; did you mean `hpa-70`?", id="misspelt"),
    ],
)  # fmt: skip
def test_a_strategy_that_cannot_run_is_refused_before_anything_runs(
    prepared: ScenarioRun, name: str, said: str
) -> None:
    told: list[object] = []
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (its text is looked at)
        run_scenario(prepared, ("ours", name), told.append)
    assert said in str(refused.value)
    assert told == []
