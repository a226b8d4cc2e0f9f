"""A scenario file, read and made ready to run: policies compiled, traffic scaled, the cluster set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind
from autoscaler.evaluation.scenario.model import PoolStages, Scenario, SimulatedWorkload, Stage
from autoscaler.evaluation.scenario.traffic import STEP_S, scaled_requests
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.governed import Governed
from autoscaler.policy.load import Document, of_kind, read_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import Path as Place
from autoscaler.policy.problem import PolicyError, Problem, nearest
from autoscaler.simulator.settings import (
    PROFILES,
    AutoscalerProfile,
    ClusterSetting,
    HpaSetting,
    MetricsOutage,
    PoolSetting,
    SpotMarket,
    StockOut,
    WorkloadSetting,
    ZoneLoss,
)
from autoscaler.simulator.stages import StageLaw, total_mean_s, total_quantile_s

LEAD_LEVEL = 0.8
"""Quantile of start times that planners are told as lead time, as if learned: a mean would be late half the time."""

SIGNALS = {
    "arrivals": SignalKind.ARRIVALS,
    "queue": SignalKind.QUEUE,
    "running": SignalKind.RUNNING,
    "served": SignalKind.SERVED,
    "gpuUtilization": SignalKind.GPU_UTILIZATION,
}


@dataclass(frozen=True, slots=True, eq=False)
class ScenarioRun:
    """A scenario ready to run. Workloads stand in the order of the compiled fleet.

    offered: float [T], replicas in each step of `step_s` seconds, by workload. node_mean_s, replica_means_s: mean lead
    times, the node's of the fastest pool. notes: what a reader must know of the traffic.
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

    def strategies(self) -> tuple[str, ...]:
        """In the order of the file."""
        return self.spec.strategies


def read_scenario(path: Path, seed: int | None = None) -> ScenarioRun:
    """Reads and prepares a scenario file; `seed` takes the place of the one in it.

    Raises PolicyError with all that is wrong, TraceError for its traces.
    """
    documents = read_documents(path, {**KINDS, "Scenario": Scenario})
    scenarios, policies = of_kind(documents, Scenario), of_kind(documents, CapacityPolicy)
    pools = of_kind(documents, GpuPool)
    if len(scenarios) != 1:
        hint = (
            "add one document of `kind: Scenario`" if not scenarios else "keep one, move the others to their own files"
        )
        raise PolicyError([Problem(str(path), 1, 1, "", f"{len(scenarios)} documents of kind Scenario", hint)])
    scenario = scenarios[0]
    if seed is not None:
        scenario = replace(scenario, model=scenario.model.model_copy(update={"seed": seed}))
    _check_names(scenario, policies, pools)
    leads = {w.policy: _leads(scenario.model, _policy(policies, w.policy), w) for w in scenario.model.workloads}
    shapes = {w.policy: w.gpus_per_replica for w in scenario.model.workloads}
    epoch_s = datetime.combine(scenario.model.start, datetime.min.time(), UTC).timestamp()
    governed = compile_fleet(policies, pools, shapes, leads, epoch_s)
    return _prepare(scenario, governed, {p.name: p.model for p in policies}, path.parent)


def _prepare(
    scenario: Document[Scenario], governed: Governed, policies: Mapping[str, CapacityPolicy], folder: Path
) -> ScenarioRun:
    spec, fleet = scenario.model, governed.fleet
    by_policy = {w.policy: w for w in spec.workloads}
    ordered = [by_policy[name] for name in fleet.names]
    pool_settings = [_pool_setting(pool, spec) for pool in fleet.pools]
    settings, notes = [], []
    for w, workload in enumerate(ordered):
        requests, note = scaled_requests(workload, policies[workload.policy], spec, w, folder)
        tiers = np.flatnonzero(fleet.primary[w]).tolist() + np.flatnonzero(fleet.burst[w]).tolist()
        settings.append(_workload_setting(workload, policies[workload.policy], requests, tuple(tiers)))
        notes.append(note)
    offered = tuple(s.requests / (s.requests_per_s * STEP_S) for s in settings)
    expander = spec.node_autoscaler.expander or tuple(p.name for p in fleet.pools)
    names = [p.name for p in fleet.pools]
    cluster = ClusterSetting(
        pools=tuple(pool_settings),
        workloads=tuple(settings),
        autoscaler=_profile(spec),
        expander=tuple(names.index(n) for n in expander),
        start_replicas=tuple(int(np.ceil(d[np.isfinite(d)][0] - 1e-9)) for d in offered),
        signals=_signals(policies),
        seed=spec.seed,
        scrape_s=spec.scrape_s,
        faults=_faults(spec, fleet.pools),
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
        notes=tuple(dict.fromkeys(n for n in notes if n)),
    )


def _check_names(
    scenario: Document[Scenario], policies: list[Document[CapacityPolicy]], pools: list[Document[GpuPool]]
) -> None:
    """Each policy has one simulated workload, each pool its stages; nothing is named that is not there."""
    spec = scenario.model
    asked = {"pools": [p.pool for p in spec.pools], "workloads": [w.policy for w in spec.workloads]}
    there = {"pools": [p.name for p in pools], "workloads": [p.name for p in policies]}
    key = {"pools": "pool", "workloads": "policy"}
    found: list[Problem] = []
    for part, names in asked.items():
        for n, name in enumerate(names):
            place: Place = ("spec", part, n, key[part])
            if name not in there[part]:
                found.append(scenario.problem(place, f"no {key[part]} of this name", nearest(name, there[part])))
            elif name in names[:n]:
                found.append(scenario.problem(place, "given twice", "keep one of the two"))
        for name in there[part]:
            if name not in names:
                hint = f"add `- {{{key[part]}: {name}, ...}}`, or remove the {key[part]}"
                found.append(scenario.problem(("spec", part), f"{key[part]} {name} is not simulated", hint))
    found += _weather_problems(scenario, {p.name: p.model for p in pools})
    found += _too_large(scenario, {p.name: p.model for p in policies}, {p.name: p.model for p in pools})
    if found:
        raise PolicyError(found)


def _weather_problems(scenario: Document[Scenario], pools: Mapping[str, GpuPool]) -> list[Problem]:
    spec, found = scenario.model, []
    for n, name in enumerate(spec.node_autoscaler.expander):
        if name not in pools:
            place: Place = ("spec", "nodeAutoscaler", "expander", n)
            found.append(scenario.problem(place, "no pool of this name", nearest(name, pools)))
    zoned = [("stockOuts", n, f.pool, f.zone) for n, f in enumerate(spec.weather.stock_outs)]
    zoned += [("zoneLosses", n, f.pool, f.zone) for n, f in enumerate(spec.weather.zone_losses)]
    for part, n, name, zone in zoned:
        at: Place = ("spec", "weather", part, n)
        if name not in pools:
            found.append(scenario.problem((*at, "pool"), "no pool of this name", nearest(name, pools)))
        elif zone is not None and zone not in pools[name].zones:
            found.append(scenario.problem((*at, "zone"), f"no zone of {name}", nearest(zone, pools[name].zones)))
    return found


def _too_large(
    scenario: Document[Scenario], policies: Mapping[str, CapacityPolicy], pools: Mapping[str, GpuPool]
) -> list[Problem]:
    """Replicas that no node of one of their pools can hold."""
    found = []
    for n, workload in enumerate(scenario.model.workloads):
        tiers = policies[workload.policy].pools if workload.policy in policies else None
        for name in (*tiers.primary, *tiers.burst) if tiers is not None else ():
            if name in pools and workload.gpus_per_replica > pools[name].gpus_per_node:
                said = f"a node of {name} has {pools[name].gpus_per_node} GPUs"
                place: Place = ("spec", "workloads", n, "gpusPerReplica")
                found.append(scenario.problem(place, said, f"write `{pools[name].gpus_per_node}` or less"))
    return found


def _policy(policies: list[Document[CapacityPolicy]], name: str) -> CapacityPolicy:
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
    )


def _signals(policies: Mapping[str, CapacityPolicy]) -> frozenset[SignalKind]:
    read = {SIGNALS[name] for policy in policies.values() for name in policy.demand.signals()}
    measured = {SignalKind.LATE_SHARE} if any(p.objective.measured for p in policies.values()) else set()
    return frozenset(read | measured)


def _faults(spec: Scenario, pools: tuple[Pool, ...]) -> tuple[MetricsOutage | StockOut | ZoneLoss, ...]:
    names = [p.name for p in pools]
    outages = [MetricsOutage(f.at_s, f.at_s + f.duration_s) for f in spec.weather.metrics_outages]
    stock_outs = []
    for f in spec.weather.stock_outs:
        pool = names.index(f.pool)
        zone = None if f.zone is None else pools[pool].zones.index(f.zone)
        stock_outs.append(StockOut(pool, zone, f.at_s, f.at_s + f.duration_s))
    losses = [
        ZoneLoss(names.index(f.pool), pools[names.index(f.pool)].zones.index(f.zone), f.at_s)
        for f in spec.weather.zone_losses
    ]
    return (*outages, *stock_outs, *losses)
