"""Questions to one Prometheus server, or to one that speaks like it, through its client library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_api_client import PrometheusConnect

from autoscaler.adapters.prometheus.aged import Series
from autoscaler.adapters.prometheus.session import BoundedSession
from autoscaler.adapters.prometheus.settings import PrometheusSettings
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Unavailable

_EPOCH = datetime.fromtimestamp(0.0, UTC)


class PrometheusServer:
    """Several threads may ask at once."""

    def __init__(self, settings: PrometheusSettings, clock: ClockPort) -> None:
        self.settings = settings
        self._session = BoundedSession(settings, clock)
        url = settings.url.rstrip("/")
        self._client = PrometheusConnect(url, session=self._session, method="POST")
        self._session.mount_pool(url)

    def ask(self, query: str, at_s: float, within_s: float) -> tuple[list[Series], tuple[str, ...]]:
        """The series of an instant query at `at_s` (seconds since the epoch), and the server's warnings.

        Raises `Invalid` (the query), `Forbidden` (we), `Unavailable` (no answer within `within_s` seconds).
        """
        params = {"time": _exact(at_s), "timeout": _exact(within_s)}
        return self._answer(lambda: self._client.custom_query(query, params, within_s))

    def ask_range(
        self, query: str, from_s: float, until_s: float, step_s: float, within_s: float
    ) -> tuple[list[Series], tuple[str, ...]]:
        """The series of a range query, both ends included. Raises as `ask`."""
        params = {
            "start": _exact(from_s),  # the library would round both to whole seconds
            "end": _exact(until_s),
            "step": _exact(step_s),
            "timeout": _exact(within_s),
        }
        return self._answer(
            lambda: self._client.custom_query_range(query, _EPOCH, _EPOCH, params["step"], params, within_s)
        )

    def time_s(self, within_s: float) -> float:
        """What the server takes for now, seconds since the epoch. Raises as `ask`."""
        said, _ = self._answer(lambda: self._client.custom_query("time()", {"timeout": _exact(within_s)}, within_s))
        try:
            return float(said[0]["value"][1])
        except (LookupError, TypeError, ValueError) as error:
            raise Unavailable(f"{self.settings.url}: no answer to time(): {said!r}") from error

    def close(self) -> None:
        """Nothing can be asked any more."""
        self._session.close()

    def _answer(self, asked: Callable[[], list[Series]]) -> tuple[list[Series], tuple[str, ...]]:
        try:
            result = asked()
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{self.settings.url}: an answer that is not Prometheus': {error!r}") from error
        if not isinstance(result, list):
            raise Unavailable(f"{self.settings.url}: an answer that is not Prometheus': its result is no list")
        if result and not isinstance(result[0], dict):  # a scalar or a text: its time and value, bare
            result = [{"metric": {}, "value": result}]
        return result, self._session.warnings()


def _exact(seconds: float) -> str:
    return f"{seconds:.3f}"
