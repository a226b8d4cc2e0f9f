"""Debian's Prometheus beside the exporter whose values a test sets."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from tests.cluster.api import Refused
from tests.cluster.clock import epoch_s, now_s, wait_until
from tests.cluster.exporter import Exporter
from tests.cluster.prometheus import Prometheus

Measured = Callable[[str, float, str], None]


def test_a_value_can_be_queried(exporter: Exporter, prometheus: Prometheus, measured: Measured) -> None:
    begin = now_s()
    exporter.set("vllm:num_requests_waiting", 7.0, model_name='chat "70b"')
    found = prometheus.wait_for("vllm:num_requests_waiting == 7", 10.0)
    measured("Prometheus: a new value is known", now_s() - begin, "scraped every second")
    assert found[0]["metric"]["model_name"] == 'chat "70b"'
    exporter.remove("vllm:num_requests_waiting", model_name='chat "70b"')
    wait_until(lambda: not prometheus.query("vllm:num_requests_waiting"), "the series to go stale", 10.0)


def test_a_counter_grows_at_its_rate(exporter: Exporter, prometheus: Prometheus) -> None:
    exporter.rate("gateway_requests_total", 50.0, model="chat")
    prometheus.wait_for("abs(sum(rate(gateway_requests_total[5s])) - 50) < 5", 30.0)
    assert math.isnan(prometheus.number("nothing_of_this_name"))


def test_a_target_that_is_down_shows(exporter: Exporter, prometheus: Prometheus) -> None:
    prometheus.wait_for("up == 1", 10.0)
    exporter.down = True
    prometheus.wait_for("up == 0", 10.0)


def test_data_survive_a_restart(exporter: Exporter, prometheus: Prometheus) -> None:
    exporter.set("demand", 3.0)
    prometheus.wait_for("demand == 3", 10.0)
    until_s = epoch_s()
    prometheus.program.stop(kill=True)
    exporter.set("demand", 4.0)
    prometheus.start()
    found = prometheus.query_range("demand", until_s - 30.0, until_s, 1.0)
    assert {value for _, value in found[0]["values"]} == {"3"}


def test_too_many_points_are_refused(prometheus: Prometheus) -> None:
    with pytest.raises(Refused, match="exceeded maximum resolution of 11,000 points"):
        prometheus.query_range("up", 0.0, 11_001.0, 1.0)
