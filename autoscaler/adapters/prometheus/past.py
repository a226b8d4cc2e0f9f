"""The past port on a Prometheus server: range queries of all signals, some at once, within one deadline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import numpy as np

from autoscaler.adapters.prometheus.history import PrometheusHistory, SampleGrid
from autoscaler.adapters.prometheus.metrics import Key
from autoscaler.adapters.prometheus.server import PrometheusServer
from autoscaler.domain.arrays import Floats
from autoscaler.ports.errors import PortError, Unavailable
from autoscaler.ports.past import PastReadings


class PrometheusPast:
    """`queries` as of `PrometheusMetrics`; names, stale_after_s: of the workloads, by row."""

    def __init__(
        self, server: PrometheusServer, names: Sequence[str], queries: Mapping[Key, str], stale_after_s: Sequence[float]
    ) -> None:
        self._history, self._concurrency = PrometheusHistory(server), server.settings.concurrency
        self._names, self._queries, self._stale_after_s = names, queries, stale_after_s

    def past(self, from_s: float, until_s: float, step_s: float, within_s: float) -> PastReadings:
        threads = ThreadPoolExecutor(self._concurrency, thread_name_prefix="past")
        try:
            asked = {
                (w, kind): threads.submit(
                    self._history.history, query, from_s, until_s, step_s, self._stale_after_s[w]
                )
                for (w, kind), query in self._queries.items()
            }  # fmt: skip
            wait(asked.values(), timeout=within_s)
            values, problems = self._answers(asked, within_s)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
        if asked and not values:
            raise Unavailable(f"none of {len(asked)} range queries was answered: {problems[0]}")
        points = max((found.size for found in values.values()), default=0)
        at_s = np.arange(points, dtype=np.float64) * step_s + from_s
        return PastReadings(at_s, values, tuple(problems))

    def _answers(self, asked: Mapping[Key, Future[SampleGrid]], within_s: float) -> tuple[dict[Key, Floats], list[str]]:
        values: dict[Key, Floats] = {}
        problems = []
        for (w, kind), future in asked.items():
            where = f"{self._names[w]} {kind.name.lower()}"
            if not future.done():
                problems.append(f"{where}: no answer within {within_s:g} s")
                continue
            try:
                grid = future.result()
            except PortError as error:
                problems.append(f"{where}: {error}")
                continue
            values[w, kind] = grid.values
            problems += [f"{where}: {line}" for line in grid.warnings]
        return values, problems
