"""The stamps port on a Prometheus server."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.coldstart.engines import engine_query, engine_stamps
from autoscaler.coldstart.published import read_stamps, stamp_query
from autoscaler.domain.stamp import Stamp
from autoscaler.ports.errors import PortError, Unavailable

WITHIN_S = 3.0
"""The tick waits for it; what does not come in time comes with the next one."""
AGAIN_S = 60.0
"""After a question that was not answered none is asked for so long: a tick must not wait each time."""


class PrometheusStamps:
    """Asked by one thread at a time."""

    def __init__(self, server: PrometheusServer) -> None:
        self._server = server
        self._again_s: float | None = None
        self._why = ""

    def stamps(self, now_s: float) -> Sequence[Stamp]:
        """As `StampsPort`."""
        if self._again_s is not None and self._again_s - AGAIN_S <= now_s < self._again_s:
            raise Unavailable(self._why)
        try:
            told, _ = self._server.ask(stamp_query(), now_s, WITHIN_S)
            of_engines, _ = self._server.ask(engine_query(), now_s, WITHIN_S)
        except PortError as error:
            self._again_s, self._why = now_s + AGAIN_S, f"stamps of starts: {error}"
            raise Unavailable(self._why) from error
        self._again_s = None
        return [*read_stamps(told), *engine_stamps(of_engines)]
