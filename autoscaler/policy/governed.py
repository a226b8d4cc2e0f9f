"""The policies of one run, compiled: a fleet of arrays, and what schedules and people say at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from autoscaler.domain.bounds import LIKE_S, Bounds
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.queue import QueueRule
from autoscaler.domain.wish import NOTHING, Wish


class ScheduleBook(Protocol):
    """What the schedules of one policy say, in seconds since the epoch."""

    def at_least(self, from_s: float, until_s: float) -> int | None:
        """The largest floor in force at any time in between, None where there is none."""
        ...

    def at_most(self, at_s: float) -> int | None:
        """The smallest ceiling in force, None where there is none."""
        ...

    def multiply(self, from_s: float, until_s: float) -> tuple[float, float] | None:
        """The largest factor in force at any time in between, and since when that counts; None where there is none."""
        ...

    def multiplies(self) -> bool:
        """Whether a factor is ever in force."""
        ...


class WishBook(Protocol):
    """What people wish of policies."""

    def wish(self, policy: str) -> Wish:
        """What is wished of the policy of this name, whether it has ended or not; answers at once."""
        ...


@dataclass(frozen=True, slots=True)
class Governed:
    """schedules: one book a workload, None where the policy has no schedule. epoch_s: what time 0 of the run is.

    wishes: read in every tick; None where nobody can wish anything. queues: rules for work that waits, in the order of
    priority; their budgets and pools are the fleet's.
    """

    fleet: Fleet
    schedules: tuple[ScheduleBook | None, ...]
    epoch_s: float = 0.0
    wishes: WishBook | None = None
    queues: tuple[QueueRule, ...] = ()

    def bounds(self, now_s: float, tick_s: float = 0.0) -> Bounds:
        """Floors from the replica's lead time ahead, factors from the whole one; ceilings and wishes while in force.

        Room for floors from the whole lead time ahead, and a tick more for the change from placeholder to replica.
        """
        bounds = Bounds.none(self.fleet.size)
        for w, book in enumerate(self.schedules):
            if book is None:
                continue
            now = self.epoch_s + now_s
            lead_s, replica_lead_s = float(self.fleet.lead_s[w]), float(self.fleet.replica_lead_s[w])
            bounds.at_least[w] = book.at_least(now, now + replica_lead_s) or 0.0
            bounds.room_at_least[w] = book.at_least(now, now + lead_s + tick_s) or 0.0
            most = book.at_most(now)
            bounds.at_most[w] = np.inf if most is None else most
            if book.multiplies():
                self._add_event(bounds, w, book, now, lead_s)
        return bounds if self.wishes is None else self._with_wishes(bounds, now_s)

    def wish(self, workload: int, now_s: float) -> Wish:
        """What is wished of a workload, and in force at this time of the run."""
        if self.wishes is None:
            return NOTHING
        now = self.epoch_s + now_s
        return self.wishes.wish(self.fleet.names[workload]).in_force(now)

    def is_paused(self, policy: str) -> bool:
        """Whether a person wants nothing moved for a policy of any kind."""
        return self.wishes is not None and self.wishes.wish(policy).paused

    def _with_wishes(self, bounds: Bounds, now_s: float) -> Bounds:
        wishes = [self.wish(w, now_s) for w in range(self.fleet.size)]
        if all(wish == NOTHING for wish in wishes):
            return bounds
        floors = [np.nan if wish.override is None else wish.override.floor for wish in wishes]
        return replace(
            bounds, override=np.array(floors, dtype=np.float64), paused=np.array([wish.paused for wish in wishes])
        )

    def _add_event(self, bounds: Bounds, w: int, book: ScheduleBook, now: float, lead_s: float) -> None:
        event = book.multiply(now, now + lead_s)
        if event is None:
            return
        bounds.factor[w], begin_s = event
        bounds.event_s[w] = begin_s - self.epoch_s
        for n, ago_s in enumerate(LIKE_S):
            quiet = book.multiply(now - ago_s, now - ago_s + lead_s) is None
            bounds.like_s[w, n] = ago_s if quiet else np.nan
