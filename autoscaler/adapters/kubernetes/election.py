"""Leader election on a Lease: one attempt at a time, without a thread, on a clock that is passed in.

Other holders are judged by our own monotonic clock: one that has not renewed for its whole duration *while we watched*
is dead, whatever the times in the record say. We ourselves lead for `renew_s` after the moment at which we *asked* for
our last renewal that went through, which is less than the duration that the others wait: two never lead at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from autoscaler.adapters.kubernetes.json_object import Json, version
from autoscaler.adapters.kubernetes.lease_record import LeaseRecord, lease_record
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import LEASES
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import Conflict

KEPT = ("labels", "annotations", "ownerReferences")
"""Of the Lease: somebody else's, as where an installer made it."""


@dataclass(frozen=True, slots=True)
class ElectionSettings:
    """identity: of this process, unlike any other's. duration_s: how long others wait for a silent leader.

    renew_s: how long a leader goes on without a renewal. retry_s: between two attempts. Shorter ones notice a death
    sooner and cost more calls; raises ValueError unless retry_s < renew_s < duration_s.
    """

    namespace: str
    name: str
    identity: str
    duration_s: int = 15
    renew_s: float = 10.0
    retry_s: float = 2.0

    def __post_init__(self) -> None:
        if not 0.0 < self.retry_s < self.renew_s < self.duration_s:
            raise ValueError(
                f"retry {self.retry_s:g} s < renew {self.renew_s:g} s < duration {self.duration_s} s must hold"
            )


class Election:
    """One candidate. `attempt` and `release` are called by one thread; `is_leader` by any."""

    def __init__(self, objects: Objects, clock: ClockPort, settings: ElectionSettings) -> None:
        self._objects = objects
        self._clock = clock
        self._settings = settings
        self._lease = Name(LEASES, settings.namespace, settings.name)
        self._leads_until = -math.inf
        self._seen = LeaseRecord("", 0.0, 0.0, 0.0, 0)
        self._seen_s = -math.inf

    @property
    def holder(self) -> str:
        """Who leads, as far as we have seen; empty where nobody does."""
        return self._seen.holder

    def is_leader(self) -> bool:
        """Whether we may act at this moment: no longer, as soon as a renewal is overdue."""
        return self._clock.monotonic_s() < self._leads_until

    def attempt(self) -> bool:
        """Renews what we hold, or takes what nobody holds; whether we lead. Raises `PortError`: ask again later."""
        asked_s = self._clock.monotonic_s()
        lease = self._objects.get(self._lease)
        there = LeaseRecord("", 0.0, 0.0, 0.0, 0) if lease is None else lease_record(lease)
        if there != self._seen:
            self._seen, self._seen_s = there, asked_s
        mine = there.holder == self._settings.identity
        if not mine and there.holder and asked_s < self._seen_s + there.duration_s:
            self._leads_until = -math.inf
            return False
        try:
            self._write(lease, self._claim(there))
        except Conflict:
            self._leads_until = -math.inf
            return False
        self._leads_until = asked_s + self._settings.renew_s
        return True

    def seize(self) -> None:
        """Takes the lead whoever has it. The former leader may act until its next attempt, or for `renew_s` of its own
        settings where it cannot ask: whoever seizes waits so long. Raises `PortError`."""
        asked_s = self._clock.monotonic_s()
        lease = self._objects.get(self._lease)
        there = LeaseRecord("", 0.0, 0.0, 0.0, 0) if lease is None else lease_record(lease)
        self._write(lease, self._claim(there))
        self._leads_until = asked_s + self._settings.renew_s

    def release(self) -> None:
        """Leads no longer from this moment, and says so, so that nobody waits. Raises `PortError`: they will wait."""
        self._leads_until = -math.inf
        lease = self._objects.get(self._lease)
        if lease is None:
            return
        there = lease_record(lease)
        if there.holder == self._settings.identity:
            now_s = self._clock.wall_s()
            self._write(lease, LeaseRecord("", 1.0, now_s, now_s, there.transitions))

    def _claim(self, there: LeaseRecord) -> LeaseRecord:
        """The record with us as its holder."""
        now_s = self._clock.wall_s()
        mine = there.holder == self._settings.identity
        return LeaseRecord(
            self._settings.identity,
            self._settings.duration_s,
            there.acquired_s if mine else now_s,
            now_s,
            there.transitions + (0 if mine else 1),
        )

    def _write(self, lease: Json | None, record: LeaseRecord) -> None:
        """Raises `Conflict` where somebody was faster."""
        body: dict[str, object] = {"spec": record.spec()}
        if lease is None:
            self._objects.create(self._lease, body)
        else:
            kept = {key: lease["metadata"][key] for key in KEPT if key in lease["metadata"]}
            self._objects.replace(self._lease, body | {"metadata": {**kept, "resourceVersion": version(lease)}})
        self._seen, self._seen_s = record, self._clock.monotonic_s()
