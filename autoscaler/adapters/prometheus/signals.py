"""Which queries the policies name."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.adapters.prometheus.metrics import Key
from autoscaler.domain.signal import SignalKind
from autoscaler.policy.model import CapacityPolicy


def signal_queries(policies: Sequence[CapacityPolicy]) -> dict[Key, str]:
    """PromQL of each signal that is read, by the row of its policy and the signal."""
    queries: dict[Key, str] = {}
    for row, policy in enumerate(policies):
        named = {
            SignalKind.ARRIVALS: policy.demand.arrivals,
            SignalKind.QUEUE: policy.demand.queue,
            SignalKind.RUNNING: policy.demand.running,
            SignalKind.SERVED: policy.demand.served,
            SignalKind.GPU_UTILIZATION: policy.demand.gpu_utilization,
            SignalKind.LATE_SHARE: policy.objective.measured,
        }
        queries |= {(row, kind): query.query for kind, query in named.items() if query is not None}
    return queries
