"""Traffic for demonstrations: real hours of a language-model service, with minutes drawn inside them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.trace import read_trace

NOTE = (
    "Hours are real (BurstGPT, CC-BY-4.0), scaled to the stated peak; minutes inside an hour are drawn by a seeded "
    "over-dispersed law around a line between the hours, so do not read skill at horizons under an hour from them."
)
BURSTGPT = Path(__file__).parent / "data" / "burstgpt_hourly.csv.gz"
MINUTES = 60


def load_burstgpt(series: str, first_hour: int = 0, hours: int | None = None) -> Floats:
    """Requests in each hour [hours] of `burstgpt-conversation` or `burstgpt-api`, the real counts.

    Without `hours`, up to the end of the six weeks. Raises ValueError (TraceError for an unknown series) where the
    hours asked for lie outside.
    """
    values = read_trace(BURSTGPT, series).values
    end = values.size if hours is None else first_hour + hours
    if not 0 <= first_hour < end <= values.size:
        raise ValueError(f"hours {first_hour} to {end} of {series}: choose within 0 to {values.size}")
    return values[first_hour:end]


def hourly_to_minutes(
    hourly: Floats, rng: np.random.Generator, dispersion: float = 0.15, memory_min: float = 8.0
) -> Floats:
    """Requests in each minute [60 x hours], drawn so that every hour keeps its exact count. See `NOTE`.

    The rate of a minute is a line between the middles of the hours, times a stationary gamma process with squared
    coefficient of variation `dispersion` and a correlation that fades over `memory_min` minutes; given the rates, an
    hour's requests fall by a multinomial. A dispersion of 0 leaves the plain Poisson-like split. A missing hour gives
    60 missing minutes.
    Raises ValueError for counts that are negative or not whole, and for a negative dispersion or memory.
    """
    hourly = np.asarray(hourly, dtype=np.float64)
    known = np.isfinite(hourly)
    if (hourly[known] < 0).any() or (hourly[known] % 1 != 0).any():
        raise ValueError("hourly counts must be whole numbers, not negative (NaN where missing)")
    if not (dispersion >= 0 and memory_min >= 0):
        raise ValueError(f"dispersion and memory must not be negative: {dispersion}, {memory_min}")
    weights = uneven_rates(hourly.size * MINUTES, rng, dispersion, memory_min) * _between_hours(hourly)
    weights = weights.reshape(-1, MINUTES)
    minutes = np.full(weights.shape, np.nan)
    for hour in np.flatnonzero(known):
        share = weights[hour] / weights[hour].sum()
        minutes[hour] = rng.multinomial(int(hourly[hour]), share)
    return minutes.reshape(-1)


def _between_hours(hourly: Floats) -> Floats:
    """Rate of each minute on a line between the middles of the known hours [60 x hours], never zero."""
    known = np.flatnonzero(np.isfinite(hourly))
    if not known.size:
        return np.ones(hourly.size * MINUTES)
    middles = known * MINUTES + MINUTES / 2.0
    line = np.interp(np.arange(hourly.size * MINUTES) + 0.5, middles, hourly[known])
    out: Floats = np.maximum(line, 1e-9)
    return out


def uneven_rates(size: int, rng: np.random.Generator, dispersion: float, memory_min: float) -> Floats:
    """Gamma process of mean 1 [size]: r[t] = b[t] r[t-1] + g[t], b beta and g gamma (Lewis's beta-gamma process)."""
    if dispersion == 0:
        return np.ones(size)
    shape = 1.0 / dispersion
    kept = math.exp(-1.0 / memory_min) if memory_min > 0 else 0.0
    fresh = rng.gamma(shape * (1.0 - kept), dispersion, size)
    fresh[:1] = rng.gamma(shape, dispersion, min(size, 1))
    thinned = rng.beta(shape * kept, shape * (1.0 - kept), size) if kept > 0 else np.zeros(size)
    rates = np.empty(size)
    rate = 0.0
    for t in range(size):
        rate = thinned[t] * rate + fresh[t]
        rates[t] = rate
    return np.maximum(rates, 1e-12)
