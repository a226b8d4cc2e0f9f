"""Which lead times are planned with, and when others are.

Another lead time is another horizon: forecaster and holds are rebuilt for it, from the history that is kept. So lead
times in force change only where one has moved by more than a share and some seconds, and all that moved change at once,
at most every `CHANGE_EVERY_S`: how good forecasts for a horizon are is judged over minutes. New policies, and records
that were read, count at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from autoscaler.domain.lead_time import Part, StageQuantile, Start
from autoscaler.observe.lead_times import LeadTimes

MOVED_SHARE = 0.15
MOVED_S = 5.0
CHANGE_EVERY_S = 600.0

Lead = tuple[float, float]
"""Seconds of the node's part and the replica's part."""


class LeadsInForce:
    """The lead times of all policies of one process. `Leads` for those who show and save them."""

    def __init__(self, node_s: float, replica_s: float) -> None:
        """What is planned with until something is learned."""
        self._learned = LeadTimes(node_s, replica_s)
        self._homes: Mapping[str, str] = {}
        self._in_force: dict[str, Lead] = {}
        self._changed_s = -inf

    def learn(self, starts: Iterable[Start]) -> None:
        """As `LeadTimes.learn`."""
        self._learned.learn(starts)

    def take(self, homes: Mapping[str, str], now_s: float) -> dict[str, Lead]:
        """The lead times that are in force from now on, by policy. homes: the pool that each policy fills first.

        now_s: seconds since the epoch. Policies that are not among them are forgotten.
        """
        known = {policy for policy in self._in_force if self._homes[policy] == homes.get(policy)}
        moved = {policy for policy in known if self._is_time(now_s) and self._has_moved(policy)}
        self._learned.keep_only(homes.keys())
        self._homes = dict(homes)
        self._in_force = {
            policy: self._in_force[policy] if policy in known - moved else self._lead(policy) for policy in homes
        }
        if moved:
            self._changed_s = now_s
        return dict(self._in_force)

    def is_outdated(self, now_s: float) -> bool:
        """Whether `take` would change any that is in force."""
        return self._is_time(now_s) and any(self._has_moved(policy) for policy in self._in_force)

    def record(self, policy: str) -> dict[str, object]:
        return self._learned.to_record(policy)

    def restore(self, policy: str, record: Mapping[str, object]) -> None:
        self._learned.from_record(policy, record)
        self._changed_s = -inf

    def p90_s(self, policy: str) -> float:
        return sum(self._lead(policy))

    def middle_s(self, policy: str) -> tuple[float, float]:
        node_s, replica_s = (self._learned.middle_s(part, policy, self._homes.get(policy, "")) for part in Part)
        return node_s, replica_s

    def starts(self) -> tuple[Start, ...]:
        """As `LeadTimes.starts`."""
        return self._learned.starts()

    def quantiles(self) -> tuple[StageQuantile, ...]:
        return self._learned.quantiles()

    def _is_time(self, now_s: float) -> bool:
        return now_s - self._changed_s >= CHANGE_EVERY_S

    def _lead(self, policy: str) -> Lead:
        node_s, replica_s = (self._learned.planned_s(part, policy, self._homes[policy]) for part in Part)
        return node_s, replica_s

    def _has_moved(self, policy: str) -> bool:
        """By enough, one way or the other."""
        pairs = zip(self._in_force[policy], self._lead(policy), strict=True)
        return any(abs(new_s - old_s) >= max(MOVED_S, MOVED_SHARE * old_s) for old_s, new_s in pairs)
