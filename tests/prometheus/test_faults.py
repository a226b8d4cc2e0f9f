"""What goes wrong between us and the server: each fault costs its own query, within its time, and says what to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.adapters.prometheus.answer import QueryState
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.ports.errors import Forbidden, Invalid, Unavailable
from tests.cluster.clock import wait_until
from tests.cluster.processes import LOOPBACK, free_port
from tests.prometheus.desk import Asked, Desk, Reply, number, silent_port

if TYPE_CHECKING:
    from tests.cluster.exporter import Exporter
    from tests.prometheus.conftest import Connect, OpenDesk
    from tests.prometheus.server import Prometheus

GONE = Reply(503, b"no healthy upstream")


def seconds(clock: SystemClock, action: Callable[[], object]) -> float:
    """How long it takes."""
    began_s = clock.monotonic_s()
    action()
    return clock.monotonic_s() - began_s


def hangs_on(word: str, desk: Callable[[], Desk]) -> Callable[[Asked], Reply]:
    """Answers 1, but a query with this word only when the desk lets it go."""

    def reply(asked: Asked) -> Reply:
        if word in asked.form["query"]:
            desk().released.wait(60.0)
        return number("1")

    return reply


def test_nobody_there(connect: Connect, clock: SystemClock) -> None:
    metrics = connect(f"http://{LOOPBACK}:{free_port()}", retry_s=0.05).metrics(*["up"] * 500)

    def read() -> None:
        with pytest.raises(Unavailable, match=r"none of 500 queries was answered: .*no connection"):
            metrics.read(0.0)

    assert seconds(clock, read) < 3.0
    assert {report.answer.state for report in metrics.reports} == {QueryState.UNAVAILABLE}


def test_a_server_that_never_answers(connect: Connect, clock: SystemClock) -> None:
    with silent_port() as port:
        metrics = connect(f"http://{LOOPBACK}:{port}", query_s=0.5, tick_s=1.0).metrics(*["up"] * 100)

        def read() -> None:
            with pytest.raises(Unavailable):
                metrics.read(0.0)

        assert 0.4 < seconds(clock, read) < 3.0
    states = [report.answer.state for report in metrics.reports]
    assert states[:10] == [QueryState.UNAVAILABLE] * 10
    assert QueryState.LATE in states


def test_an_answer_that_drips_ends_in_time(open_desk: OpenDesk, connect: Connect, clock: SystemClock) -> None:
    desk = open_desk(lambda asked: replace(number("1"), drip_s=0.1))
    client = connect(desk.url, query_s=0.5)

    def read() -> None:
        with pytest.raises(Unavailable, match="no whole answer in time"):
            client.answer("vector(1)")

    assert seconds(clock, read) < 2.0


def test_a_query_that_hangs_delays_nobody_else(open_desk: OpenDesk, connect: Connect, clock: SystemClock) -> None:
    desk = open_desk(hangs_on("heavy", lambda: desk))
    metrics = connect(desk.url, query_s=30.0, tick_s=1.0, concurrency=4).metrics("heavy", *["light"] * 50)
    for _ in range(3):
        readings = metrics.read(0.0)
        assert np.isnan(readings.values[0, 0])
        assert (readings.values[1:, 0] == 1.0).all()
        assert metrics.reports[0].answer.state in (QueryState.LATE, QueryState.UNAVAILABLE)
    assert all(report.answer.took_s < 1.0 for report in metrics.reports[1:])


def test_more_queries_that_hang_than_threads_are_asked_last(open_desk: OpenDesk, connect: Connect) -> None:
    desk = open_desk(hangs_on("heavy", lambda: desk))
    metrics = connect(desk.url, query_s=0.5, tick_s=1.5, concurrency=2).metrics(*["heavy"] * 6, *["light"] * 20)
    with suppress(Unavailable):
        metrics.read(0.0)  # the first tick does not know yet, and its last question may still be open in the next
    metrics.read(0.0)
    for _ in range(2):
        readings = metrics.read(0.0)
        assert (readings.values[6:, 0] == 1.0).all()
        assert np.isnan(readings.values[:6, 0]).all()


def test_no_thread_outlives_its_tick_by_long(open_desk: OpenDesk, connect: Connect) -> None:
    desk = open_desk(hangs_on("heavy", lambda: desk))
    metrics = connect(desk.url, query_s=30.0, tick_s=0.3, concurrency=3).metrics(*["heavy"] * 10)
    for _ in range(5):
        with pytest.raises(Unavailable):
            metrics.read(0.0)
    desk.reply = lambda asked: number("2")

    def all_known() -> bool:
        try:
            return bool((metrics.read(0.0).values[:, 0] == 2.0).all())
        except Unavailable:
            return False

    wait_until(all_known, "every query to be asked again", 20.0)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_that_is_short_of_servers_is_asked_again(open_desk: OpenDesk, connect: Connect, status: int) -> None:
    replies = [Reply(status, b""), Reply(status, b""), number("4")]
    desk = open_desk(lambda asked: replies.pop(0))
    assert connect(desk.url, retry_s=0.01).answer("vector(4)").value == 4.0
    assert len(desk.asked) == 3


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        pytest.param(Reply(401, b"who?"), "401 .*check the token or password file", id="401"),
        pytest.param(Reply(403, b"not you"), "403 .*not you", id="403"),
        pytest.param(Reply(500, b"oh"), "500 .*oh", id="500"),
        pytest.param(Reply(429, b"slow down"), "429 .*slow down", id="429"),
        pytest.param(Reply(200, b"<html>login</html>"), "not Prometheus'", id="a page"),
        pytest.param(Reply(200, b'{"data": 5}'), "not Prometheus'", id="other JSON"),
        pytest.param(Reply(200, b'{"data": {"result": [5]}}'), "not Prometheus'", id="odd series"),
        pytest.param(
            Reply(503, b'{"status":"error","errorType":"timeout","error":"query timed out"}'), "timed out",
            id="its own time-out",
        ),
    ],
)  # fmt: skip
def test_what_will_not_get_better_is_asked_once(open_desk: OpenDesk, connect: Connect, reply: Reply, text: str) -> None:
    desk = open_desk(lambda asked: reply)
    with pytest.raises(Unavailable, match=text):
        connect(desk.url).answer("vector(1)")
    assert len(desk.asked) == 1


def test_errors_of_the_past_have_their_kind(open_desk: OpenDesk, connect: Connect) -> None:
    desk = open_desk(lambda asked: Reply(401, b""))
    history = connect(desk.url).history()
    with pytest.raises(Forbidden):
        history.history("up", 0.0, 60.0, 15.0, 60.0)
    desk.reply = lambda asked: Reply(422, b'{"error": "too many samples"}')
    with pytest.raises(Invalid, match="too many samples"):
        history.history("up", 0.0, 60.0, 15.0, 60.0)
    desk.reply = lambda asked: Reply(500, b"")
    with pytest.raises(Unavailable):
        history.history("up", 0.0, 60.0, 15.0, 60.0)


def test_a_redirect_is_not_followed(open_desk: OpenDesk, connect: Connect) -> None:
    elsewhere = open_desk(lambda asked: number("666"))
    desk = open_desk(lambda asked: Reply(307, b"", {"Location": f"{elsewhere.url}/api/v1/query"}))
    answer = connect(desk.url).answer("vector(1)")
    assert answer.state is QueryState.INVALID
    assert answer.problem is not None
    assert elsewhere.url in answer.problem
    assert not elsewhere.asked


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_a_huge_answer_is_not_read(open_desk: OpenDesk, connect: Connect, packed: bool) -> None:
    huge = b'{"data": {"result": [' + b" " * 5_000_000 + b"]}}"
    reply = Reply(200, gzip.compress(huge), {"Content-Encoding": "gzip"}) if packed else Reply(200, huge)
    desk = open_desk(lambda asked: reply if "huge" in asked.form["query"] else number("1"))
    metrics = connect(desk.url, answer_bytes=1_000_000).metrics("huge", "vector(1)")
    assert metrics.read(0.0).values[1, 0] == 1.0
    assert metrics.reports[0].answer.problem is not None
    assert "above 1000000 bytes is not read; aggregate the query" in metrics.reports[0].answer.problem


def test_an_incomplete_answer_is_missing_and_a_remark_about_the_query_is_not(
    open_desk: OpenDesk, connect: Connect
) -> None:
    desk = open_desk(lambda asked: number("1", warnings=["store 10.0.0.7 did not answer"]))
    client = connect(desk.url)
    partial = client.answer("vector(1)")
    assert partial.state is QueryState.PARTIAL
    assert partial.warnings == ("store 10.0.0.7 did not answer",)
    assert np.isnan(partial.value)
    desk.reply = lambda asked: number("1", warnings=["PromQL warning: a quantile above 1"], infos=["a gauge?"])
    remark = client.answer("vector(1)")
    assert (remark.state, remark.value) == (QueryState.ANSWERED, 1.0)
    assert remark.warnings == ("PromQL warning: a quantile above 1",)
    desk.reply = lambda asked: number("1")
    assert client.answer("vector(1)").warnings == ()


def test_a_server_is_restarted(scraping: Prometheus, exporter: Exporter, connect: Connect, clock: SystemClock) -> None:
    exporter.set("queue", 2.0)
    metrics = connect(scraping.url, retry_s=0.01).metrics("queue")

    def known() -> bool:
        try:
            return bool(metrics.read(clock.wall_s()).values[0, 0] == 2.0)
        except Unavailable:
            return False

    wait_until(known, "a first sample", 60.0, 0.1)
    scraping.stop()
    with pytest.raises(Unavailable, match=r"no connection \(.*refused\); check the address"):
        metrics.read(clock.wall_s())
    scraping.start()
    wait_until(known, "the value to come back over the same session", 60.0, 0.1)
