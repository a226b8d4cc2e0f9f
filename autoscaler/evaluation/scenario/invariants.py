"""What holds in every tick of every scenario, whatever it asserts itself: the promises, bounds, the bill, numbers.

One observer watches one replay; `verdicts` says of each invariant whether any tick broke it, and when first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from autoscaler.controller.cycle import CycleReport
from autoscaler.domain.arrays import Bools
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.plan import Reason
from autoscaler.domain.signal import ZERO
from autoscaler.evaluation.replay import COLUMNS, Record
from autoscaler.evaluation.scenario.verdict import INVARIANT, Verdict

LIMITS = np.uint32(Reason.MAXIMUM | Reason.SCHEDULE_AT_MOST | Reason.POOL_LIMIT | Reason.BUDGET)
"""Reasons that may put a floor below what a promise says."""
MAY_BE_MISSING = ("arrivals", "offered_replicas")
READY = attrgetter("ready_replicas")
SLACK = 1e-6

INVARIANTS = {
    "loop-goes-on": "every tick has a plan, and everything it asked for is done",
    "numbers": "no figure is missing or infinite",
    "bounds": "each floor lies between replicas.min and replicas.max, unless a budget binds",
    "bill": "what is billed covers the GPUs of all replicas that serve",
    "promise-1": "while requests are late, a floor covers the demand now, unless a limit binds",
    "promise-2": "while demand is unknown, no floor falls, unless a limit binds",
}


@dataclass(slots=True)
class Invariants:
    """Of one replay. promises: the strategy makes promises 1 and 2. broken: of each invariant, in how many ticks, and
    when first."""

    fleet: Fleet
    promises: bool
    broken: dict[str, tuple[int, float]] = field(default_factory=dict)

    def __call__(self, report: CycleReport, record: Record) -> None:
        """Looks at one tick."""
        for name, wrong in self._looked_at(report, record):
            if wrong:
                ticks, first_s = self.broken.get(name, (0, report.now_s))
                self.broken[name] = (ticks + 1, first_s)

    def _looked_at(self, report: CycleReport, record: Record) -> Iterable[tuple[str, bool]]:
        goes_on = report.plan is not None and all(outcome.error is None for outcome in report.outcomes)
        yield "loop-goes-on", not goes_on
        numbers = [getattr(record, column) for column in COLUMNS if column not in MAY_BE_MISSING]
        yield "numbers", not all(np.isfinite(n).all() for n in (*numbers, record.billed_gpus))
        serving = float((READY(record) * self.fleet.gpus_per_replica).sum())
        yield "bill", float(record.billed_gpus.sum()) < serving - SLACK
        yield "bounds", self._out_of_bounds(report)
        if self.promises:
            yield "promise-1", self._uncovered(report)
            yield "promise-2", self._fallen(report)

    def _out_of_bounds(self, report: CycleReport) -> bool:
        if report.plan is None:
            return False
        floor, least = report.plan.floor, self.fleet.min_replicas
        too_low = (floor < least) & ~_limited(report)
        return bool((too_low | (floor > self.fleet.max_replicas) | (floor < 0)).any())

    def _uncovered(self, report: CycleReport) -> bool:
        if report.plan is None or report.observation is None:
            return False
        seen = report.observation
        need = np.ceil(np.nan_to_num(seen.demand) - SLACK)
        return bool((seen.pressed & (report.plan.floor < need) & ~_limited(report)).any())

    def _fallen(self, report: CycleReport) -> bool:
        if report.plan is None or report.observation is None:
            return False
        unknown, asked = report.observation.demand_state > ZERO, report.observation.inventory.floor
        return bool((unknown & (report.plan.floor < asked) & ~_limited(report)).any())


def _limited(report: CycleReport) -> Bools:
    assert report.plan is not None
    out: Bools = (report.plan.reasons & LIMITS) > 0
    return out


def verdicts(watched: Sequence[tuple[str, Invariants]]) -> list[Verdict]:
    """One verdict an invariant over all strategies that were run, (name, observer) each."""
    found = []
    for name, words in INVARIANTS.items():
        broken = [(strategy, *seen.broken[name]) for strategy, seen in watched if name in seen.broken]
        ticks = sum(count for _, count, _ in broken)
        first_s = min((at_s for *_, at_s in broken), default=math.nan)
        by = f" ({', '.join(strategy for strategy, *_ in broken)})" if broken else ""
        found.append(Verdict(name, not broken, f"{words}{by}", float(ticks), "no tick", first_s, INVARIANT))
    return found
