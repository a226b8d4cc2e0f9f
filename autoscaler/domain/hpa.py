"""The replica law of the Kubernetes HorizontalPodAutoscaler, over arrays of workloads.

Source: Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details: desired = ceil(current x metric /
target), no change within the tolerance, and scale-down to the largest recommendation of the stabilization window.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from autoscaler.domain.arrays import Floats, Ints

SYNC_PERIOD_S = 15.0
TOLERANCE = 0.10
SCALE_DOWN_WINDOW_S = 300.0


@dataclass(slots=True)
class HorizontalScaler:
    """`target` is the wanted utilization of a replica, 0..1. recent: recommendations of the window, oldest first."""

    target: float
    tolerance: float = TOLERANCE
    recent: deque[tuple[float, Ints]] = field(default_factory=deque)

    def replicas(self, now_s: float, current: Ints, utilization: Floats) -> Ints:
        """Replicas to set now, int [W]; a workload without replicas needs one as soon as its utilization is infinite.

        Up at once, down to the largest recommendation younger than `SCALE_DOWN_WINDOW_S`; where the utilization is
        unknown nothing is recommended, and what runs stays.
        """
        wanted, unknown = self.desired(current, utilization), np.isnan(utilization)
        self.recent.append((now_s, np.where(unknown, 0, wanted)))
        while self.recent[0][0] <= now_s - SCALE_DOWN_WINDOW_S:
            self.recent.popleft()
        stable = np.max([w for _, w in self.recent], axis=0)
        out: Ints = np.where(unknown | (wanted > current), wanted, np.minimum(stable, current))
        return out

    def desired(self, current: Ints, utilization: Floats) -> Ints:
        """Recommendation, int [W]: `current` where the utilization is unknown (NaN) or within the tolerance."""
        waking = np.isinf(utilization)
        known = np.isfinite(utilization)
        ratio = np.where(known, utilization, self.target) / self.target
        wanted = np.ceil(current * ratio - 1e-9).astype(np.int64)
        keep = np.abs(ratio - 1.0) <= self.tolerance + 1e-9
        return np.where(waking, np.maximum(current, 1), np.where(keep, current, wanted))
