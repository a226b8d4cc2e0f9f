"""A trace prepared for a replay: demand on the tick grid, scaled to a fleet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.evaluation.clairvoyant import capacity_at_late_share, whole_replicas
from autoscaler.evaluation.trace import Trace, TraceError, offered_replicas, read_trace


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """requests: float [T] a tick, NaN missing. offered: the same in replicas. capacity: requests a tick and replica.

    first, end: the scored ticks [first, end).
    """

    trace: Trace
    tick_s: float
    requests: Floats
    offered: Floats
    capacity: float
    first: int
    end: int

    @property
    def seen(self) -> Bools:
        """Ticks with data, bool [T]."""
        return np.isfinite(self.offered)

    @property
    def known(self) -> Bools:
        """Scored ticks with data, bool [end - first]."""
        return np.isfinite(self.offered[self.first : self.end])

    def clairvoyant_path(self, start_cost_ticks: float, late_share: float) -> Ints:
        """Replicas that the cheapest plan within `late_share` keeps serving, int [T]; the need in the warm-up."""
        filled = _carried(self.offered)
        path = whole_replicas(filled)
        scored = self.offered[self.first : self.end]
        best = capacity_at_late_share(scored[self.known], start_cost_ticks, late_share)
        at = np.maximum(np.cumsum(self.known) - 1, 0)
        path[self.first : self.end] = best[at]
        return path


def prepare(
    path: Path, series: str | None, tick_s: float, fleet_peak: float, warmup_s: float, score_s: float | None,
    rng: np.random.Generator | None = None,
) -> Traffic:  # fmt: skip
    """Reads a trace for a replay: the warm-up and then what is scored (all that is left where `score_s` is None).

    `rng` draws Poisson counts instead of spreading evenly. Raises TraceError.
    """
    trace = read_trace(path, series)
    requests = trace.per_tick(tick_s, rng)
    offered, capacity = offered_replicas(requests, fleet_peak)
    first = round(warmup_s / tick_s)
    if first >= offered.size:
        raise TraceError(
            f"{path}: the trace is {trace.duration_s / 86_400:.3g} days long, the warm-up {warmup_s / 86_400:.3g}; "
            "choose a shorter --warmup"
        )
    end = offered.size if score_s is None else min(offered.size, first + max(1, round(score_s / tick_s)))
    if not np.isfinite(offered[first:end]).any():
        raise TraceError(f"{path}: no data after the warm-up; choose another --warmup or --score")
    return Traffic(trace, tick_s, requests[:end], offered[:end], capacity, first, end)


def _carried(values: Floats) -> Floats:
    known = np.isfinite(values)
    at = np.maximum.accumulate(np.where(known, np.arange(values.size), -1))
    out: Floats = np.where(at >= 0, values[np.maximum(at, 0)], values[known][0])
    return out
