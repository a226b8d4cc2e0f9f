"""The past port on a real server: all signals at once, what does not answer left out and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.adapters.prometheus.metrics import Key
from autoscaler.adapters.prometheus.past import PrometheusPast
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.domain.signal import SignalKind
from autoscaler.ports.errors import Unavailable
from tests.prometheus.server import Prometheus

if TYPE_CHECKING:
    from tests.prometheus.conftest import StartPast

END_S = 1_700_000_000.0
BEGIN_S = END_S - 3600.0
ARRIVALS, QUEUE = (0, SignalKind.ARRIVALS), (1, SignalKind.QUEUE)


@pytest.fixture(scope="module")
def store(start_past: StartPast) -> Prometheus:
    """An hour each 15 s: `ramp` says how many seconds have passed."""
    return start_past([("ramp", 15.0 * n, BEGIN_S + 15.0 * n) for n in range(241)])


def past(url: str, queries: dict[Key, str]) -> PrometheusPast:
    server = PrometheusServer(PrometheusSettings(url, retries=0), SystemClock())
    return PrometheusPast(server, ("chat", "code"), queries, (120.0, 120.0))


def test_signals_on_one_grid(store: Prometheus) -> None:
    found = past(store.url, {ARRIVALS: "sum(ramp)", QUEUE: "sum(ramp) * 2"}).past(BEGIN_S, END_S, 60.0, 30.0)
    assert found.at_s.tolist() == [BEGIN_S + 60.0 * n for n in range(61)]
    assert found.values[ARRIVALS] == pytest.approx(60.0 * np.arange(61))
    assert found.values[QUEUE] == pytest.approx(120.0 * np.arange(61))
    assert found.problems == ()


def test_what_is_refused_is_named_and_the_others_are_there(store: Prometheus) -> None:
    found = past(store.url, {ARRIVALS: "sum(ramp)", QUEUE: "sum(("}).past(BEGIN_S, END_S, 60.0, 30.0)
    assert list(found.values) == [ARRIVALS]
    (problem,) = found.problems
    assert problem.startswith("code queue: 400 Bad Request")


def test_nobody_there() -> None:
    with pytest.raises(Unavailable, match="none of 1 range queries was answered: chat arrivals: "):
        past("http://127.0.0.1:9", {ARRIVALS: "sum(ramp)"}).past(BEGIN_S, END_S, 60.0, 5.0)


def test_nothing_asked(store: Prometheus) -> None:
    found = past(store.url, {}).past(BEGIN_S, END_S, 60.0, 5.0)
    assert (found.at_s.size, found.values, found.problems) == (0, {}, ())
