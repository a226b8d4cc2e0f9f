"""A real Prometheus for a session, servers that misbehave, and the adapter on each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from autoscaler.adapters.prometheus.answer import Answer
from autoscaler.adapters.prometheus.history import PrometheusHistory
from autoscaler.adapters.prometheus.metrics import Key, PrometheusMetrics
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.domain.signal import SignalKind
from tests.cluster.exporter import Exporter
from tests.prometheus.desk import Asked, Desk, Reply
from tests.prometheus.server import Prometheus, Sample

PAST_S = 1_700_000_000.0
"""When the given past of a server ends."""


@dataclass
class Client:
    """The adapter on one server. Every query is the arrivals of a workload of its own."""

    settings: PrometheusSettings
    clock: SystemClock
    stack: ExitStack

    def metrics(self, *queries: str) -> PrometheusMetrics:
        """The port, reading these."""
        keys: dict[Key, str] = {(row, SignalKind.ARRIVALS): query for row, query in enumerate(queries)}
        metrics = PrometheusMetrics(self._server(), self.clock, len(queries), keys)
        self.stack.callback(metrics.close)
        return metrics

    def answer(self, query: str, at_s: float | None = None) -> Answer:
        """What one query answers, now or then."""
        server = PrometheusServer(self.settings, self.clock)
        metrics = PrometheusMetrics(server, self.clock, 1, {(0, SignalKind.ARRIVALS): query})
        try:
            metrics.read(self.clock.wall_s() if at_s is None else at_s)
        finally:
            metrics.close()
            server.close()
        return metrics.reports[0].answer

    def history(self, **limits: int) -> PrometheusHistory:
        """The past."""
        return PrometheusHistory(self._server(), **limits)

    def _server(self) -> PrometheusServer:
        server = PrometheusServer(self.settings, self.clock)
        self.stack.callback(server.close)
        return server


Connect = Callable[..., Client]
OpenDesk = Callable[[Callable[[Asked], Reply]], Desk]
StartPast = Callable[[list[Sample]], Prometheus]


@pytest.fixture(scope="session")
def clock() -> SystemClock:
    """The machine's."""
    return SystemClock()


@pytest.fixture
def connect(clock: SystemClock) -> Iterator[Connect]:
    """The adapter on a URL, with settings of the test."""
    with ExitStack() as stack:

        def open_client(url: str, **settings: Any) -> Client:
            return Client(PrometheusSettings(url, **settings), clock, stack)

        yield open_client


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    """A server that answers as the test says."""
    with ExitStack() as stack:

        def open_one(reply: Callable[[Asked], Reply]) -> Desk:
            desk = Desk(reply)
            stack.callback(desk.close)
            return desk

        yield open_one


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    """A metrics endpoint of this test."""
    found = Exporter()
    yield found
    found.close()


@pytest.fixture
def scraping(exporter: Exporter, tmp_path: Path) -> Iterator[Prometheus]:
    """A real server that scrapes it each second."""
    server = Prometheus(tmp_path / "prometheus", scrapes=exporter.port)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def start_past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartPast]:
    """A real server with nothing but a given past."""
    with ExitStack() as stack:

        def start(samples: list[Sample]) -> Prometheus:
            server = Prometheus(tmp_path_factory.mktemp("past"))
            server.give_past(samples)
            server.start()
            stack.callback(server.stop)
            return server

        yield start
