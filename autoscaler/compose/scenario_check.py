"""Checks a scenario: runs the strategies that its expectations name, and judges them and what holds in any scenario."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.compose.scenario import replayed
from autoscaler.evaluation.parallel import Advance, Watch, run_all
from autoscaler.evaluation.replay import Recording
from autoscaler.evaluation.scenario.expectations import judged
from autoscaler.evaluation.scenario.invariants import Invariants, verdicts
from autoscaler.evaluation.scenario.prepare import ScenarioRun
from autoscaler.evaluation.scenario.verdict import Verdict
from autoscaler.plan.strategies import LOOP_SUFFIX, OURS


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    scenario: ScenarioRun
    strategy: str


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    recording: Recording
    invariants: Invariants


def strategies_of(scenario: ScenarioRun) -> tuple[str, ...]:
    """The strategies that a check runs: ours, and those that expectations name."""
    named = [name for e in scenario.spec.expect for name in (e.strategy, e.of_strategy) if name is not None]
    return tuple(dict.fromkeys(["ours", *named]))


def check(scenario: ScenarioRun, watch: Watch | None = None, workers: int | None = None) -> list[Verdict]:
    """Expectations in the order of the file, then the invariants."""
    names = strategies_of(scenario)
    watched = run_all(_work, [_Job(scenario, name) for name in names], watch, workers)
    runs = {name: one.recording for name, one in zip(names, watched, strict=True)}
    workloads = scenario.policies.fleet.names
    found = [judged(expectation, scenario.spec, workloads, runs) for expectation in scenario.spec.expect]
    return found + verdicts([(name, one.invariants) for name, one in zip(names, watched, strict=True)])


def _work(job: _Job, advance: Advance) -> _Watched:
    base = job.strategy.removesuffix(LOOP_SUFFIX)
    invariants = Invariants(job.scenario.policies.fleet, promises=base in OURS)
    recording, _ = replayed(job.scenario, job.strategy, advance, invariants, details=False)
    return _Watched(recording, invariants)
