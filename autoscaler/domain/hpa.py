"""The replica law of the Kubernetes HorizontalPodAutoscaler, over arrays of workloads.

Source: Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details: desired = ceil(current x metric /
target), no change within the tolerance, and its default behaviour: up by 4 replicas or by 100 % every 15 s, whichever
is more, and down to the largest recommendation of the stabilization window.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from autoscaler.domain.arrays import Floats, Ints

SYNC_PERIOD_S = 15.0
TOLERANCE = 0.10
SCALE_DOWN_WINDOW_S = 300.0
LEAST_RISE = 4
"""Replicas that a period may always add."""
MOST_PERIODS = 16
"""Beyond so many periods between two calls nothing limits a rise."""


@dataclass(slots=True)
class HorizontalScaler:
    """`target` is the wanted utilization of a replica, 0..1. recent: recommendations of the window, oldest first.
    at_s: of the last call.
    """

    target: float
    tolerance: float = TOLERANCE
    recent: deque[tuple[float, Ints]] = field(default_factory=deque)
    at_s: float = -np.inf

    def replicas(self, now_s: float, current: Ints, utilization: Floats) -> Ints:
        """Replicas to set now, int [W]; a workload without replicas needs one as soon as its utilization is infinite.

        Up as far as the periods since the last call allow, down to the largest recommendation younger than
        `SCALE_DOWN_WINDOW_S`; where the utilization is unknown nothing is recommended, and what runs stays.
        """
        wanted, unknown = self.desired(current, utilization), np.isnan(utilization)
        self.recent.append((now_s, np.where(unknown, 0, wanted)))
        while self.recent[0][0] <= now_s - SCALE_DOWN_WINDOW_S:
            self.recent.popleft()
        stable = np.max([w for _, w in self.recent], axis=0)
        rising = np.minimum(wanted, self._most(now_s, current))
        out: Ints = np.where(unknown | (wanted > current), rising, np.minimum(stable, current))
        return out

    def _most(self, now_s: float, current: Ints) -> Ints:
        elapsed_s, self.at_s = now_s - self.at_s, now_s
        most = current
        for _ in range(int(min(max(elapsed_s / SYNC_PERIOD_S, 1.0), MOST_PERIODS))):
            most = np.maximum(2 * most, most + LEAST_RISE)
        return most

    def desired(self, current: Ints, utilization: Floats) -> Ints:
        """Recommendation, int [W]: `current` where the utilization is unknown (NaN) or within the tolerance."""
        waking = np.isinf(utilization)
        known = np.isfinite(utilization)
        ratio = np.where(known, utilization, self.target) / self.target
        wanted = np.ceil(current * ratio - 1e-9).astype(np.int64)
        keep = np.abs(ratio - 1.0) <= self.tolerance + 1e-9
        return np.where(waking, np.maximum(current, 1), np.where(keep, current, wanted))
