"""Generated traffic: replicas in each minute of a replay, from the components of a scenario.

The same seed gives the same minutes. Each component draws from a stream of its own, so that one more changes no other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from cronsim import CronSim

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.evaluation.demo_traffic import uneven_rates
from autoscaler.evaluation.scenario.components import (
    WEEKDAYS,
    BatchWindow,
    Burst,
    Component,
    Daily,
    Drift,
    Launch,
    Level,
    NoTraffic,
    Periodic,
    Weekly,
)
from autoscaler.policy.values import Part

STEP_S = 60.0
DAY_S = 86_400.0
MEMORY_MIN = 8.0
"""How long minutes stay alike, as in the traffic of the demo."""


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """The minutes of a replay that begins at midnight UTC, each by its middle.

    at_s: float [T], seconds from the start. hour: float [T], by the local clock. weekday: int [T], Monday 0. day: int
    [T], `date.toordinal` of the local date. per_minute: requests that a replica serves in one.
    """

    epoch_s: float
    zone: ZoneInfo
    at_s: Floats
    hour: Floats
    weekday: Ints
    day: Ints
    per_minute: float

    @staticmethod
    def of(start: date, count: int, zone: ZoneInfo, per_minute: float) -> Minutes:
        """`count` minutes from midnight UTC of a day."""
        epoch_s = datetime.combine(start, time(), UTC).timestamp()
        at_s = (np.arange(count, dtype=np.float64) + 0.5) * STEP_S
        local = [datetime.fromtimestamp(epoch_s + s, zone) for s in at_s.tolist()]
        hour: Floats = np.array([d.hour + d.minute / 60.0 + d.second / 3600.0 for d in local])
        day = np.array([d.toordinal() for d in local], dtype=np.int64)
        return Minutes(epoch_s, zone, at_s, hour, (day + 6) % 7, day, per_minute)

    def starts(self, cron: str, back_s: float) -> Iterator[float]:
        """Starts of a cron expression, seconds from the start, from `back_s` before it up to the end."""
        first = datetime.fromtimestamp(self.epoch_s - back_s, self.zone) - timedelta(seconds=1)
        for start in CronSim(cron, first):
            at_s = start.timestamp() - self.epoch_s
            if at_s >= self.at_s.size * STEP_S:
                return
            yield at_s

    def within(self, from_s: float, until_s: float) -> Bools:
        """Whether each minute lies in [from, until), bool [T]."""
        out: Bools = (self.at_s >= from_s) & (self.at_s < until_s)
        return out


def generated(components: Sequence[Component], minutes: Minutes, dispersion: float, seed: Sequence[int]) -> Floats:
    """Replicas in each minute, float [T].

    dispersion: squared coefficient of variation of a minute; above 0 requests are whole and drawn, at 0 they are what
    the components say.
    """
    total: Floats = np.full(minutes.at_s.size, 0.0 if _adds(components[0]) else 1.0)
    for number, component in enumerate(components):
        rng = np.random.default_rng([*seed, number])
        total = SHAPES[type(component.part)].apply(component.part, minutes, total, rng)
    if dispersion == 0.0:
        return total
    rng = np.random.default_rng([*seed, len(components)])
    requests = total * uneven_rates(total.size, rng, dispersion, MEMORY_MIN) * minutes.per_minute
    out: Floats = rng.poisson(requests) / minutes.per_minute
    return out


def _adds(component: Component) -> bool:
    return SHAPES[type(component.part)].adds


def _level(part: Level, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    return total + part.replicas


def _daily(part: Daily, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    away = np.abs((minutes.hour - part.peak_hour + 12.0) % 24.0 - 12.0)
    phase = away / 12.0 if part.shape == "wave" else np.minimum(np.maximum(away - 4.0, 0.0) / 2.0, 1.0)
    out: Floats = total * (part.trough + (1.0 - part.trough) * (1.0 + np.cos(np.pi * phase)) / 2.0)
    return out


def _weekly(part: Weekly, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    off = np.isin(minutes.weekday, [WEEKDAYS.index(day) for day in part.days])
    off |= np.isin(minutes.day, [day.toordinal() for day in part.holidays])
    return np.where(off, part.weekend * total, total)


def _burst(part: Burst, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    whole_s = part.rise_s + part.length_s + part.fall_s
    starts = part.at if part.every is None else minutes.starts(part.every, whole_s)
    edges = np.cumsum([0.0, part.rise_s, part.length_s, part.fall_s])
    for start_s in starts:
        if rng.random() < part.chance:
            shape = np.interp(minutes.at_s - start_s, edges, [0.0, 1.0, 1.0, 0.0])
            total = total + part.height * shape * minutes.within(start_s, start_s + whole_s)
    return total


def _batch_window(part: BatchWindow, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    a_minute = part.requests / (part.length_s / STEP_S) / minutes.per_minute
    for start_s in minutes.starts(part.start, part.length_s):
        size = 1.0 + part.spread * rng.uniform(-1.0, 1.0)
        total = total + size * a_minute * minutes.within(start_s, start_s + part.length_s)
    return total


def _launch(part: Launch, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    done = np.clip((minutes.at_s - part.at_s) / max(part.ramp_s, 1e-9), 0.0, 1.0)
    out: Floats = total * (1.0 + (part.factor - 1.0) * done)
    return out


def _outage(part: NoTraffic, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    end_s = part.at_s + part.duration_s
    gone = minutes.within(part.at_s, end_s)
    falling = np.where(
        minutes.within(end_s, end_s + part.over_s), 1.0 - (minutes.at_s - end_s) / part.over_s, 0.0
    )  # fmt: skip
    weight = falling.sum()
    again = part.retries * total[gone].sum() * falling / weight if weight > 0.0 else falling
    return np.where(gone, 0.0, total) + again


def _drift(part: Drift, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    out: Floats = total * np.exp(math.log(part.factor_a_day) * minutes.at_s / DAY_S)
    return out


def _periodic(part: Periodic, minutes: Minutes, total: Floats, rng: np.random.Generator) -> Floats:
    phase = minutes.at_s % part.period_s / part.period_s
    shapes = {
        "square": (phase >= 0.5).astype(np.float64),
        "wave": (1.0 - np.cos(2.0 * np.pi * phase)) / 2.0,
        "sawtooth": phase,
    }
    return total + part.low + (part.high - part.low) * shapes[part.shape]


class _Shape(NamedTuple):
    adds: bool
    apply: Callable[[Any, Minutes, Floats, np.random.Generator], Floats]


SHAPES: dict[type[Part], _Shape] = {
    Level: _Shape(True, _level),
    Daily: _Shape(False, _daily),
    Weekly: _Shape(False, _weekly),
    Burst: _Shape(True, _burst),
    BatchWindow: _Shape(True, _batch_window),
    Launch: _Shape(False, _launch),
    NoTraffic: _Shape(False, _outage),
    Drift: _Shape(False, _drift),
    Periodic: _Shape(True, _periodic),
}
"""Whether a component adds, and how it is applied to what stands so far, float [T]."""
