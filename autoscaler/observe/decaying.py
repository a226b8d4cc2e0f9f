"""A histogram of shares that forgets: what was seen a half-life ago weighs half of what is seen now.

Buckets grow by a constant factor, as in the Vertical Pod Autoscaler's recommender, so that a small share is known as
exactly, for its size, as a large one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, isfinite, log
from typing import Any

import numpy as np

from autoscaler.domain.arrays import Floats

HALF_LIFE_S = 86_400.0
FIRST, GROWTH = 0.01, 1.05
"""Width of the first bucket; by which factor each is wider than the one before."""
_ROUNDED = 3
"""Digits of weights that are written: less than a thousandth of one sample is nothing."""


def _upper(bucket: int) -> float:
    """Upper bound of a bucket."""
    return FIRST * (GROWTH ** (bucket + 1) - 1.0) / (GROWTH - 1.0)


BUCKETS = ceil(log(1.0 + (GROWTH - 1.0) / FIRST) / log(GROWTH))
"""So many reach up to 1."""
BOUNDS: Floats = np.minimum(np.array([_upper(bucket) for bucket in range(BUCKETS)]), 1.0)


@dataclass(frozen=True, slots=True)
class Decaying:
    """weights: float [`BUCKETS`], as of `at_s` (seconds since the epoch)."""

    weights: Floats
    at_s: float = 0.0

    @staticmethod
    def empty() -> Decaying:
        """Nothing seen."""
        return Decaying(np.zeros(BUCKETS))

    @property
    def weight(self) -> float:
        """Of all: in samples of its own time."""
        return float(self.weights.sum())

    def at(self, now_s: float) -> Decaying:
        """The same as of later; a clock that went back makes nothing younger."""
        if now_s <= self.at_s:
            return self
        return Decaying(self.weights * 0.5 ** ((now_s - self.at_s) / HALF_LIFE_S), now_s)

    def added(self, share: float, now_s: float) -> Decaying:
        """With one more, seen now; of a share below 0 or above 1 as if it were that."""
        later = self.at(now_s)
        weights = later.weights.copy()
        weights[min(int(np.searchsorted(BOUNDS, share)), BUCKETS - 1)] += 1.0
        return Decaying(weights, later.at_s)

    def quantile(self, part: float) -> float | None:
        """So much of the weight is at most at this share, to the upper bound of its bucket; None while all is empty."""
        if not self.weight > 0.0:
            return None
        reached = np.cumsum(self.weights) >= part * self.weight * (1.0 - 1e-9)
        return float(BOUNDS[int(np.argmax(reached))])

    def to_record(self) -> dict[str, object]:
        """As JSON: `{"at": seconds, "weights": {bucket: weight}}` without empty buckets."""
        kept = {str(n): round(w, _ROUNDED) for n, w in enumerate(self.weights.tolist()) if round(w, _ROUNDED) > 0.0}
        return {"at": int(self.at_s), "weights": kept}

    @staticmethod
    def from_record(record: Mapping[str, Any]) -> Decaying:
        """What was written. Raises ValueError where it is something else."""
        try:
            at_s, weights = float(record["at"]), np.zeros(BUCKETS)
            for bucket, weight in record["weights"].items():
                weights[_bucket(bucket)] = _weight(weight)
        except (LookupError, OverflowError, TypeError, AttributeError, ValueError) as error:
            raise ValueError(f"a histogram is not as it is written: {error!r}") from error
        if not isfinite(at_s):
            raise ValueError(f"a histogram as of {at_s!r}")
        return Decaying(weights, at_s)


def _bucket(text: str) -> int:
    number = int(text)
    if not 0 <= number < BUCKETS:
        raise ValueError(f"there is no bucket {number}")
    return number


def _weight(value: object) -> float:
    if not isinstance(value, int | float) or not isfinite(value) or value < 0.0:
        raise ValueError(f"{value!r} is no weight")
    return float(value)
