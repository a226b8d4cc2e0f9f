"""Requests of two models: real hours (BurstGPT), a line between their middles, uneven by a seeded law, sped up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.demo_traffic import MINUTES, load_burstgpt, uneven_rates

SPEED = 72.0
"""A day in 20 minutes."""
FIRST_HOUR, HOURS = 19 * 24 + 8, 48
"""A morning: both models wake up within the first minutes. After two days it begins again."""
SERIES = {"chat": "burstgpt-conversation", "api": "burstgpt-api"}
PEAK_REPLICAS = {"chat": 14.0, "api": 10.0}
PER_REPLICA = 4.0
"""Requests a second that one replica carries, as the policies say."""
DISPERSION, MEMORY_MIN, SEED = 0.03, 20.0, 7


@dataclass(frozen=True, slots=True)
class Replay:
    """per_s: requests a second [minutes of the two days] by model."""

    per_s: Mapping[str, Floats]

    def at(self, elapsed_s: float) -> dict[str, float]:
        """Requests a second by model, so many seconds after the start."""
        return {model: float(rates[self._minute(elapsed_s)]) for model, rates in self.per_s.items()}

    def clock(self, elapsed_s: float) -> str:
        """The time of day that is replayed, HH:MM."""
        minute = self._minute(elapsed_s) + FIRST_HOUR % 24 * MINUTES
        return f"{minute // MINUTES % 24:02d}:{minute % MINUTES:02d}"

    def _minute(self, elapsed_s: float) -> int:
        return int(elapsed_s * SPEED / 60.0) % (HOURS * MINUTES)


def replay() -> Replay:
    """The traffic of `make try-cluster`, the same each time."""
    generator = np.random.default_rng(SEED)
    middles = np.arange(HOURS) * MINUTES + MINUTES / 2.0
    found = {}
    for model, series in SERIES.items():
        hourly = load_burstgpt(series, FIRST_HOUR, HOURS)
        line = np.interp(np.arange(HOURS * MINUTES) + 0.5, middles, hourly) / hourly.max()
        uneven = uneven_rates(line.size, generator, DISPERSION, MEMORY_MIN)
        found[model] = line * uneven * PEAK_REPLICAS[model] * PER_REPLICA
    return Replay(found)
