"""The replica law of the Kubernetes HorizontalPodAutoscaler, as a pure function over arrays.

Source: Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details: desired = ceil(current x metric /
target), no change within the tolerance, and scale-down to the largest recommendation of the stabilization window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats, Ints

SYNC_PERIOD_S = 15.0
TOLERANCE = 0.10
SCALE_DOWN_WINDOW_S = 300.0


@dataclass(frozen=True, slots=True)
class HpaLaw:
    """`target` is the wanted utilization of a replica, 0..1."""

    target: float
    tolerance: float = TOLERANCE

    def desired(self, current: Ints, utilization: Floats) -> Ints:
        """Replicas wanted, int [W]: `current` where the utilization is unknown (NaN) or within the tolerance."""
        ratio = utilization / self.target
        known = np.isfinite(ratio)
        wanted = np.ceil(current * np.where(known, ratio, 1.0) - 1e-9).astype(np.int64)
        keep = ~known | (np.abs(np.where(known, ratio, 1.0) - 1.0) <= self.tolerance)
        return np.where(keep, current, wanted)
