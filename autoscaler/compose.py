"""The composition root: the one place that knows every concrete class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.fleet import NO_MAXIMUM, Fleet
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind
from autoscaler.evaluation.replay import Progress, Recording, Replay, run
from autoscaler.evaluation.score import Run, Summary, score
from autoscaler.evaluation.timeline import Timeline
from autoscaler.evaluation.traffic import Traffic, prepare
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.policy.governed import Governed
from autoscaler.simulator.simple import SimpleWorld

STALE_AFTER_S = 120.0
DAY_S = 86_400.0
SIGNALS = {
    "arrivals": frozenset({SignalKind.ARRIVALS}),
    "queue,gpu": frozenset({SignalKind.QUEUE, SignalKind.GPU_UTILIZATION}),
}


@dataclass(frozen=True, slots=True)
class TraceRun:
    """One strategy on one trace; times in seconds, shares 0..1. `details`: record forecast quantiles and nodes."""

    trace: Path
    series: str | None = None
    strategy: str = "ours"
    node_lead_s: float = 180.0
    replica_lead_s: float = 120.0
    scale_down_delay_s: float = 0.0
    late_share: float = 0.01
    fleet_peak: float = 30.0
    warmup_s: float = 7 * DAY_S
    score_s: float | None = None
    tick_s: float = 60.0
    seed: int = 1
    signals: str = "arrivals"
    gpu_price_dollars: float = 1.0
    poisson: bool = False
    details: bool = False

    def check(self) -> None:
        """Raises ValueError where values make no sense or contradict each other."""
        if self.gpu_price_dollars < 0:
            raise ValueError(f"--gpu-price {self.gpu_price_dollars:g}: must not be negative; give dollars a GPU-hour")
        if not (math.isfinite(self.scale_down_delay_s) and self.scale_down_delay_s >= 0):
            raise ValueError(f"--scale-down-delay {self.scale_down_delay_s:g}s: give a time of 0s or longer")
        if self.seed < 0:
            raise ValueError(f"--seed {self.seed}: give a whole number from 0")
        strategy(self.strategy, Setting(self.warmup_s, False, np.zeros((1, 1), dtype=np.int64)))


@dataclass(frozen=True, slots=True)
class TraceResult:
    """Summary of the scored part, timelines of the whole replay, and lines that a person should read with it."""

    summary: Summary
    timelines: list[Timeline]
    notes: list[str]


def run_trace(request: TraceRun, progress: Progress | None = None) -> TraceResult:
    """Replays a trace under one strategy. Raises ValueError for a trace or option that cannot be used."""
    request.check()
    rng = np.random.default_rng(request.seed) if request.poisson else None
    traffic = prepare(
        request.trace, request.series, request.tick_s, request.fleet_peak, request.warmup_s, request.score_s, rng
    )
    recording = replay_traffic([traffic], request, progress)
    summary = _summary(recording, traffic, request)
    note = traffic.trace.gap_note()
    timelines = recording.timelines((traffic.trace.name,))
    return TraceResult(summary, timelines, [] if note is None else [note])


def replay_traffic(traffics: list[Traffic], request: TraceRun, progress: Progress | None = None) -> Recording:
    """Replays one workload a traffic, all of one length, in one run."""
    n = len(traffics)
    lead_s = (np.full(n, request.node_lead_s), np.full(n, request.replica_lead_s))
    capacity = np.array([t.capacity for t in traffics])
    requests = np.stack([t.requests for t in traffics])
    visible = SIGNALS[request.signals]
    world = SimpleWorld(requests, capacity, request.tick_s, *lead_s, visible, request.scale_down_delay_s)
    start_ticks = (request.node_lead_s + request.replica_lead_s) / request.tick_s
    path = None
    if request.strategy.startswith("clairvoyant"):
        path = np.stack([t.clairvoyant_path(start_ticks, request.late_share) for t in traffics])
    chosen = strategy(request.strategy, Setting(request.warmup_s, False, path))
    fleet = trace_fleet([t.trace.name for t in traffics], capacity / request.tick_s, request)
    policies = Governed(fleet, (None,) * n)
    replay = Replay(policies, chosen, request.tick_s, requests.shape[1], details=request.details)
    return run(world, replay, progress)


def trace_fleet(names: list[str], arrivals_per_replica: Floats, request: TraceRun) -> Fleet:
    """One on-demand pool for all, a GPU a replica, no bounds, simulated lead times as priors."""
    n = len(names)
    nothing = np.full(n, np.nan)
    return Fleet(
        names=tuple(names),
        pools=(Pool("on-demand", CapacityType.ON_DEMAND, 1, request.gpu_price_dollars),),
        primary=np.ones((n, 1), dtype=bool),
        burst=np.zeros((n, 1), dtype=bool),
        gpus_per_replica=np.ones(n, dtype=np.int64),
        min_replicas=np.zeros(n, dtype=np.int64),
        max_replicas=np.full(n, NO_MAXIMUM),
        late_target=np.full(n, request.late_share),
        arrivals_per_replica=arrivals_per_replica,
        concurrency_per_replica=nothing,
        utilization_per_replica=np.ones(n),
        stale_after_s=np.full(n, max(STALE_AFTER_S, request.tick_s)),
        hold_s=nothing,
        node_lead_s=np.full(n, request.node_lead_s),
        replica_lead_s=np.full(n, request.replica_lead_s),
    )


def _summary(recording: Recording, traffic: Traffic, request: TraceRun) -> Summary:
    scored = slice(traffic.first, traffic.end)
    billed = recording.billed_gpus[scored, 0].sum(axis=1)
    return score(
        traffic.offered[scored],
        recording.columns["ready_replicas"][scored, 0],
        billed,
        request.tick_s,
        (request.node_lead_s + request.replica_lead_s) / request.tick_s,
        request.late_share,
        run=Run(
            strategy=request.strategy,
            starts=int(recording.columns["starts"][scored].sum()),
            ticks_per_second=round(recording.ticks_per_second, 1),
            seed=request.seed,
        ),
        dollars_per_hour=billed * request.gpu_price_dollars,
    )
