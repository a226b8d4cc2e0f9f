"""One trace, one workload, one strategy, in either fidelity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autoscaler.compose.trace_fleet import SIGNALS, full_cluster, trace_fleet
from autoscaler.compose.trace_run import TraceRun
from autoscaler.evaluation.comparison import Comparison, StrategyRun
from autoscaler.evaluation.parallel import Advance, Watch, run_all
from autoscaler.evaluation.replay import Progress, Recording, Replay, World, run
from autoscaler.evaluation.score import HEADINGS, Run, Summary, cells, score
from autoscaler.evaluation.traffic import Traffic, prepare
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.policy.governed import Governed
from autoscaler.simulator.full import FullWorld
from autoscaler.simulator.simple import SimpleWorld


@dataclass(frozen=True, slots=True, eq=False)
class TraceResult:
    """Summary of the scored part, what happened in the whole replay, and lines that a person should read with it."""

    request: TraceRun
    summary: Summary
    run: StrategyRun
    notes: tuple[str, ...]
    scored_from_s: float
    scored_until_s: float


def run_trace(request: TraceRun, progress: Progress | None = None) -> TraceResult:
    """Replays a trace under one strategy. Raises ValueError for a trace or option that cannot be used."""
    request.check()
    rng = np.random.default_rng(request.seed) if request.poisson else None
    traffic = prepare(
        request.trace, request.series, request.tick_s, request.fleet_peak, request.warmup_s, request.score_s, rng
    )
    recording = replay_traffic([traffic], request, progress)
    note = traffic.trace.gap_note()
    return TraceResult(
        request=request,
        summary=_summary(recording, traffic, request),
        run=recording.strategy_run((traffic.trace.name,)),
        notes=() if note is None else (note,),
        scored_from_s=traffic.first * request.tick_s,
        scored_until_s=traffic.end * request.tick_s,
    )


def run_strategies(
    request: TraceRun, names: Sequence[str], watch: Watch | None = None, workers: int | None = None
) -> list[TraceResult]:
    """The same trace under each strategy, in order, the same for any number of `workers` (one a core by default).

    Raises as `run_trace` does.
    """
    jobs = [replace(request, strategy=name) for name in names]
    for job in jobs:
        job.check()
    return run_all(_work, jobs, watch, workers)


def _work(job: TraceRun, advance: Advance) -> TraceResult:
    return run_trace(job, advance)


def compare(results: Sequence[TraceResult], title: str) -> Comparison:
    """What a report shows of results of one trace, recorded with details."""
    first = results[0]
    return Comparison(
        title=title,
        notes=first.notes,
        headings=HEADINGS,
        rows=tuple(cells(result.summary) for result in results),
        runs=tuple(result.run for result in results),
        late_target={first.run.timelines[0].workload: first.request.late_share},
        tick_s=first.request.tick_s,
        scored_from_s=first.scored_from_s,
        scored_until_s=first.scored_until_s,
        forecast_ahead_s={first.run.timelines[0].workload: first.request.node_lead_s + first.request.replica_lead_s},
    )


def replay_traffic(traffics: list[Traffic], request: TraceRun, progress: Progress | None = None) -> Recording:
    """Replays one workload a traffic, all of one length, in one run."""
    requests = np.stack([t.requests for t in traffics])
    start_ticks = (request.node_lead_s + request.replica_lead_s) / request.tick_s
    path = None
    if request.strategy.startswith("clairvoyant"):
        path = np.stack([t.clairvoyant_path(start_ticks, request.late_share) for t in traffics])
    chosen = strategy(request.strategy, Setting(request.warmup_s, False, path))
    per_replica = np.array([t.capacity for t in traffics]) / request.tick_s
    fleet = trace_fleet([t.trace.name for t in traffics], per_replica, request)
    policies = Governed(fleet, (None,) * len(traffics))
    replay = Replay(policies, chosen, request.tick_s, requests.shape[1], details=request.details)
    return run(_world(traffics, request), replay, progress)


def _world(traffics: list[Traffic], request: TraceRun) -> World:
    if request.fidelity == "full":
        return FullWorld(full_cluster(traffics, request))
    n = len(traffics)
    lead_s = (np.full(n, request.node_lead_s), np.full(n, request.replica_lead_s))
    capacity = np.array([t.capacity for t in traffics])
    requests = np.stack([t.requests for t in traffics])
    return SimpleWorld(
        requests, capacity, request.tick_s, *lead_s, SIGNALS[request.signals], request.scale_down_delay_s
    )  # fmt: skip


def _summary(recording: Recording, traffic: Traffic, request: TraceRun) -> Summary:
    scored = slice(traffic.first, traffic.end)
    columns = {name: column[scored, 0] for name, column in recording.columns.items()}
    billed = recording.billed_gpus[scored, 0].sum(axis=1)
    measured = columns["late"] / traffic.capacity if request.fidelity == "full" else None
    return score(
        traffic.offered[scored],
        columns["ready_replicas"],
        billed,
        request.tick_s,
        (request.node_lead_s + request.replica_lead_s) / request.tick_s,
        request.late_share,
        run=Run(
            strategy=request.strategy,
            starts=int(columns["starts"].sum()),
            ticks_per_second=round(recording.ticks_per_second, 1),
            seed=request.seed,
        ),
        dollars_per_hour=billed * request.gpu_price_dollars,
        late=measured,
    )
