"""What a real server answers, and what becomes of it: one number, or a missing signal with a problem that says why."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from autoscaler.adapters.prometheus.answer import QueryState
from tests.prometheus.server import Prometheus, Sample

if TYPE_CHECKING:
    from tests.prometheus.conftest import Connect, StartPast

END_S = 1_700_000_000.0


@pytest.fixture(scope="module")
def store(start_past: StartPast) -> Prometheus:
    """Ten minutes, a sample each 15 s: two pods with a queue, a counter of 4 a second, gauges that are no numbers."""
    samples: list[Sample] = []
    for n in range(41):
        at_s = END_S - 600.0 + 15.0 * n
        samples += [
            ('queue{pod="a"}', 3.0, at_s), ('queue{pod="b"}', 4.0, at_s),
            ("requests_total", 60.0 * n, at_s), ("zero", 0.0, at_s), ("below", -2.0, at_s),
        ]  # fmt: skip
    return start_past(samples)


@pytest.mark.parametrize(
    ("query", "state", "value"),
    [
        pytest.param("sum(queue)", QueryState.ANSWERED, 7.0, id="sum"),
        pytest.param('queue{pod="a"}', QueryState.ANSWERED, 3.0, id="one series with labels"),
        pytest.param("sum(rate(requests_total[1m]))", QueryState.ANSWERED, 4.0, id="rate"),
        pytest.param("sum(queue) # waiting", QueryState.ANSWERED, 7.0, id="ends with a comment"),
        pytest.param("zero", QueryState.ANSWERED, 0.0, id="true zero"),
        pytest.param("below", QueryState.ANSWERED, -2.0, id="negative, for the core to judge"),
        pytest.param("scalar(sum(queue))", QueryState.ANSWERED, 7.0, id="scalar"),
        pytest.param("2 * 3", QueryState.ANSWERED, 6.0, id="constant"),
        pytest.param("sum(nothing) or vector(0)", QueryState.ANSWERED, 0.0, id="a zero that the query asks for"),
        pytest.param("nothing", QueryState.EMPTY, math.nan, id="nothing"),
        pytest.param("queue", QueryState.SEVERAL, math.nan, id="two series"),
        pytest.param("zero / zero", QueryState.NO_NUMBER, math.nan, id="not a number"),
        pytest.param("sum(queue) / zero", QueryState.NO_NUMBER, math.nan, id="infinite"),
        pytest.param('"text"', QueryState.NO_NUMBER, math.nan, id="text"),
        pytest.param("sum(queue", QueryState.INVALID, math.nan, id="not PromQL: 400"),
        pytest.param("queue + on() queue", QueryState.INVALID, math.nan, id="cannot be evaluated: 422"),
    ],
)
def test_one_number_or_a_problem(
    store: Prometheus, connect: Connect, query: str, state: QueryState, value: float
) -> None:
    answer = connect(store.url).answer(query, END_S)
    assert answer.state is state, answer.problem
    assert answer.value == pytest.approx(value, nan_ok=True)
    assert math.isfinite(answer.age_s) == (state is QueryState.ANSWERED)
    assert (answer.problem is None) == (state is QueryState.ANSWERED)
    assert 0.0 < answer.took_s < 10.0


def test_a_problem_says_what_to_do(store: Prometheus, connect: Connect) -> None:
    client = connect(store.url)
    several = client.answer("queue", END_S).problem
    assert several == "2 series that differ in pod: aggregate over them, as in sum(...) or avg(...)"
    wrong = client.answer("sum(queue", END_S).problem
    assert wrong is not None
    assert "1:10: parse error: unclosed left parenthesis" in wrong  # the place in the query as it was written


def test_one_bad_query_leaves_the_others_alone(store: Prometheus, connect: Connect) -> None:
    metrics = connect(store.url).metrics("sum(", "sum(queue)", "queue", "nothing")
    readings = metrics.read(END_S)
    assert readings.values[:, 0] == pytest.approx([math.nan, 7.0, math.nan, math.nan], nan_ok=True)
    states = [report.answer.state for report in metrics.reports]
    assert states == [QueryState.INVALID, QueryState.ANSWERED, QueryState.SEVERAL, QueryState.EMPTY]


def test_a_fleet_without_queries_reads_nothing(store: Prometheus, connect: Connect) -> None:
    assert connect(store.url).metrics().read(END_S).values.size == 0
