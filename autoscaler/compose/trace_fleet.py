"""The fleet and the cluster of a trace: one on-demand pool, one GPU a replica and a node, no bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoscaler.compose.trace_run import TraceRun
from autoscaler.domain.arrays import Floats
from autoscaler.domain.fleet import NO_MAXIMUM, Fleet
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind
from autoscaler.evaluation.traffic import Traffic
from autoscaler.simulator.settings import KARPENTER, ClusterSetting, PoolSetting, WorkloadSetting
from autoscaler.simulator.stages import StageLaw

STALE_AFTER_S = 120.0
P90_TO_MEDIAN = 1.3
"""Spread of the lead times in full fidelity; their means are the ones asked for."""
LATE_AFTER_S = 1.0
"""In full fidelity; in simple fidelity no queue is carried over, so that nobody waits."""
SIGNALS = {
    "arrivals": frozenset({SignalKind.ARRIVALS}),
    "queue,gpu": frozenset({SignalKind.QUEUE, SignalKind.GPU_UTILIZATION}),
}
GATEWAY = frozenset({SignalKind.LATE_SHARE})
"""What counts arrivals in full fidelity is a gateway, which knows who waited."""


def trace_fleet(names: Sequence[str], arrivals_per_replica: Floats, request: TraceRun) -> Fleet:
    """The workloads; the lead times asked for as priors. arrivals_per_replica: requests a second, float [W]."""
    n = len(names)
    nothing = np.full(n, np.nan)
    return Fleet(
        names=tuple(names),
        pools=(_pool(request),),
        primary=np.ones((n, 1), dtype=bool),
        burst=np.zeros((n, 1), dtype=bool),
        gpus_per_replica=np.ones(n, dtype=np.int64),
        min_replicas=np.zeros(n, dtype=np.int64),
        max_replicas=np.full(n, NO_MAXIMUM),
        late_target=np.full(n, request.late_share),
        late_after_s=np.full(n, LATE_AFTER_S) if request.fidelity == "full" else nothing,
        arrivals_per_replica=arrivals_per_replica,
        concurrency_per_replica=nothing,
        utilization_per_replica=np.ones(n),
        stale_after_s=np.full(n, max(STALE_AFTER_S, request.tick_s)),
        hold_s=nothing,
        node_lead_s=np.full(n, request.node_lead_s),
        replica_lead_s=np.full(n, request.replica_lead_s),
    )


def full_cluster(traffics: list[Traffic], request: TraceRun) -> ClusterSetting:
    """The cluster of full fidelity: lead times drawn around those asked for, nodes bought as Karpenter does.

    Its own second of batching is part of the node's lead time.
    """
    node_s = max(request.node_lead_s - KARPENTER.batch_s, 0.0)
    signals = SIGNALS[request.signals]
    return ClusterSetting(
        pools=(PoolSetting(_pool(request), (_law(node_s),)),),
        workloads=tuple(_workload(t, request) for t in traffics),
        autoscaler=replace(KARPENTER, scale_down_delay_s=request.scale_down_delay_s),
        expander=(0,),
        start_replicas=tuple(int(np.ceil(t.offered[t.seen][0] - 1e-9)) for t in traffics),
        signals=signals | GATEWAY if SignalKind.ARRIVALS in signals else signals,
        seed=request.seed,
    )


def _workload(traffic: Traffic, request: TraceRun) -> WorkloadSetting:
    return WorkloadSetting(
        name=traffic.trace.name,
        requests=traffic.requests,
        step_s=request.tick_s,
        requests_per_s=traffic.capacity / request.tick_s,
        pools=(0,),
        gpus=1,
        image=StageLaw(0.0, 0.0),
        stages=(_law(request.replica_lead_s),),
        late_after_s=LATE_AFTER_S,
    )


def _pool(request: TraceRun) -> Pool:
    return Pool("on-demand", CapacityType.ON_DEMAND, 1, request.gpu_price_dollars)


def _law(mean_s: float) -> StageLaw:
    return StageLaw.of_mean(mean_s, P90_TO_MEDIAN) if mean_s > 0.0 else StageLaw(0.0, 0.0)
