"""Expectations judged: the figure of each from the recordings of the strategies, and whether it keeps its bound."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.domain.pool import CapacityType
from autoscaler.evaluation.replay import Recording
from autoscaler.evaluation.scenario.expect import Expectation
from autoscaler.evaluation.scenario.model import Scenario
from autoscaler.evaluation.scenario.verdict import Verdict

SLACK = 1e-9
COLUMNS = {
    "floor": ("floor",),
    "readyReplicas": ("ready_replicas",),
    "queue": ("queue",),
    "placeholders": ("placeholders_bound", "placeholders_pending"),
}
"""Level -> the columns of a recording whose sum it is."""


def judged(expectation: Expectation, spec: Scenario, names: tuple[str, ...], runs: Mapping[str, Recording]) -> Verdict:
    """The verdict. names: workloads in the order of the recordings. runs: by strategy, all that it names."""
    window = _Window.of(spec, expectation, names)
    of = "" if expectation.of_strategy is None else f" / {expectation.of_strategy}"
    whose = "" if expectation.policy is None else f" of {expectation.policy}"
    what = f"{expectation.what}{whose}, {expectation.strategy}{of}"
    if expectation.is_total:
        figure = window.total(expectation.what, runs[expectation.strategy])
        if expectation.of_strategy is not None:
            figure = _ratio(figure, window.total(expectation.what, runs[expectation.of_strategy]))
        holds, at_s = _keeps(figure, expectation), math.nan
    else:
        levels = window.levels(expectation.what, runs[expectation.strategy])
        figure, at = _worst(levels, expectation)
        holds, at_s = at is None, math.nan if at is None else (window.first + at) * spec.tick_s
    guards = "" if expectation.guards is None else expectation.guards.value
    return Verdict(expectation.name, holds, what, figure, _bound(expectation), at_s, guards)


@dataclass(frozen=True, slots=True)
class _Window:
    """Ticks [first, end) and workloads that an expectation looks at."""

    first: int
    end: int
    rows: tuple[int, ...]

    @staticmethod
    def of(spec: Scenario, expectation: Expectation, names: tuple[str, ...]) -> _Window:
        from_s, until_s = spec.window_s(expectation)
        rows = range(len(names)) if expectation.policy is None else [names.index(expectation.policy)]
        first, end = (math.ceil(s / spec.tick_s - 1e-6) for s in (from_s, until_s))
        return _Window(first, end, tuple(rows))

    def part(self, column: Floats) -> Floats:
        """Of a column [T, W] or [T, W, P]."""
        return column[self.first : self.end, list(self.rows)]

    def total(self, what: str, run: Recording) -> float:
        """One figure of the window: a share, GPU-hours, dollars or a count."""
        if what == "lateShare":
            arrivals, late = self.part(run.columns["arrivals"]), self.part(run.columns["late"])
            came = float(np.nansum(arrivals))
            return float(np.where(np.isfinite(arrivals), late, 0.0).sum()) / came if came > 0.0 else 0.0
        if what == "starts":
            return float(self.part(run.columns["starts"]).sum())
        hours = self.part(run.billed_gpus).sum(axis=(0, 1)) * run.tick_s / 3600.0
        price = np.array([pool.price_per_gpu_hour_dollars for pool in run.pools])
        spot = np.array([pool.capacity_type is CapacityType.SPOT for pool in run.pools])
        weight = {"gpuHours": 1.0, "gpuHoursOnDemand": ~spot, "gpuHoursSpot": spot, "dollars": price}[what]
        return float((hours * weight).sum())

    def levels(self, what: str, run: Recording) -> Floats:
        """A level in each tick, float [T]."""
        if what == "billedGpus":
            billed: Floats = self.part(run.billed_gpus).sum(axis=(1, 2))
            return billed
        out: Floats = sum((self.part(run.columns[name]) for name in COLUMNS[what]), start=np.zeros(1)).sum(axis=1)
        return out


def _keeps(figure: float, expectation: Expectation) -> bool:
    most, least = expectation.at_most, expectation.at_least
    return (most is None or figure <= most + SLACK) and (least is None or figure >= least - SLACK)


def _worst(levels: Floats, expectation: Expectation) -> tuple[float, int | None]:
    """(the level that comes nearest to failing or fails first, the tick of the window in which it fails)."""
    if expectation.never_falls:
        falls = np.append(levels[:-1] - levels[1:], 0.0)
        wrong = np.flatnonzero(falls > SLACK)
        if wrong.size:
            return float(levels[wrong[0] + 1]), int(wrong[0]) + 1
    failed = np.array([not _keeps(level, expectation) for level in levels.tolist()])
    if failed.any():
        first = int(failed.argmax())
        return float(levels[first]), first
    return float(levels.min() if expectation.at_most is None else levels.max()), None


def _ratio(figure: float, other: float) -> float:
    if other > 0.0:
        return figure / other
    return 1.0 if figure == 0.0 else math.inf


def _bound(expectation: Expectation) -> str:
    parts = []
    for word, value in (("at least", expectation.at_least), ("at most", expectation.at_most)):
        if value is not None:
            parts.append(f"{word} {figure_text(expectation.what, value, expectation.of_strategy is not None)}")
    return ", ".join([*parts, *(["never falls"] if expectation.never_falls else [])])


def figure_text(what: str, figure: float, is_ratio: bool = False) -> str:
    """The figure as people read it: a late share in per cent, all else as it is."""
    if what.startswith("lateShare") and not is_ratio:
        return f"{100.0 * figure:.4g} %"
    return f"{figure:.4g}" if abs(figure) < 10_000 else f"{figure:,.0f}"
