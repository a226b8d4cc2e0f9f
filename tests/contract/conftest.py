"""Rigs: what the contract suites of the ports run on. Each is one way to have a cluster, and lets time pass.

On every rig two workloads run one GPU a replica on one pool of one GPU a node. Arrivals are constant, twice what a
replica carries, then unknown for a while. At the start two replicas of each serve, and nothing else stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from autoscaler.adapters.prometheus.metrics import PrometheusMetrics
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.domain.arrays import Floats
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.signal import SignalKind, SignalReadings
from autoscaler.ports.metrics import MetricsPort
from autoscaler.simulator.full import FullWorld
from autoscaler.simulator.settings import KARPENTER, ClusterSetting, PoolSetting, WorkloadSetting
from autoscaler.simulator.simple import SimpleWorld
from autoscaler.simulator.stages import StageLaw
from autoscaler.simulator.world import TickRecord
from tests.contract.cluster_suite import ClusterRig
from tests.prometheus.server import Prometheus, Sample, require_prometheus

WORKLOADS, TICK_S, ENDS_S = 2, 15.0, 3600.0
NODE_S, REPLICA_S = 120.0, 45.0
READ = frozenset({SignalKind.ARRIVALS, SignalKind.QUEUE, SignalKind.SERVED, SignalKind.GPU_UTILIZATION})


class Rig(ClusterRig, Protocol):
    """A cluster behind the ports, and what runs and arrives there.

    arrivals_per_s: of each workload, unknown from `known_until_s` to `unknown_until_s`. carried_per_s: by a replica.
    sees_s: from an event to signals that show nothing but the time after it.
    """

    @property
    def metrics(self) -> MetricsPort: ...

    @property
    def arrivals_per_s(self) -> float: ...

    @property
    def carried_per_s(self) -> float: ...

    @property
    def known_until_s(self) -> float: ...

    @property
    def unknown_until_s(self) -> float: ...

    @property
    def sees_s(self) -> float: ...


class Facts:
    """What is the same on every simulated rig."""

    start = 2
    arrivals_per_s, carried_per_s = 6.0, 3.0
    known_until_s, unknown_until_s = 1800.0, 2400.0
    rounds = 60

    def settle(self) -> None:
        """What was asked for is known at once."""


def _requests(step_s: float) -> Floats:
    """Arrivals a step of one workload."""
    at_s = np.arange(0.0, ENDS_S, step_s)
    unknown = (at_s >= Facts.known_until_s) & (at_s < Facts.unknown_until_s)
    return np.where(unknown, math.nan, Facts.arrivals_per_s * step_s)


class SimpleRig(Facts):
    """The simple fidelity: constant lead times, a node a replica."""

    buys_s, starts_s, sees_s, counts_nodes = NODE_S + TICK_S, REPLICA_S + TICK_S, 2 * TICK_S, False

    def __init__(self) -> None:
        one = np.ones(WORKLOADS)
        requests = np.stack([_requests(TICK_S)] * WORKLOADS)
        self.cluster = self.metrics = self._world = SimpleWorld(
            requests, self.carried_per_s * TICK_S * one, TICK_S, NODE_S * one, REPLICA_S * one, READ
        )
        self.now_s = 0.0

    def wait(self, seconds: float) -> None:
        for _ in range(math.ceil(seconds / TICK_S)):
            self.now_s += TICK_S
            self._world.advance(self.now_s)


class FullRig(Facts):
    """The full fidelity: a scheduler, a node autoscaler, scrapes, queues."""

    metrics: MetricsPort
    buys_s, starts_s, sees_s, counts_nodes = NODE_S + 15.0, REPLICA_S + 1.0, 90.0, True

    def __init__(self) -> None:
        chat = WorkloadSetting(
            name="chat",
            requests=_requests(60.0),
            step_s=60.0,
            requests_per_s=self.carried_per_s,
            pools=(0,),
            gpus=1,
            image=StageLaw(0.0, 0.0),
            stages=(StageLaw(REPLICA_S, REPLICA_S),),
        )
        pool = PoolSetting(Pool("pool", CapacityType.ON_DEMAND), (StageLaw(NODE_S, NODE_S),))
        setting = ClusterSetting(
            pools=(pool,),
            workloads=(chat,) * WORKLOADS,
            autoscaler=KARPENTER,
            expander=(0,),
            start_replicas=(self.start,) * WORKLOADS,
            signals=READ,
            seed=1,
        )
        self.cluster = self.metrics = self._world = FullWorld(setting)
        self.now_s = 0.0

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self._world.advance(self.now_s)


RIGS: dict[str, Callable[[], Rig]] = {"simple": SimpleRig, "full": FullRig}


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest) -> Rig:
    """A fresh rig of each kind."""
    return RIGS[request.param]()


class RecordedRig(FullRig):
    """The full fidelity, scraped into a real Prometheus: each reading starts a server with all that was scraped so far.

    A gap in the traffic is one of the samples, so that levels stay for the 5 minutes that Prometheus looks back.
    """

    sees_s = 300.0 + 2 * TICK_S
    epoch_s = 1_700_000_000.0
    queries = {
        SignalKind.ARRIVALS: 'sum(rate(requests_total{{workload="{0}"}}[1m]))',
        SignalKind.QUEUE: 'sum(waiting{{workload="{0}"}})',
        SignalKind.SERVED: 'sum(rate(served_total{{workload="{0}"}}[1m]))',
        SignalKind.GPU_UTILIZATION: 'sum(rate(busy_total{{workload="{0}"}}[1m])) / '
        'sum(rate(ready_total{{workload="{0}"}}[1m]))',
    }

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.metrics = self
        self._folder = folder
        self._readings = 0
        self._totals = np.zeros((4, WORKLOADS))
        self._samples: list[Sample] = []

    def wait(self, seconds: float) -> None:
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            before_s, self.now_s = self.now_s, min(until_s, (self.now_s // TICK_S + 1.0) * TICK_S)
            self._count(self._world.advance(self.now_s), self.now_s - before_s)

    def read(self, now_s: float) -> SignalReadings:
        self._readings += 1
        store = Prometheus(self._folder / f"reading{self._readings}")
        store.give_past(self._samples)
        store.start()
        clock = SystemClock()
        server = PrometheusServer(PrometheusSettings(store.url), clock)
        named = {(w, kind): text.format(w) for w in range(WORKLOADS) for kind, text in self.queries.items()}
        metrics = PrometheusMetrics(server, clock, WORKLOADS, named)
        try:
            return metrics.read(self.epoch_s + now_s)
        finally:
            metrics.close()
            server.close()
            store.stop()

    def _count(self, tick: TickRecord, tick_s: float) -> None:
        """Adds to the counters, and is scraped where a whole tick has passed and the traffic is known."""
        rates = np.array([tick.arrivals, tick.served, tick.served / self.carried_per_s, tick.ready_replicas * tick_s])
        self._totals += np.nan_to_num(rates)
        if self.now_s % TICK_S:
            return
        at_s = self.epoch_s + self.now_s
        for w in np.flatnonzero(np.isfinite(tick.arrivals)):
            names = ("requests_total", "served_total", "busy_total", "ready_total", "waiting")
            values = [*self._totals[:, w], tick.queue[w]]
            self._samples += [
                (f'{name}{{workload="{w}"}}', float(value), at_s) for name, value in zip(names, values, strict=True)
            ]


METRICS_RIGS = [*sorted(RIGS), "prometheus"]


@pytest.fixture(params=METRICS_RIGS)
def metrics_rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    """A fresh rig of each kind of metrics port."""
    if request.param in RIGS:
        return RIGS[request.param]()
    require_prometheus()
    return RecordedRig(tmp_path)
