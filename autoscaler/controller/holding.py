"""Moves no floor before what stands there is written down, and steps back from who sets the field too.

A person or a GitOps tool that sets a field after us means it: what they wrote is what is given back in the end, and we
leave the field alone for a while, longer each time. So two who will not agree do not fight over it all day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoscaler.controller.in_force import InForce
from autoscaler.controller.records import Earlier, Records
from autoscaler.domain.inventory import Inventory
from autoscaler.ports.errors import OwnedByOthers
from autoscaler.ports.replicas import FieldReading, ReplicasPort

BACK_S, BACK_MOST_S = 300.0, 3600.0
FORGIVEN_S = 6 * 3600.0
"""After so long without another hand the next change counts as the first."""


@dataclass(frozen=True, slots=True)
class _Contest:
    """times: so often in a row. until_s: the field is left alone. said: who set what."""

    times: int
    at_s: float
    until_s: float
    said: str


class Contests:
    """Which fields others set after us, since this process began."""

    def __init__(self) -> None:
        self._contests: dict[str, _Contest] = {}
        self._moved: set[str] = set()

    def moved(self, policy: str) -> None:
        """We have set its field."""
        self._moved.add(policy)

    def has_moved(self, policy: str) -> bool:
        """Whether we have set it, and nobody was seen to set it since."""
        return policy in self._moved

    def add(self, policy: str, said: str, now_s: float) -> None:
        """Somebody set it after us."""
        before = self._contests.get(policy)
        times = 1 if before is None or now_s > before.at_s + FORGIVEN_S else before.times + 1
        wait_s = min(BACK_S * 2.0 ** (times - 1), BACK_MOST_S)
        self._contests[policy] = _Contest(times, now_s, now_s + wait_s, said)
        self._moved.discard(policy)

    def why_not(self, policy: str, now_s: float) -> str | None:
        """Why its field is left alone now, the same words as long as that lasts; None where it is not."""
        contest = self._contests.get(policy)
        if contest is None or now_s >= contest.until_s:
            return None
        wait_s = contest.until_s - contest.at_s
        return f"{contest.said}; it is left alone for {wait_s:g} s, and longer each time it is set after us"

    def forget(self, policy: str) -> None:
        """What the policy moved is given back."""
        self._contests.pop(policy, None)
        self._moved.discard(policy)


class HoldingCluster:
    """The cluster port of one tick, for the leader."""

    def __init__(
        self, in_force: InForce, records: Records, replicas: ReplicasPort, contests: Contests, now_s: float
    ) -> None:
        self._cluster, self._records, self._replicas = in_force.ports.cluster, records, replicas
        self._names, self._about, self._via = in_force.policies.fleet.names, in_force.about, in_force.via
        self._contests, self._now_s = contests, now_s

    def inventory(self, now_s: float) -> Inventory:
        """The user's own minimum is what stood there before us, and not what we wrote over it; what is left alone for a
        while is not moved now.
        """
        found = self._cluster.inventory(now_s)
        left_alone = np.array([self._contests.why_not(policy, self._now_s) is not None for policy in self._names])
        if np.count_nonzero(left_alone):
            found = replace(found, unmoved=left_alone if found.unmoved is None else found.unmoved | left_alone)
        if found.owner_least is None:
            return found
        least = found.owner_least.copy()
        for w, policy in enumerate(self._names):
            earlier = self._records.of(policy).earlier
            if earlier is not None and least[w] > 0:
                least[w] = earlier.replicas or 0
        return replace(found, owner_least=least)

    def set_floor(self, workload: int, replicas: int) -> None:
        """As `ClusterPort`. Raises `OwnedByOthers` where another has set the field since we did."""
        policy, about = self._names[workload], self._about[workload]
        self._refuse(policy)
        reading = self._replicas.read(about, self._via[workload])
        earlier = self._records.earlier(policy)
        if earlier is None or earlier.workload != about or earlier.owner != reading.field:
            self._records.hold(policy, Earlier(about, reading.value, reading.field))
        elif self._is_set_by_others(policy, reading, earlier):
            self._records.hold(policy, replace(earlier, replicas=reading.value))
            by = f" by {reading.by}" if reading.by else ""
            self._contests.add(policy, f"{reading.field} was set to {reading.value}{by} after us", self._now_s)
            self._refuse(policy)
        self._cluster.set_floor(workload, replicas)
        self._contests.moved(policy)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._cluster.create_placeholder(workload, pool, slot)

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._cluster.delete_placeholder(workload, pool, slot)

    def _is_set_by_others(self, policy: str, reading: FieldReading, earlier: Earlier) -> bool:
        """Not where we only had taken down what stands there, and were stopped before we set it."""
        return not reading.is_ours and (reading.value != earlier.replicas or self._contests.has_moved(policy))

    def _refuse(self, policy: str) -> None:
        why = self._contests.why_not(policy, self._now_s)
        if why is not None:
            raise OwnedByOthers(why, ())
