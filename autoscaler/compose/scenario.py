"""Runs the strategies of a scenario, each through the loop on its own copy of the simulated cluster; scores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.compose.trace_run import NO_PATH
from autoscaler.evaluation.comparison import Bound, Comparison, StrategyRun
from autoscaler.evaluation.fleet_score import HEADINGS, FleetSummary, Scored, bound_note, cells, fleet_summary
from autoscaler.evaluation.incidents import faults_of
from autoscaler.evaluation.parallel import Advance, Watch, run_all
from autoscaler.evaluation.replay import Look, Recording, Replay, run
from autoscaler.evaluation.scenario.check import unusable_strategy
from autoscaler.evaluation.scenario.prepare import ScenarioRun
from autoscaler.evaluation.shared_bound import SharedBound, shared_bound
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.simulator.full import FullWorld


@dataclass(frozen=True, slots=True, eq=False)
class StrategyResult:
    """Summary of the scored part, and what happened over the whole replay."""

    summary: FleetSummary
    run: StrategyRun


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    scenario: ScenarioRun
    strategy: str | None
    """None: the bound."""


def run_scenario(
    scenario: ScenarioRun, strategies: Sequence[str], watch: Watch | None = None, workers: int | None = None
) -> list[StrategyResult]:
    """One result a strategy, in order, the same for any number of `workers` (one a core by default).

    Raises ValueError for a strategy that there is not, or that needs to know the future.
    """
    for name in strategies:
        wrong = unusable_strategy(name)
        if wrong is not None:
            raise ValueError(f"strategy {name}: {wrong[0]}; {wrong[1]}")
    jobs = [_Job(scenario, name) for name in (*strategies, None)]
    found = run_all(_work, jobs, watch, workers)
    bound = found[-1]
    assert isinstance(bound, SharedBound)
    replays = [r for r in found[:-1] if isinstance(r, _Replayed)]
    return [_scored(scenario, replay, bound) for replay in replays]


@dataclass(frozen=True, slots=True, eq=False)
class _Replayed:
    recording: Recording
    notices: int


def _setting(scenario: ScenarioRun) -> Setting:
    shared = any(p.pool.gpus_per_node > 1 for p in scenario.cluster.pools) or len(scenario.cluster.workloads) > 1
    return Setting(scenario.spec.warmup_s, shared, NO_PATH)


def _work(job: _Job, advance: Advance) -> _Replayed | SharedBound:
    if job.strategy is None:
        return scenario_bound(job.scenario)
    return _Replayed(*replayed(job.scenario, job.strategy, advance))


def replayed(
    scenario: ScenarioRun, name: str, advance: Advance, look: Look | None = None, details: bool = True,
    world: FullWorld | None = None,
) -> tuple[Recording, int]:  # fmt: skip
    """(what happened under one strategy, spot nodes called back); look: sees every tick, details: see `Replay`. world:
    of the scenario's cluster, where `look` looks into it."""
    setting, tick_s = _setting(scenario), scenario.spec.tick_s
    world = FullWorld(scenario.cluster) if world is None else world
    chosen = strategy(name, setting, scenario.without)
    ticks = round(scenario.spec.end_s / tick_s)
    replay = Replay(scenario.policies, chosen, tick_s, ticks, shared_nodes=setting.shared_nodes, details=details)
    return run(world, replay, advance, look), world.notices


def scenario_bound(scenario: ScenarioRun) -> SharedBound:
    """What no plan can undercut over the scored part: constant mean lead times, no image to pull."""
    first = round(scenario.spec.warmup_s / scenario.step_s)
    end = first + round(scenario.spec.score_s / scenario.step_s)
    return shared_bound(
        [demand[first:end] for demand in scenario.offered],
        [w.gpus for w in scenario.cluster.workloads],
        scenario.step_s,
        scenario.node_mean_s,
        scenario.replica_means_s,
    )


def _scored(scenario: ScenarioRun, replayed: _Replayed, bound: SharedBound) -> StrategyResult:
    recording = replayed.recording
    first = round(scenario.spec.warmup_s / recording.tick_s)
    columns = {name: column[first:] for name, column in recording.columns.items()}
    part = Scored(
        tick_s=recording.tick_s,
        billed=recording.billed_gpus[first:],
        arrivals=columns["arrivals"],
        late=columns["late"],
        offered=columns["offered_replicas"],
        starts=columns["starts"],
    )
    fleet = scenario.policies.fleet
    summary = fleet_summary(
        recording.strategy,
        part,
        fleet,
        bound,
        seed=scenario.spec.seed,
        ticks_per_second=round(recording.ticks_per_second, 1),
        notices=replayed.notices,
    )
    return StrategyResult(summary, recording.strategy_run(fleet.names))


def compare(scenario: ScenarioRun, results: Sequence[StrategyResult]) -> Comparison:
    """What a report shows of results of one scenario."""
    spec, fleet = scenario.spec, scenario.policies.fleet
    return Comparison(
        title=f"Scenario {scenario.name}, seed {spec.seed}",
        notes=(*scenario.notes, bound_note(results[0].summary)),
        headings=HEADINGS,
        rows=tuple(cells(result.summary) for result in results),
        runs=tuple(result.run for result in results),
        late_target=dict(zip(fleet.names, fleet.late_target.tolist(), strict=True)),
        tick_s=spec.tick_s,
        scored_from_s=spec.warmup_s,
        scored_until_s=spec.warmup_s + spec.score_s,
        forecast_ahead_s=dict(zip(fleet.names, fleet.lead_s.tolist(), strict=True)),
        faults=faults_of(scenario.cluster),
        bound=Bound(results[0].summary.bound_gpu_hours, results[0].summary.bound_dollars),
    )
