"""Which placeholders are of another shape than one that would be made now.

The shape is worked out anew only where what it is modelled on has changed in a way that counts, which is told without
a question to the server. A live pod says more than its template, what was injected into it for one; so where the last
pod has gone, what was modelled on it stands until the template itself changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.models import Models, Standing
from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.domain.inventory import Placeholder
from autoscaler.placeholder.constraints import Surroundings
from autoscaler.placeholder.manifest import SHAPE
from autoscaler.placeholder.pod import Json, metadata
from autoscaler.placeholder.refusal import Refusal
from autoscaler.placeholder.shape import shape, shape_key
from autoscaler.ports.errors import Forbidden, Invalid, NotFound

Outline = tuple[str, ...]
"""Of the pods of a replica, what their shapes come to as far as they tell it by themselves."""


@dataclass(slots=True)
class _Known:
    """live, template: what was modelled on last, None where it was not. keys: of the shapes that are made now."""

    live: Outline | None = None
    template: Outline | None = None
    keys: frozenset[str] | None = None


class Renewals:
    """Remembers what was modelled on, by workload and pool. Not for two threads."""

    def __init__(self, seats: Seats, models: Models) -> None:
        self._seats, self._models = seats, models
        self._modelled: dict[int, tuple[Json, ...]] = {}
        self._known: dict[tuple[int, int], _Known] = {}

    def model_on(self, workload: int, pods: Sequence[Json]) -> None:
        """What placeholders of this workload are modelled on from now on: the pods of one replica."""
        self._modelled[workload] = tuple(pods)

    def marked(
        self, placeholders: tuple[Placeholder, ...], pods: Mapping[Key, SeenPod], standing: Standing
    ) -> tuple[Placeholder, ...]:
        """The same, each with whether it is outdated. Raises `Unavailable`."""
        places = sorted({(one.workload, one.pool) for one in placeholders})
        now = {place: keys for place in places if (keys := self._keys(*place, standing)) is not None}
        if not now:
            return placeholders
        made = _made(self._seats, pods.values())
        return tuple(
            replace(one, outdated=not made.get(Place(one.workload, one.pool, one.slot), set()) <= now[place])
            if (place := (one.workload, one.pool)) in now
            else one
            for one in placeholders
        )

    def _keys(self, workload: int, pool: int, standing: Standing) -> frozenset[str] | None:
        """Of the shapes that are made now; None where that is not known."""
        pods = self._modelled.get(workload)
        if pods is None:
            return None
        known = self._known.setdefault((workload, pool), _Known())
        outline = tuple(dict.fromkeys(self._outline(pod, pool) for pod in pods))
        if metadata(pods[0]).get("uid"):
            is_new = outline != known.live
            known.live = outline
        else:
            is_new = known.template not in (None, outline)
            known.template, known.live = outline, None if is_new else known.live
        if is_new:
            known.keys = self._read(workload, pool, standing)
        return known.keys

    def _outline(self, pod: Json, pool: int) -> str:
        try:
            found = shape(pod, self._seats.pins[pool], Surroundings())
        except ValueError as error:
            return str(error)
        return found.reason if isinstance(found, Refusal) else shape_key(found)

    def _read(self, workload: int, pool: int, standing: Standing) -> frozenset[str] | None:
        document, pin = self._seats.policies[workload], self._seats.pins[pool]
        try:
            replica = self._models.replica(document.model.workload, pin, standing)
        except (NotFound, Forbidden, Invalid):
            return None  # none can be made: what stands is better than nothing
        return frozenset(shape_key(member) for member in replica.members)


def _made(seats: Seats, pods: Iterable[SeenPod]) -> dict[Place, set[str]]:
    """The keys of the shapes that placeholders were made with, by their place."""
    found: dict[Place, set[str]] = {}
    for pod in pods:
        place = None if pod.whole is None else seats.place(pod.whole)
        if place is not None:
            key = (metadata(pod.whole or {}).get("annotations") or {}).get(SHAPE, "")
            found.setdefault(place, set()).add(str(key))
    return found
