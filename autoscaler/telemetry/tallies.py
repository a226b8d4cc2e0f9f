"""What is counted from tick to tick: decisions, actions, endings of placeholders, ticks. Each begins at zero."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from prometheus_client.core import Metric

from autoscaler.controller.tick import Tick
from autoscaler.domain.arrays import Floats
from autoscaler.domain.ending import EndFate
from autoscaler.telemetry import names
from autoscaler.telemetry.decisions import Decisions
from autoscaler.telemetry.samples import Labels, carried, counter, labelled
from autoscaler.telemetry.seats import Seats

ACTION_WORDS = ("SetFloor", "CreatePlaceholder", "DeletePlaceholder")
ACTION_OUTCOMES = ("done", "failed", "withheld", "held_back")
TICK_OUTCOMES = ("done", "blind", "failed", "idle")
REASONS = Decisions.reasons()
FATES = tuple(fate.lower() for fate in EndFate)


@dataclass(frozen=True, slots=True)
class _Counts:
    """By policy: decided [W, `REASONS`]. By seat: ended [N, `FATES`], taken [N, 1]."""

    policies: tuple[Labels, ...]
    seats: tuple[Labels, ...]
    decided: Floats
    ended: Floats
    taken: Floats

    @staticmethod
    def empty() -> _Counts:
        return _Counts((), (), *(np.zeros((0, columns)) for columns in (len(REASONS), len(FATES), 1)))

    def moved(self, seats: Seats) -> _Counts:
        """The same for other policies: those that are gone are left out, new ones begin at zero. A copy."""
        policies = tuple((name,) for name in seats.fleet.names)
        ended, taken = (carried(part, self.seats, seats.names) for part in (self.ended, self.taken))
        return _Counts(policies, seats.names, carried(self.decided, self.policies, policies), ended, taken)


class Tallies:
    """Read by any thread while another adds: what is shown is replaced as a whole."""

    def __init__(self) -> None:
        self._decisions = Decisions()
        self._counts = _Counts.empty()
        self._acted: Tally[tuple[str, str]] = Tally({(a, o): 0 for a in ACTION_WORDS for o in ACTION_OUTCOMES})
        self._ticks: Tally[tuple[str]] = Tally({(outcome,): 0 for outcome in TICK_OUTCOMES})

    def add(self, tick: Tick, seats: Seats | None) -> None:
        """One tick; seats: of the fleet that it was of, None where nothing is in force."""
        self._count_ticks(tick)
        if seats is not None:
            self._count_policies(tick, seats)

    def collect(self) -> Iterator[Metric]:
        """All of it, as counters."""
        counts = self._counts
        yield counter(names.ACTIONS, self._acted.items())
        yield counter(names.TICKS, self._ticks.items())
        yield counter(names.DECISIONS, labelled(counts.policies, REASONS, counts.decided))
        yield counter(names.ENDED, labelled(counts.seats, FATES, counts.ended))
        yield counter(names.TAKEN, zip(counts.seats, counts.taken[:, 0].tolist(), strict=True))

    def _count_ticks(self, tick: Tick) -> None:
        acted, ticks = self._acted.copy(), self._ticks.copy()
        ticks[(_outcome(tick),)] += 1
        if tick.report is not None:
            acted.update((type(o.action).__name__, "failed" if o.error else "done") for o in tick.report.outcomes)
            acted.update((type(action).__name__, "withheld") for action in tick.report.withheld)
            acted.update((type(held.action).__name__, "held_back") for held in tick.report.held_back)
        self._acted, self._ticks = acted, ticks

    def _count_policies(self, tick: Tick, seats: Seats) -> None:
        counts = self._counts.moved(seats)
        for change in self._decisions.changes(tick):
            for word in change.reasons:
                counts.decided[change.row, REASONS.index(word)] += 1.0
        if tick.ended:
            rows = {name: row for row, name in enumerate(seats.names)}
            for end in tick.ended:
                row = rows.get((end.policy, end.pool))
                if row is not None:
                    counts.ended[row, FATES.index(end.fate.lower())] += 1.0
                    counts.taken[row, 0] += end.is_strangers
        self._counts = counts


def _outcome(tick: Tick) -> str:
    if tick.failure is not None:
        return "failed"
    if tick.report is None:
        return "idle"
    return "done" if tick.report.error is None else "blind"
