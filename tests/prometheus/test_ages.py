"""How old a value is: a real server dates every value with the time of the query, and hides gaps of five minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from autoscaler.adapters.prometheus.answer import QueryState
from tests.cluster.clock import wait_until
from tests.prometheus.server import Prometheus, Sample

if TYPE_CHECKING:
    from autoscaler.adapters.prometheus.answer import Answer
    from tests.cluster.exporter import Exporter
    from tests.prometheus.conftest import Connect, StartPast

END_S = 1_700_000_000.0
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def store(start_past: StartPast) -> Prometheus:
    """An hour, a sample each 15 s, up to `END_S`; `late_total` and `gone` end 100 s before."""
    samples: list[Sample] = []
    for n in range(241):
        at_s = END_S - 3600.0 + 15.0 * n
        samples += [("queue", 5.0, at_s), ("requests_total", 60.0 * n, at_s)]
        if at_s <= END_S - 100.0:
            samples += [("late_total", 6.0 * n, at_s), ("gone", 1.0, at_s)]
    return start_past(samples)


@pytest.mark.parametrize(
    ("query", "after_s", "age_s"),
    [
        pytest.param("queue", 0.0, 0.0, id="just scraped"),
        pytest.param("queue", 7.25, 7.25, id="between two scrapes"),
        pytest.param("queue", 200.0, 200.0, id="nobody scraped for 200 s"),
        pytest.param("sum by (pod) (queue)", 200.0, 200.0, id="aggregated"),
        pytest.param("sum(rate(requests_total[5m]))", 200.0, 200.0, id="rate over a gap"),
        pytest.param("sum(rate(requests_total[20m]))", 900.0, 900.0, id="rate over more than the lookback"),
        pytest.param("max_over_time(sum(queue)[20m:1m])", 900.0, 900.0, id="subquery"),
        pytest.param("scalar(queue)", 30.0, 30.0, id="scalar"),
        pytest.param("sum(rate(late_total[5m])) / sum(rate(requests_total[5m]))", 0.0, 105.0, id="the older half"),
        pytest.param("queue offset 10m", 30.0, 0.0, id="offset, which the query wants"),
        pytest.param("sum(rate(requests_total[1m] offset 10m))", 630.0, 30.0, id="offset of a rate"),
        pytest.param("sum(never) or queue", 20.0, 20.0, id="a selector without samples has no say"),
        pytest.param("vector(3)", 20.0, 0.0, id="reads no sample"),
    ],
)
def test_the_age_is_that_of_the_sample(
    store: Prometheus, connect: Connect, query: str, after_s: float, age_s: float
) -> None:
    answer = connect(store.url).answer(query, END_S + after_s)
    assert answer.state is QueryState.ANSWERED, answer.problem
    # a window that reaches past the lookback is looked through in twelfths
    assert answer.age_s == pytest.approx(age_s, abs=100.0 if after_s > 300.0 and age_s > 300.0 else 0.01)
    assert answer.age_s >= age_s - 0.01


def test_after_the_lookback_a_gauge_is_gone(store: Prometheus, connect: Connect) -> None:
    assert connect(store.url).answer("queue", END_S + 301.0).state is QueryState.EMPTY


def test_a_dead_target_ages_in_a_rate_and_is_gone_as_a_level(
    scraping: Prometheus, exporter: Exporter, connect: Connect
) -> None:
    exporter.rate("requests_total", 50.0)
    exporter.set("queue", 2.0)
    client = connect(scraping.url)

    def until(query: str, what: str, aged_s: float | None) -> Answer:
        def look() -> Answer | None:
            answer = client.answer(query)
            fits = answer.state is QueryState.EMPTY if aged_s is None else answer.age_s >= aged_s
            return answer if fits and (aged_s is None or answer.state is QueryState.ANSWERED) else None

        return wait_until(look, what, PATIENCE_S, 0.1)

    assert until("sum(rate(requests_total[30s]))", "a rate", 0.0).age_s < 5.0
    exporter.down = True  # after two samples at least, which may lie between two looks
    until("queue", "the level to be gone", None)
    assert client.answer("sum(rate(requests_total[30s]))").age_s > 0.5
    aged = until("sum(rate(requests_total[30s]))", "the rate to age", 4.0)
    assert aged.value > 0.0


def test_a_restart_of_the_server_shows_as_age_and_not_as_fresh_values(
    scraping: Prometheus, exporter: Exporter, connect: Connect
) -> None:
    exporter.set("queue", 2.0)
    client = connect(scraping.url, retry_s=0.01)
    wait_until(lambda: client.answer("queue").state is QueryState.ANSWERED, "a first sample", PATIENCE_S, 0.1)
    exporter.down = True  # so that no scrape of the new process makes it fresh; it marks nothing as gone either
    scraping.stop()
    scraping.start()
    aged = wait_until(
        lambda: answer if 3.0 <= (answer := client.answer("queue")).age_s < 60.0 else None, "age", PATIENCE_S
    )
    assert (aged.state, aged.value) == (QueryState.ANSWERED, 2.0)
    exporter.down = False
    exporter.set("queue", 3.0)
    wait_until(lambda: client.answer("queue").value == 3.0, "the value to come back", PATIENCE_S, 0.1)
