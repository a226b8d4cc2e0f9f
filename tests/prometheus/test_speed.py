"""A hundred workloads with five signals each, in one tick, from a real server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.adapters.prometheus.metrics import Key, PrometheusMetrics
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.domain.signal import SIGNALS, SignalKind

if TYPE_CHECKING:
    from tests.prometheus.conftest import StartPast
    from tests.prometheus.server import Sample

WORKLOADS = 100
END_S = 1_700_000_000.0
QUERIES = {
    SignalKind.ARRIVALS: 'sum(rate(gateway_requests_total{{model="m{0}"}}[1m]))',
    SignalKind.QUEUE: 'sum(waiting{{model="m{0}"}})',
    SignalKind.RUNNING: 'sum(running{{model="m{0}"}})',
    SignalKind.SERVED: 'sum(rate(success_total{{model="m{0}"}}[1m]))',
    SignalKind.GPU_UTILIZATION: 'avg(gpu_util{{pod=~"m{0}-.*"}}) / 100',
}


def pods(workload: int, n: int) -> list[Sample]:
    """The samples of four pods at step n of 15 s."""
    at_s = END_S - 600.0 + 15.0 * n
    samples = [(f'gateway_requests_total{{model="m{workload}"}}', 60.0 * n, at_s)]
    for pod in range(4):
        labels = f'model="m{workload}",pod="m{workload}-{pod}"'
        samples += [
            (f"waiting{{{labels}}}", 1.0, at_s), (f"running{{{labels}}}", 8.0, at_s),
            (f"success_total{{{labels}}}", 15.0 * n, at_s), (f"gpu_util{{{labels}}}", 75.0, at_s),
        ]  # fmt: skip
    return samples


def test_five_hundred_queries_in_a_tick(
    start_past: StartPast, clock: SystemClock, record_property: Callable[[str, object], None]
) -> None:
    store = start_past([sample for n in range(41) for w in range(WORKLOADS) for sample in pods(w, n)])
    settings = PrometheusSettings(store.url)
    server = PrometheusServer(settings, clock)
    queries: dict[Key, str] = {(w, kind): text.format(w) for w in range(WORKLOADS) for kind, text in QUERIES.items()}
    metrics = PrometheusMetrics(server, clock, WORKLOADS, queries)
    took_s = []
    for _ in range(3):
        began_s = clock.monotonic_s()
        readings = metrics.read(END_S)
        took_s.append(clock.monotonic_s() - began_s)
    metrics.close()
    server.close()
    record_property("seconds", took_s)
    print(f"500 queries: {', '.join(f'{s:.2f} s' for s in took_s)}")
    expected = [4.0, 4.0, 32.0, 4.0, 0.75, np.nan]
    assert readings.values == pytest.approx(np.tile(expected, (WORKLOADS, 1)), nan_ok=True)
    assert readings.age_s[:, : SIGNALS - 1] == pytest.approx(0.0, abs=0.01)
    assert min(took_s) < settings.tick_s
