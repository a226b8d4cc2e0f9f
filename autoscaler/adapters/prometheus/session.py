"""The HTTP session beneath the client library: bounded in time, size and attempts.

The library has no default time-out, puts the text of a POST into its address, repeats what it should not, follows
redirects anywhere, reads answers of any size and drops their warnings. Here each request either gives a whole answer
with status 200, or raises one of the port's errors that says what to do.
"""

from __future__ import annotations

import json
from io import BytesIO
from threading import Event, local
from typing import Any

from requests import RequestException, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import ConnectTimeout, SSLError, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from autoscaler.adapters.prometheus.credentials import credentials
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Forbidden, Invalid, PortError, Unavailable

GAVE_UP = ("timeout", "canceled")
"""Kinds of a 503 with which Prometheus ends one slow query: the same again would be as slow."""
_CHECK = "check the address, and that the metric store runs"
_PIECE_BYTES = 64 * 1024
_SAID_CHARACTERS = 300


class Again(Unavailable):
    """A later attempt may be answered."""


class Late(Unavailable):
    """The server is there, and took too long for this query."""


class Unreachable(Again):
    """Nobody is there, or somebody who is starting: other queries will not be answered either."""


class BoundedSession(Session):
    """Reads no environment: no proxy, no `.netrc`. Several threads may use it at once."""

    def __init__(self, settings: PrometheusSettings, clock: ClockPort) -> None:
        super().__init__()
        self._settings, self._clock = settings, clock
        self._closed = Event()
        self._said = local()
        self.trust_env = False
        self.auth = credentials(settings)
        self.verify = True if settings.ca_file is None else str(settings.ca_file)
        if settings.certificate_file is not None:
            self.cert = (str(settings.certificate_file), str(settings.key_file))
        if settings.tenant is not None:
            self.headers["X-Scope-OrgID"] = settings.tenant

    def mount_pool(self, url: str) -> None:
        """Keeps as many connections to this address as queries are under way at once, and repeats nothing by itself."""
        self.mount(url, HTTPAdapter(pool_maxsize=self._settings.concurrency, max_retries=0))

    def warnings(self) -> tuple[str, ...]:
        """What the server said beside the last answer to this thread."""
        return getattr(self._said, "warnings", ())

    def request(self, method: str, url: str, **given: Any) -> Response:  # type: ignore[override]
        """`timeout`: seconds for all attempts together. Raises `PortError`."""
        ends_s = self._clock.monotonic_s() + given.pop("timeout")
        form = given.pop("params", None)
        self._said.warnings = ()
        attempt = 0
        while True:
            try:
                return self._attempt(method, url, form, ends_s, given)
            except Again:
                wait_s = self._settings.retry_s * 2.0**attempt
                attempt += 1
                late = self._clock.monotonic_s() + wait_s >= ends_s
                if attempt > self._settings.retries or late or self._clock.wait(wait_s, until=self._closed):
                    raise

    def close(self) -> None:
        """Ends waits between attempts, and the connections that are not in use."""
        self._closed.set()
        super().close()

    def _attempt(
        self, method: str, url: str, form: dict[str, str] | None, ends_s: float, given: dict[str, Any]
    ) -> Response:
        left_s = max(ends_s - self._clock.monotonic_s(), 0.001)
        timeout = (min(self._settings.connect_s, left_s), left_s)
        where = self._settings.url
        try:
            response = super().request(
                method, url, data=form, timeout=timeout, stream=True, allow_redirects=False, **given
            )
            body = self._body(response, ends_s)
        except SSLError as error:
            check = "check prometheus_ca_file and prometheus_certificate_file"
            raise Unavailable(f"{where}: no trusted connection; {check}: {_reason(error)}") from error
        except ConnectTimeout as error:
            raise Unreachable(f"{where}: no connection in time; {_CHECK}") from error
        except (Timeout, ReadTimeoutError) as error:
            raise Late(f"{where}: no answer in time") from error
        except (NoConnection, HTTPError) as error:
            raise Unreachable(f"{where}: no connection ({_reason(error)}); {_CHECK}") from error
        except (RequestException, OSError) as error:
            raise Unavailable(f"{where}: {error}") from error
        response.raw = BytesIO(body)
        said = _document(body)
        if response.status_code != 200:
            raise _refusal(where, response, said)
        if said is None or "data" not in said:
            raise Unavailable(f"{where}: the answer is not Prometheus'; is this the address of its API?")
        self._said.warnings = tuple(str(line) for line in said.get("warnings") or ())
        return response

    def _body(self, response: Response, ends_s: float) -> bytes:
        """All of it. Raises `Unavailable` where it is too large or too slow."""
        body = bytearray()
        try:
            while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):  # what has come, however little
                body += piece
                if len(body) > self._settings.answer_bytes:
                    raise Unavailable(
                        f"{self._settings.url}: an answer above {self._settings.answer_bytes} bytes is not read; "
                        "aggregate the query"
                    )
                if self._clock.monotonic_s() > ends_s:
                    raise Unavailable(f"{self._settings.url}: no whole answer in time")
        except BaseException:
            response.raw.close()
            raise
        return bytes(body)


def _reason(error: Exception) -> str:
    """The cause, without the layers of the library around it."""
    inner = error.args[0] if error.args else error
    return str(getattr(inner, "reason", inner))


def _document(body: bytes) -> dict[str, Any] | None:
    """The JSON object of an answer, None where it is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _refusal(where: str, response: Response, said: dict[str, Any] | None) -> PortError:
    """The port's error for an answer that is none."""
    status = response.status_code
    text = str(said["error"]) if said and said.get("error") else response.content.decode(errors="replace")
    text = f"{status} {response.reason}: {' '.join(text.split())[:_SAID_CHARACTERS]}".rstrip(": ")
    if response.is_redirect:
        return Invalid(f"{where}: sends us to {response.headers['location']}, not followed; write that address")
    if status in (401, 403):
        return Forbidden(f"{where}: {text}; check the token or password file, and the tenant")
    if status == 504:
        return Again(f"{where}: {text}")
    if status in (502, 503) and not (said and said.get("errorType") in GAVE_UP):
        return Unreachable(f"{where}: {text}")
    if status in (400, 422):
        return Invalid(text)
    if status == 404:
        return Invalid(f"{where}: {text}; is this the address of a Prometheus API?")
    return Unavailable(f"{where}: {text}")
