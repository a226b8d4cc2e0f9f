"""Families of samples, made from names; and what is counted by place, carried over to other policies by label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from autoscaler.domain.arrays import Floats
from autoscaler.domain.fleet import Fleet
from autoscaler.telemetry.names import Name

Labels = tuple[str, ...]
Sample = tuple[Labels, float]
Numbers = np.ndarray[tuple[int, ...], np.dtype[Any]]


def gauge(name: Name, samples: Iterable[Sample]) -> GaugeMetricFamily:
    """What is now."""
    family = GaugeMetricFamily(name.text, name.help, labels=name.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def counter(name: Name, counts: Iterable[tuple[Labels, float]]) -> CounterMetricFamily:
    """What only grows."""
    family = CounterMetricFamily(name.text, name.help, labels=name.labels)
    for labels, count in counts:
        family.add_metric(labels, float(count))
    return family


def by_policy(values: Numbers, fleet: Fleet) -> list[Sample]:
    """One sample a workload of values [W], those that are no number left out."""
    return [((policy,), number) for policy, number in zip(fleet.names, values.tolist(), strict=True) if known(number)]


def known(number: float) -> bool:
    """Neither infinite nor NaN: such a sample is left out, not exported."""
    return -np.inf < number < np.inf


def labelled(places: Sequence[Labels], words: Sequence[str], values: Numbers) -> list[Sample]:
    """One sample a place and word of values [places, words], the word as the last label."""
    rows = zip(places, values.tolist(), strict=True)
    return [((*place, word), number) for place, row in rows for word, number in zip(words, row, strict=True)]


def carried(values: Floats, before: Sequence[Labels], now: Sequence[Labels]) -> Floats:
    """Values [places before, ...] as those of the places now: 0 where a place is new; always a copy."""
    out = np.zeros((len(now), *values.shape[1:]))
    if before == now:
        out[:] = values
        return out
    rows = {place: row for row, place in enumerate(before)}
    found = [(to, rows[place]) for to, place in enumerate(now) if place in rows]
    if found:
        to, of = np.array(found).T
        out[to] = values[of]
    return out
