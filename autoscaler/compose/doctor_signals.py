"""What the queries of policies answer, for the preflight."""

from __future__ import annotations

import math
from collections.abc import Sequence

from autoscaler.adapters.prometheus.answer import Answer, QueryReport, QueryState
from autoscaler.adapters.prometheus.metrics import PrometheusMetrics
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.signals import signal_queries
from autoscaler.doctor.facts import Signal, Unread
from autoscaler.doctor.signals import SHARES
from autoscaler.domain.signal import SignalKind
from autoscaler.policy.folder import PolicySet
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import PortError, Unavailable

NAMES = {
    SignalKind.ARRIVALS: "arrivals",
    SignalKind.QUEUE: "queue",
    SignalKind.RUNNING: "running",
    SignalKind.SERVED: "served",
    SignalKind.GPU_UTILIZATION: "gpuUtilization",
    SignalKind.LATE_SHARE: "measured",
}
"""As policies call them."""
BACK, STEP = "1h", "1m"
ANSWER_S = 5.0


def answered(
    found: PolicySet, server: PrometheusServer, clock: ClockPort, silent: Unread | None
) -> tuple[Signal, ...]:  # fmt: skip
    """Every query as a tick asks it, and of shares their highest value of an hour. silent: why nobody is asked."""
    queries = signal_queries([policy.model for policy in found.policies])
    now_s = clock.wall_s()
    if silent is not None:
        unasked = Answer(QueryState.UNAVAILABLE, problem=silent.said)
        reports: Sequence[QueryReport] = [QueryReport(*key, query, unasked) for key, query in queries.items()]
    else:
        metrics = PrometheusMetrics(server, clock, len(found.policies), queries)
        try:
            metrics.read(now_s)
        except Unavailable:
            pass  # each report says so
        finally:
            metrics.close()
        reports = metrics.reports
    return tuple(_signal(found, report, server, now_s) for report in reports)


def _signal(found: PolicySet, report: QueryReport, server: PrometheusServer, now_s: float) -> Signal:
    name, answer = NAMES[report.signal], report.answer
    highest = math.nan
    if name in SHARES and answer.state is QueryState.ANSWERED:
        highest = _highest(report.query, server, now_s)
    policy = found.policies[report.workload]
    return Signal(policy, name, report.query, answer.state, answer.value, answer.age_s, answer.problem, highest)


def _highest(query: str, server: PrometheusServer, now_s: float) -> float:
    """Of the last hour, NaN where the store does not tell: the value of now is still judged."""
    try:
        series, _ = server.ask(f"max_over_time(({query}\n)[{BACK}:{STEP}])", now_s, ANSWER_S)
        return max((float(one["value"][1]) for one in series), default=math.nan)
    except (PortError, LookupError, TypeError, ValueError):
        return math.nan
