"""The queries that policies name, by row and signal."""

from __future__ import annotations

from autoscaler.adapters.prometheus.signals import signal_queries
from autoscaler.domain.signal import SignalKind
from autoscaler.policy.demand import Demand
from autoscaler.policy.model import CapacityPolicy, Objective

SIGNALS = {
    "arrivals": SignalKind.ARRIVALS,
    "queue": SignalKind.QUEUE,
    "running": SignalKind.RUNNING,
    "served": SignalKind.SERVED,
    "gpuUtilization": SignalKind.GPU_UTILIZATION,
}


def policy(*signals: str, measured: str | None = None) -> CapacityPolicy:
    """A policy that reads these; each query is the name of its signal."""
    per_replica = {"arrivals": 4.0, "concurrency": 32, "gpuUtilization": 0.75}
    demand = Demand.model_validate({name: {"query": name} for name in signals} | {"perReplica": per_replica})
    objective = Objective.model_validate({} if measured is None else {"measured": {"query": measured}})
    return CapacityPolicy.model_construct(demand=demand, objective=objective)


def test_every_signal_has_its_column() -> None:
    assert signal_queries([policy(*SIGNALS, measured="late")]) == {
        (0, kind): name for name, kind in {**SIGNALS, "late": SignalKind.LATE_SHARE}.items()
    }


def test_what_a_policy_does_not_name_is_not_asked() -> None:
    queries = signal_queries([policy("arrivals"), policy("running", measured="late")])
    assert queries == {
        (0, SignalKind.ARRIVALS): "arrivals",
        (1, SignalKind.RUNNING): "running",
        (1, SignalKind.LATE_SHARE): "late",
    }
