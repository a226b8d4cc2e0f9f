"""What a call does when the server throttles, fails, hangs, cuts its answer short, or is not the API server at all."""

from __future__ import annotations

import json

import pytest

from autoscaler.adapters.kubernetes.connection import connect
from autoscaler.adapters.kubernetes.transport import Call, Transport, TransportSettings
from autoscaler.adapters.system_clock import SystemClock
from autoscaler.ports.errors import Forbidden, Invalid, Throttled, Unavailable
from tests.stepped_clock import SteppedClock
from tests.unit.adapters.kubernetes.conftest import Answer, Login, Script

READ = Call("list pods in gpu", "GET", "/api/v1/namespaces/gpu/pods", {"limit": "5"}, repeatable=True)
WRITE = Call("create pods gpu/slot-1", "POST", "/api/v1/namespaces/gpu/pods", body={"a": 1})
GOOD = Answer(b'{"items": [1]}')
BUSY = {"kind": "Status", "code": 429, "reason": "TooManyRequests", "message": "too many requests"}
DOWN = Answer(b"upstream gone", 503)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def transport(login: Login, clock: SteppedClock) -> Transport:
    """With time that stands still: waits cost nothing and are recorded."""
    return Transport(connect(login.kubeconfig), clock, seed=1)


def throttle(**headers: str) -> Answer:
    return Answer(json.dumps(BUSY).encode(), 429, {key.replace("_", "-"): value for key, value in headers.items()})


def test_an_answer_is_decoded_and_the_request_says_who_asks(script: Script, transport: Transport) -> None:
    script.answers = [GOOD]
    assert transport.send(READ) == {"items": [1]}
    [asked] = script.asked
    assert (asked.method, asked.path) == ("GET", "/api/v1/namespaces/gpu/pods?limit=5")
    assert asked.headers["User-Agent"] == "gpu-autoscaler"
    assert asked.headers["Authorization"] == "Bearer first"
    assert asked.headers["Accept"] == "application/json"


def test_a_body_is_sent_as_json(script: Script, transport: Transport) -> None:
    script.answers = [GOOD]
    transport.send(WRITE)
    assert script.asked[0].body == b'{"a": 1}'
    assert script.asked[0].headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "first", [throttle(Retry_After="3"), Answer(b"", 503, {"Retry-After": "3"})], ids=["429", "503"]
)
def test_a_server_that_names_a_time_is_given_it(
    script: Script, transport: Transport, clock: SteppedClock, first: Answer
) -> None:
    script.answers = [first, GOOD]
    assert transport.send(READ) == {"items": [1]}
    assert len(clock.waits) == 1
    assert 3.0 <= clock.waits[0] < 3.5


def test_waits_between_tries_grow_and_are_not_all_alike(
    script: Script, transport: Transport, clock: SteppedClock
) -> None:
    script.answers = [DOWN, DOWN, DOWN, GOOD]
    assert transport.send(READ) == {"items": [1]}
    first, second, third = clock.waits
    assert 0.1 <= first < 0.2 <= second < 0.4 <= third < 0.8


def test_after_four_tries_it_gives_up(script: Script, transport: Transport) -> None:
    script.answers = [DOWN]
    with pytest.raises(Unavailable, match=r"^list pods in gpu: 503: upstream gone; try again"):
        transport.send(READ)
    assert len(script.asked) == 4


def test_what_may_not_be_done_twice_is_sent_once(script: Script, transport: Transport) -> None:
    script.answers = [DOWN]
    with pytest.raises(Unavailable):
        transport.send(WRITE)
    assert len(script.asked) == 1


def test_no_try_begins_after_the_deadline(script: Script, transport: Transport, clock: SteppedClock) -> None:
    script.answers = [throttle(Retry_After="60")]
    with pytest.raises(Throttled, match="after 60 s") as raised:
        transport.send(READ)
    assert raised.value.retry_after_s == 60.0
    assert len(script.asked) == 1
    assert clock.waits == []


@pytest.mark.parametrize("answer", [Answer(hangs=True), Answer(b" " * 400, drips=True)], ids=["hangs", "drips"])
def test_a_server_that_never_comes_to_an_end_costs_the_deadline_and_no_more(
    script: Script, login: Login, answer: Answer
) -> None:
    clock = SystemClock()
    transport = Transport(connect(login.kubeconfig), clock)
    script.answers = [answer]
    begin = clock.monotonic_s()
    with pytest.raises(Unavailable, match=r"list pods in gpu: .*(timed out|too long|broke off)"):
        transport.send(READ, deadline_s=0.3)
    assert clock.monotonic_s() - begin < 1.0


def test_an_answer_that_is_cut_short_is_not_believed(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b'{"items": []}', missing=7)]
    with pytest.raises(Unavailable, match="list pods in gpu: the answer broke off"):
        transport.send(READ)
    assert len(script.asked) == 4


def test_a_cut_answer_is_asked_for_again(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b'{"items": []}', missing=7), GOOD]
    assert transport.send(READ) == {"items": [1]}


def test_a_redirect_is_not_followed(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b"", 302, {"Location": f"{script.url}/login"}), GOOD]
    with pytest.raises(Forbidden, match="a proxy asks for a login"):
        transport.send(READ)
    assert len(script.asked) == 1


def test_a_page_in_place_of_json_is_shown(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b"<html>Welcome</html>")]
    with pytest.raises(
        Unavailable, match=r"the answer is no JSON \('<html>Welcome</html>'\); check the server address"
    ):
        transport.send(READ)


def test_an_answer_that_is_too_large_is_refused(script: Script, login: Login, clock: SteppedClock) -> None:
    transport = Transport(connect(login.kubeconfig), clock, TransportSettings(most_bytes=1000))
    script.answers = [Answer(b" " * 100_000)]
    with pytest.raises(Invalid, match="larger than 1,000 bytes"):
        transport.send(READ)
    assert len(script.asked) == 1


def test_a_rotated_token_is_read_again(script: Script, transport: Transport, login: Login) -> None:
    script.answers = [GOOD]
    transport.send(WRITE)
    login.token.write_text("second")
    script.answers = [Answer(b"", 401), GOOD]
    transport.send(WRITE)
    assert [asked.headers["Authorization"] for asked in script.asked] == [
        "Bearer first",
        "Bearer first",
        "Bearer second",
    ]


def test_a_token_that_is_still_the_same_is_not_tried_again(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b"", 401)]
    with pytest.raises(Forbidden, match="credentials are not accepted; renew the token or the kubeconfig"):
        transport.send(READ)
    assert len(script.asked) == 1


def test_nobody_there(script: Script, transport: Transport) -> None:
    script.answers = [GOOD]
    script.close()
    with pytest.raises(Unavailable, match=f"no answer from {script.url}.*check that the API server runs"):
        transport.send(READ)


def test_a_stream_gives_lines_until_it_ends(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b'{"a":1}\n{"b":2}\n', drips=True)]
    assert list(transport.stream(READ, 5.0).lines()) == [b'{"a":1}', b'{"b":2}']


def test_a_silent_stream_is_taken_for_dead(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b'{"a":1}\n', missing=1)]
    lines = transport.stream(READ, 0.1).lines()
    assert next(lines) == b'{"a":1}'
    with pytest.raises(Unavailable, match="the stream broke off"):
        next(lines)


def test_an_endless_line_is_refused(script: Script, login: Login, clock: SteppedClock) -> None:
    transport = Transport(connect(login.kubeconfig), clock, TransportSettings(most_bytes=1000))
    script.answers = [Answer(b"x" * 100_000)]
    with pytest.raises(Invalid, match="one line is longer than 1,000 bytes"):
        list(transport.stream(READ, 5.0).lines())


def test_the_next_call_after_a_broken_one_is_good(script: Script, transport: Transport) -> None:
    script.answers = [Answer(b"", 500), Answer(b"{", missing=1), GOOD]
    for _ in range(2):
        with pytest.raises(Unavailable):
            transport.send(WRITE)
    assert transport.send(WRITE) == {"items": [1]}
