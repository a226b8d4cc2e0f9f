"""Signals: what a workload's telemetry says, and how far it can be believed.

An unknown is never a zero: every reading is a value, a true zero, missing, or recovering after it was missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from autoscaler.domain.arrays import Floats


class SignalKind(IntEnum):
    """Column of a signal in every `[workload, signal]` array."""

    ARRIVALS = 0
    """Requests that come in, a second."""
    QUEUE = 1
    """Requests that wait, a level."""
    RUNNING = 2
    """Requests being served, a level."""
    SERVED = 3
    """Requests finished, a second."""
    GPU_UTILIZATION = 4
    """Mean GPU utilization of the ready replicas, 0..1."""
    LATE_SHARE = 5
    """Measured share of late requests, 0..1 (optional)."""


class SignalState(IntEnum):
    """How far a reading can be believed."""

    VALUE = 0
    ZERO = 1
    """A true zero: the source answered, and the answer is nothing."""
    MISSING = 2
    """No answer, an empty answer, NaN, infinite, negative, or too old."""
    RECOVERING = 3
    """There again after it was missing: low values may be artefacts (rates over a gap, counter resets)."""


SIGNALS = len(SignalKind)
VALUE, ZERO, MISSING, RECOVERING = (np.int8(state) for state in SignalState)
ARRIVALS, QUEUE, RUNNING, SERVED, GPU_UTILIZATION, LATE_SHARE = (int(kind) for kind in SignalKind)
"""The same as plain numbers: columns and codes are compared in every tick. Healthy are the states up to `ZERO`."""


@dataclass(frozen=True, slots=True)
class SignalReadings:
    """What the metrics port answered at one tick.

    values: float [W, S], NaN where there is no answer; units as in `SignalKind`.
    age_s: float [W, S], seconds since the sample behind the value was taken; +inf where there is none.
    """

    values: Floats
    age_s: Floats

    @staticmethod
    def empty(workloads: int) -> SignalReadings:
        """Readings in which every signal is missing."""
        shape = (workloads, SIGNALS)
        return SignalReadings(np.full(shape, np.nan), np.full(shape, np.inf))
