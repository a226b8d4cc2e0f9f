"""What a tick decided otherwise than the one before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from autoscaler.controller.tick import Tick
from autoscaler.domain.plan import REASON_WORDS, reason_text


@dataclass(frozen=True, slots=True)
class Decision:
    """What is wanted of one workload. placeholders: by pool, those that are wanted. acts: or only observes."""

    floor: int
    placeholders: tuple[tuple[str, int], ...]
    reason: str
    acts: bool


@dataclass(frozen=True, slots=True)
class Change:
    """was: None for the first decision. row: of the workload in the fleet."""

    policy: str
    row: int
    was: Decision | None
    now: Decision

    @property
    def reasons(self) -> tuple[str, ...]:
        """In words."""
        return _split(self.now.reason)


def reason_words(bits: int) -> tuple[str, ...]:
    """The reasons of a plan, one by one."""
    return _split(reason_text(bits))


class Decisions:
    """Remembers the last decision for each policy that is in force."""

    def __init__(self) -> None:
        self._last: dict[str, Decision] = {}

    @staticmethod
    def reasons() -> tuple[str, ...]:
        """Every reason that there is, in words."""
        return tuple(REASON_WORDS.values())

    def changes(self, tick: Tick) -> list[Change]:
        """Those of this tick, in the order of the fleet."""
        if tick.in_force is None or tick.report is None or tick.report.plan is None:
            return []
        found = dict(decisions(tick))
        changes = [
            Change(policy, row, self._last.get(policy), now)
            for row, (policy, now) in enumerate(found.items())
            if self._last.get(policy) != now
        ]
        self._last = found
        return changes


def _split(reasons: str) -> tuple[str, ...]:
    return tuple(reasons.split("; ")) if reasons else ()


def decisions(tick: Tick) -> Iterator[tuple[str, Decision]]:
    """Each policy with what is wanted of it; nothing where nothing was planned."""
    if tick.in_force is None or tick.report is None or tick.report.plan is None:
        return
    fleet, plan = tick.in_force.policies.fleet, tick.report.plan
    for w, policy in enumerate(fleet.names):
        wanted = plan.placeholders[w]
        by_pool = tuple((fleet.pools[p].name, int(wanted[p])) for p in np.flatnonzero(wanted))
        yield policy, Decision(int(plan.floor[w]), by_pool, reason_text(int(plan.reasons[w])), bool(fleet.acts[w]))
