"""How long work waited for a first replica: from the tick that sees work while nothing serves to one in which something
does.

Known to the tick. A wait that was there when this process, or this policy, was looked at first has an unknown
beginning, as has one that goes on over a gap between ticks; neither is counted, so a restart loses those that are under
way. Where all work goes away again nobody was served, and nothing is counted either. The leader counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from prometheus_client.core import HistogramMetricFamily, Metric

from autoscaler.domain.arrays import Floats
from autoscaler.domain.observation import Observation
from autoscaler.domain.signal import SignalKind
from autoscaler.telemetry import names
from autoscaler.telemetry.meter import LONGEST_S
from autoscaler.telemetry.samples import Labels, carried
from autoscaler.telemetry.seats import Seats

BUCKETS_S = (30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1200.0)
_LONG_AGO = -np.inf


@dataclass(frozen=True, slots=True)
class _Waits:
    """By policy. since_s: float [W], when its work began to wait, NaN where none does, -inf where nobody knows. counts:
    [W, buckets and one above all]. sums_s: [W, 1].
    """

    policies: tuple[Labels, ...]
    since_s: Floats
    counts: Floats
    sums_s: Floats

    @staticmethod
    def empty() -> _Waits:
        return _Waits((), np.zeros(0), np.zeros((0, len(BUCKETS_S) + 1)), np.zeros((0, 1)))

    def moved(self, policies: tuple[Labels, ...]) -> _Waits:
        """The same for other policies, a copy. Those that are new wait since nobody knows when, if they do."""
        since_s = carried(self.since_s, self.policies, policies)
        since_s[[place not in self.policies for place in policies]] = _LONG_AGO
        counts, sums_s = (carried(part, self.policies, policies) for part in (self.counts, self.sums_s))
        return _Waits(policies, since_s, counts, sums_s)


class FirstWaits:
    """Read by any thread while another adds: what is shown is replaced as a whole."""

    def __init__(self) -> None:
        self._waits = _Waits.empty()
        self._seen_s = _LONG_AGO

    def add(self, seen: Observation | None, seats: Seats, now_s: float, leads: bool) -> None:
        """One tick; seen: None where it saw nothing. now_s: seconds since the epoch."""
        waits = self._waits.moved(tuple((name,) for name in seats.fleet.names))
        if seen is not None:
            if not 0.0 <= now_s - self._seen_s <= LONGEST_S:
                waits.since_s[:] = _LONG_AGO
            _follow(waits, seen, now_s, leads)
            self._seen_s = now_s
        self._waits = waits

    def collect(self) -> Iterator[Metric]:
        """A histogram of each policy, from zero."""
        waits, name = self._waits, names.FIRST_REQUEST_WAIT
        family = HistogramMetricFamily(name.text, name.help, labels=name.labels)
        bounds = [*map(str, BUCKETS_S), "+Inf"]
        rows = zip(waits.policies, np.cumsum(waits.counts, axis=1).tolist(), waits.sums_s[:, 0].tolist(), strict=True)
        for labels, counts, sum_s in rows:
            family.add_metric(labels, list(zip(bounds, counts, strict=True)), sum_s)
        yield family


def _follow(waits: _Waits, seen: Observation, now_s: float, leads: bool) -> None:
    """Waits that end, that come to nothing, and that begin."""
    queue = seen.values[:, SignalKind.QUEUE]
    has_work = (seen.demand > 0.0) | (queue > 0.0)  # what is NaN is not above zero
    has_none = ~has_work & np.isfinite(seen.demand)
    serves = seen.inventory.ready.sum(axis=1) > 0
    if leads:
        for w in np.flatnonzero(serves & np.isfinite(waits.since_s)).tolist():
            took_s = now_s - waits.since_s[w]
            waits.counts[w, np.searchsorted(BUCKETS_S, took_s)] += 1.0
            waits.sums_s[w, 0] += took_s
    waits.since_s[serves | has_none] = np.nan
    waits.since_s[~serves & has_work & np.isnan(waits.since_s)] = now_s
