"""A scenario file, read and made ready to run: policies compiled, traffic scaled, the cluster set up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind
from autoscaler.evaluation.scenario.check import check_scenario
from autoscaler.evaluation.scenario.faults import SIGNALS, Named, faults_of
from autoscaler.evaluation.scenario.generate import STEP_S
from autoscaler.evaluation.scenario.include import included
from autoscaler.evaluation.scenario.model import PoolStages, Scenario, SimulatedWorkload, Stage
from autoscaler.evaluation.scenario.traffic import TrafficError, scaled_requests
from autoscaler.plan.parts import PlanPart
from autoscaler.policy.budget import Budget
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.governed import Governed
from autoscaler.policy.load import Document, of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import Path as Place
from autoscaler.policy.problem import PolicyError, Problem
from autoscaler.simulator.settings import (
    PROFILES,
    AutoscalerProfile,
    ClusterSetting,
    HpaSetting,
    PoolSetting,
    SpotMarket,
    WorkloadSetting,
)
from autoscaler.simulator.stages import StageLaw, total_mean_s, total_quantile_s

LEAD_LEVEL = 0.8
"""Quantile of start times that planners are told as lead time, as if learned: a mean would be late half the time."""

NOTHING: Mapping[PlanPart, Mapping[str, object]] = {
    PlanPart.SCHEDULES: {"schedules": ()},
    PlanPart.CALENDARS: {"calendars": ()},
    PlanPart.BUDGET: {"budget": None},
}
"""What a policy says that does without a part."""


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioRun:
    """A scenario ready to run. Workloads stand in the order of the compiled fleet.

    offered: float [T], replicas in each step of `step_s` seconds, by workload. node_mean_s, replica_means_s: mean lead
    times, the node's of the fastest pool. notes: what a reader must know of the traffic. without: parts of the product
    that are switched off.
    """

    name: str
    spec: Scenario
    policies: Governed
    cluster: ClusterSetting
    offered: tuple[Floats, ...]
    step_s: float
    node_mean_s: float
    replica_means_s: tuple[float, ...]
    notes: tuple[str, ...]
    without: frozenset[PlanPart]


def read_scenario(
    path: Path, seed: int | None = None, without: frozenset[PlanPart] = frozenset[PlanPart]()
) -> ScenarioRun:
    """Reads and prepares a scenario file; `seed` takes the place of the one in it. without: parts of the product that
    are switched off; those of policies are left out of them here.

    Raises PolicyError with all that is wrong.
    """
    documents = read_documents(path, {**KINDS, "Scenario": Scenario})
    scenarios = of_kind(documents, Scenario)
    if len(scenarios) == 1:
        documents += included(scenarios[0], path)
    policies = [_lacking(policy, without) for policy in of_kind(documents, CapacityPolicy)]
    pools, budgets = of_kind(documents, GpuPool), of_kind(documents, Budget)
    if not scenarios:
        hint = "add one document of `kind: Scenario`"
        raise PolicyError([Problem(str(path), 1, 1, "", "no document of kind Scenario", hint)])
    scenario, *others = scenarios
    if seed is not None:
        scenario = replace(scenario, model=scenario.model.model_copy(update={"seed": seed}))
    found = [o.problem(("kind",), "a second Scenario", "keep one, move the other to its own file") for o in others]
    found += check_scenario(scenario, policies, pools, budgets)
    if found:
        raise PolicyError(found)
    leads = {w.policy: _leads(scenario.model, _policy(policies, w.policy), w) for w in scenario.model.workloads}
    shapes = {w.policy: w.gpus_per_replica for w in scenario.model.workloads}
    epoch_s = datetime.combine(scenario.model.start, datetime.min.time(), UTC).timestamp()
    governed = _acting(compile_fleet(policies, pools, shapes, leads, epoch_s, budgets))
    traffic = _traffic(scenario, policies, path.parent)
    return replace(_prepare(scenario, governed, {p.name: p.model for p in policies}, traffic), without=without)


def _acting(governed: Governed) -> Governed:
    """A replay shows what policies do, those too that only observe so far."""
    return replace(governed, fleet=replace(governed.fleet, acts=np.ones(governed.fleet.size, dtype=bool)))


def _lacking(policy: Document[CapacityPolicy], without: frozenset[PlanPart]) -> Document[CapacityPolicy]:
    """The policy as if it did not ask for these parts."""
    nothing = {field: value for part in sorted(without) for field, value in NOTHING.get(part, {}).items()}
    return replace(policy, model=policy.model.model_copy(update=nothing)) if nothing else policy


@dataclass(frozen=True, slots=True, eq=False)
class _Arrivals:
    """Requests in each step, float [T], and what a reader must know of them."""

    requests: Floats
    note: str


def _traffic(
    scenario: Document[Scenario], policies: Sequence[Document[CapacityPolicy]], folder: Path
) -> dict[str, _Arrivals]:
    """By policy. Raises PolicyError with all that is wrong with the traffic of any workload."""
    found, traffic = [], {}
    for n, workload in enumerate(scenario.model.workloads):
        per_replica = _policy(policies, workload.policy).demand.per_replica.arrivals_per_s
        assert per_replica is not None
        try:
            requests, note = scaled_requests(workload, per_replica, scenario.model, n, folder)
            traffic[workload.policy] = _Arrivals(requests, note)
        except TrafficError as error:
            place: Place = ("spec", "workloads", n, "traffic", error.field)
            found.append(scenario.problem(place, error.message, error.hint))
    if found:
        raise PolicyError(found)
    return traffic


def _prepare(
    scenario: Document[Scenario],
    governed: Governed,
    policies: Mapping[str, CapacityPolicy],
    traffic: Mapping[str, _Arrivals],
) -> ScenarioRun:
    spec, fleet = scenario.model, governed.fleet
    by_policy = {w.policy: w for w in spec.workloads}
    pool_settings = [_pool_setting(pool, spec) for pool in fleet.pools]
    settings = []
    for w, name in enumerate(fleet.names):
        tiers = np.flatnonzero(fleet.primary[w]).tolist() + np.flatnonzero(fleet.burst[w]).tolist()
        settings.append(_workload_setting(by_policy[name], policies[name], traffic[name].requests, tuple(tiers)))
    offered = tuple(s.requests / (s.requests_per_s * STEP_S) for s in settings)
    names = [p.name for p in fleet.pools]
    expander = dict.fromkeys([*spec.node_autoscaler.expander, *names])
    cluster = ClusterSetting(
        pools=tuple(pool_settings),
        workloads=tuple(settings),
        autoscaler=_profile(spec),
        expander=tuple(names.index(n) for n in expander),
        start_replicas=tuple(_start(d, policies[name]) for d, name in zip(offered, fleet.names, strict=True)),
        signals=frozenset[SignalKind]().union(*(s.signals or () for s in settings)),
        seed=spec.seed,
        scrape_s=spec.scrape_s,
        faults=faults_of(spec.weather, Named(fleet.names, fleet.pools, spec.end_s)),
    )
    return ScenarioRun(
        name=scenario.name,
        spec=spec,
        policies=governed,
        cluster=cluster,
        offered=offered,
        step_s=STEP_S,
        node_mean_s=min(total_mean_s(p.stages) for p in pool_settings),
        replica_means_s=tuple(total_mean_s(s.stages) for s in settings),
        notes=tuple(dict.fromkeys(traffic[name].note for name in fleet.names if traffic[name].note)),
        without=frozenset(),
    )


def _start(offered: Floats, policy: CapacityPolicy) -> int:
    """Replicas that stand at time 0: what the first known step needs, within the policy's bounds."""
    needed = max(int(np.ceil(offered[np.isfinite(offered)][0] - 1e-9)), policy.replicas.min)
    return needed if policy.replicas.max is None else min(needed, policy.replicas.max)


def _policy(policies: Sequence[Document[CapacityPolicy]], name: str) -> CapacityPolicy:
    return next(p.model for p in policies if p.name == name)


def law(stage: Stage) -> StageLaw:
    """The simulator's law of a stage."""
    return StageLaw(stage.median_s, stage.p90_s)


def _leads(spec: Scenario, policy: CapacityPolicy, workload: SimulatedWorkload) -> tuple[float, float]:
    """(node, replica) lead time that planners are told: slow starts of the slowest pool, with the buyer's own delay."""
    profile = _profile(spec)
    named = {*policy.pools.primary, *policy.pools.burst}
    nodes = [total_quantile_s((law(p.boot), law(p.driver)), LEAD_LEVEL) for p in spec.pools if p.pool in named]
    stages = (law(workload.image), law(workload.weights), law(workload.cuda), law(workload.transfer))
    decide_s = max(profile.wait_s, profile.batch_s)
    return decide_s + max(nodes, default=0.0), total_quantile_s(stages, LEAD_LEVEL)


def _profile(spec: Scenario) -> AutoscalerProfile:
    profile = PROFILES[spec.node_autoscaler.profile]
    delay_s = spec.node_autoscaler.scale_down_delay_s
    return profile if delay_s is None else replace(profile, scale_down_delay_s=delay_s)


def _pool_setting(pool: Pool, spec: Scenario) -> PoolSetting:
    stages: PoolStages = next(p for p in spec.pools if p.pool == pool.name)
    spot = stages.spot
    market = SpotMarket(
        spot.mean_up_s, spot.shape, spot.zone_events_a_day, spot.zone_share, spot.drought_s, spot.notice_s
    )
    is_spot = pool.capacity_type is CapacityType.SPOT
    return PoolSetting(pool, (law(stages.boot), law(stages.driver)), spot=market if is_spot else None)


def _workload_setting(
    workload: SimulatedWorkload, policy: CapacityPolicy, requests: Floats, pools: tuple[int, ...]
) -> WorkloadSetting:
    figures = policy.demand.per_replica
    assert figures.arrivals_per_s is not None
    return WorkloadSetting(
        name=workload.policy,
        requests=requests,
        step_s=STEP_S,
        requests_per_s=figures.arrivals_per_s,
        pools=pools,
        gpus=workload.gpus_per_replica,
        image=law(workload.image),
        stages=(law(workload.weights), law(workload.cuda), law(workload.transfer)),
        late_after_s=policy.objective.late_after_s,
        patience_s=workload.patience_s,
        drain_s=workload.drain_s,
        concurrency=figures.concurrency,
        max_replicas=policy.replicas.max,
        hpa=None if workload.hpa is None else HpaSetting(workload.hpa.target),
        signals=_signals(policy),
    )


def _signals(policy: CapacityPolicy) -> frozenset[SignalKind]:
    """The ones that its queries would answer."""
    read = {SIGNALS[name] for name in policy.demand.signals()}
    return frozenset(read | ({SignalKind.LATE_SHARE} if policy.objective.measured else set()))
