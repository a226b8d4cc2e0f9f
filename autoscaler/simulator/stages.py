"""Stages of a start: how long each takes, as a distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

P90_SCORE = 1.2815515655446004
"""Standard normal score of the 90th percentile."""


@dataclass(frozen=True, slots=True)
class StageLaw:
    """A lognormal duration by its median and 90th percentile, in seconds; a constant where both are equal.

    Lognormal: long stages are products of many factors (size, bandwidth, contention), and measured ones have that tail.
    """

    median_s: float
    p90_s: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.median_s <= self.p90_s < math.inf:
            raise ValueError(f"a stage needs 0 <= median <= p90, finite: {self.median_s:g} s, {self.p90_s:g} s")
        if self.median_s == 0.0 < self.p90_s:
            raise ValueError(f"a stage of median 0 s takes no time at all, so its p90 cannot be {self.p90_s:g} s")

    @property
    def sigma(self) -> float:
        """Standard deviation of the logarithm."""
        return math.log(self.p90_s / self.median_s) / P90_SCORE if self.median_s > 0 else 0.0

    @property
    def mean_s(self) -> float:
        """Mean in seconds."""
        return self.median_s * math.exp(self.sigma**2 / 2.0)

    @staticmethod
    def of_mean(mean_s: float, p90_to_median: float) -> StageLaw:
        """The law of this mean whose 90th percentile is `p90_to_median` times its median."""
        sigma = math.log(p90_to_median) / P90_SCORE
        median_s = mean_s * math.exp(-(sigma**2) / 2.0)
        return StageLaw(median_s, median_s * p90_to_median)

    def draw(self, rng: np.random.Generator) -> float:
        """One duration in seconds."""
        sigma = self.sigma
        return self.median_s if sigma == 0.0 else self.median_s * math.exp(sigma * float(rng.standard_normal()))


def total_mean_s(stages: tuple[StageLaw, ...]) -> float:
    """Mean of stages one after another, in seconds."""
    return sum(stage.mean_s for stage in stages)


def total_quantile_s(stages: tuple[StageLaw, ...], level: float, seed: int = 0, draws: int = 4001) -> float:
    """Quantile of the sum of independent stages in seconds, from seeded draws."""
    rng = np.random.default_rng(seed)
    totals = np.zeros(draws)
    for stage in stages:
        totals += stage.median_s * np.exp(stage.sigma * rng.standard_normal(draws))
    return float(np.quantile(totals, level))
