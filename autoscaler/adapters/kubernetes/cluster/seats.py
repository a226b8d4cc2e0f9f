"""The places of placeholders: which pod stands for which policy, pool and slot. Its own object tells, so a restart
forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autoscaler.placeholder.manifest import MEMBER, PLAN, POOL, SLOT
from autoscaler.placeholder.naming import placeholder_name
from autoscaler.placeholder.pin import Pin, pin
from autoscaler.placeholder.pod import Json, labels, metadata, name
from autoscaler.policy.check import PolicyDocument, PoolDocument
from autoscaler.policy.compile import fleet_order


@dataclass(frozen=True, slots=True)
class Place:
    """Indices of workload and pool in the fleet, and the number of the slot."""

    workload: int
    pool: int
    slot: int


class Seats:
    """Policies and pools in the order of the fleet, and the placeholders that they may have."""

    def __init__(
        self, policies: Sequence[PolicyDocument], pools: Sequence[PoolDocument], owners: Mapping[str, Json]
    ) -> None:
        """As `LiveCluster`."""
        self.policies = tuple(fleet_order(policies))
        self.pins: tuple[Pin, ...] = tuple(pin(document.name, document.model) for document in pools)
        self.owners = owners
        self._workloads = {document.name: w for w, document in enumerate(self.policies)}
        self._pools = {document.name: p for p, document in enumerate(pools)}

    def home(self, workload: int) -> int:
        """The first primary pool of a workload."""
        return self._pools[self.policies[workload].model.pools.primary[0]]

    def name(self, place: Place, member: int | None = None) -> str:
        """Of the placeholder at this place, or of one of several there."""
        return placeholder_name(self.policies[place.workload].name, self.pins[place.pool].pool, place.slot, member)

    def place(self, placeholder: Json) -> Place | None:
        """Of a placeholder; None where it stands for no policy and pool of this fleet, or is not what its name says."""
        workload = self._workloads.get(labels(placeholder).get(PLAN, ""))
        pool = self._pools.get(labels(placeholder).get(POOL, ""))
        notes = metadata(placeholder).get("annotations") or {}
        slot, member = _number(notes.get(SLOT)), _number(notes.get(MEMBER))
        if workload is None or pool is None or slot is None:
            return None
        place = Place(workload, pool, slot)
        return place if self.name(place, member) == name(placeholder) else None

    def is_ours(self, placeholder: Json) -> bool:
        """Whether it stands at its place for the owner that its policy has now."""
        place = self.place(placeholder)
        if place is None:
            return False
        uid = self.owners[self.policies[place.workload].name]["uid"]
        return any(owner.get("uid") == uid for owner in metadata(placeholder).get("ownerReferences") or ())

    def only_observes(self, placeholder: Json) -> bool:
        """Whether its policy touches nothing."""
        place = self.place(placeholder)
        return place is not None and self.policies[place.workload].model.mode == "observe"

    def pool_of_name(self, placeholder: str) -> int | None:
        """The pool of a placeholder of which only the name is known, as in an event; None where it is none of ours."""
        before, last = (_number(part) for part in ["", *placeholder.split("-")][-2:])
        for slot, member in ((last, None), (before, last)):
            if slot is None:
                continue
            places = (Place(w, p, slot) for w in range(len(self.policies)) for p in range(len(self.pins)))
            found = next((place.pool for place in places if self.name(place, member) == placeholder), None)
            if found is not None:
                return found
        return None


def _number(told: object) -> int | None:
    text = str(told)
    return int(text) if text.isascii() and text.isdecimal() else None
