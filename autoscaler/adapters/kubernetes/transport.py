"""One call to the API server: raw JSON in and out, with a deadline, a bound on its answer, and retries where harmless.

It uses the official client's connections (TLS, credentials, proxy) but not its call path, which follows redirects,
retries on its own and builds a model object for every answer: seven times slower on lists. Only what may be done twice
is tried again: reads, and what the caller declares repeatable. 401 is tried once more with credentials read anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from urllib.parse import urlencode

import numpy as np
import urllib3
from urllib3.exceptions import HTTPError

from autoscaler.adapters.kubernetes.backoff import Backoff
from autoscaler.adapters.kubernetes.connection import Connection
from autoscaler.adapters.kubernetes.json_object import Json
from autoscaler.adapters.kubernetes.refusal import refusal
from autoscaler.adapters.kubernetes.stream import Stream, read_all
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Forbidden, Unavailable

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `asked` is it in words ("list pods in gpu"), for messages."""

    asked: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    content_type: str = JSON
    repeatable: bool = False
    """May be sent again when nobody knows whether it was done."""


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """deadline_s: of a call, its retries included. most_bytes: of one answer. tries: of a repeatable call."""

    deadline_s: float = 10.0
    most_bytes: int = 64 * 1024 * 1024
    tries: int = 4
    backoff: Backoff = field(default_factory=Backoff)
    user_agent: str = "gpu-autoscaler"


class Transport:
    """Calls to one API server; may be used by several threads at once."""

    def __init__(
        self,
        connection: Connection,
        clock: ClockPort,
        settings: TransportSettings | None = None,
        seed: int | None = None,
    ) -> None:
        """`seed` fixes the jitter."""
        self._connection = connection
        self._clock = clock
        self._settings = settings or TransportSettings()
        self._rng = np.random.default_rng(seed)

    @property
    def clock(self) -> ClockPort:
        return self._clock

    def draw(self) -> float:
        """Uniform in [0, 1): the jitter of whoever waits before asking this server again."""
        return float(self._rng.random())

    def send(self, call: Call, deadline_s: float | None = None) -> Json:
        """The answer, decoded. `deadline_s` overrides the settings. Raises `PortError`: which one, `refusal` says."""
        ends = self._clock.monotonic_s() + (deadline_s or self._settings.deadline_s)
        failures, renewed = 0, False
        while True:
            try:
                return self._once(call, ends)
            except Unavailable as error:
                failures += 1
                if not self._wait_before_retry(call, error, failures, ends):
                    raise
            except _Unauthorized as error:
                if renewed or not self._connection.renew():
                    raise Forbidden(str(error)) from error
                renewed = True

    def stream(self, call: Call, silence_s: float) -> Stream:
        """An answer that goes on: its lines as they come. Opening it has the deadline of a call.

        A server that says nothing for `silence_s` seconds is taken for dead: the stream raises `Unavailable`.
        """
        ends = self._clock.monotonic_s() + self._settings.deadline_s
        try:
            answer = self._open(call, ends)
        except _Unauthorized as error:
            self._connection.renew()
            raise Unavailable(str(error)) from error
        return Stream(answer, call.asked, silence_s, self._settings.most_bytes)

    def _wait_before_retry(self, call: Call, error: Unavailable, failures: int, ends: float) -> bool:
        """Whether it was worth waiting: repeatable, tries left, and time for another one."""
        if not call.repeatable or failures >= self._settings.tries:
            return False
        delay_s = self._settings.backoff.delay_s(failures, self.draw())
        if error.retry_after_s:
            delay_s += error.retry_after_s
        if self._clock.monotonic_s() + delay_s >= ends:
            return False
        self._clock.wait(delay_s, Event())
        return True

    def _once(self, call: Call, ends: float) -> Json:
        body = read_all(self._open(call, ends), call.asked, self._clock, ends, self._settings.most_bytes)
        try:
            decoded = json.loads(body)
        except ValueError as error:
            start = " ".join(body[:100].decode(errors="replace").split())
            raise Unavailable(
                f"{call.asked}: the answer is no JSON ({start!r}); check the server address {self._connection.server}"
            ) from error
        return decoded if isinstance(decoded, dict) else {"items": decoded}

    def _open(self, call: Call, ends: float) -> urllib3.BaseHTTPResponse:
        """The answer with its headers read and its body not; a refusal is raised."""
        left_s = ends - self._clock.monotonic_s()
        if left_s <= 0.0:
            raise Unavailable(f"{call.asked}: no time left before its deadline; try again on the next tick")
        url = self._connection.server + call.path + (f"?{urlencode(call.query)}" if call.query else "")
        try:
            answer = self._connection.pool.urlopen(
                call.method,
                url,
                body=None if call.body is None else json.dumps(call.body).encode(),
                headers=self._headers(call),
                timeout=urllib3.Timeout(total=left_s),
                redirect=False,
                retries=False,
                preload_content=False,
            )
        except (HTTPError, OSError) as error:
            raise Unavailable(
                f"{call.asked}: no answer from {self._connection.server} ({error}); "
                "check that the API server runs and is reachable"
            ) from error
        if answer.status < 300:
            return answer
        raise self._refused(call, answer, ends)

    def _refused(self, call: Call, answer: urllib3.BaseHTTPResponse, ends: float) -> Exception:
        body = read_all(answer, call.asked, self._clock, ends, self._settings.most_bytes)
        error = refusal(call.asked, answer.status, body, answer.headers.get("Retry-After"))
        return _Unauthorized(str(error)) if answer.status == 401 else error

    def _headers(self, call: Call) -> dict[str, str]:
        said = {"Accept": JSON, "User-Agent": self._settings.user_agent, **self._connection.authorization()}
        return said if call.body is None else said | {"Content-Type": call.content_type}


class _Unauthorized(Exception):
    """401: the credentials may have been replaced meanwhile."""
