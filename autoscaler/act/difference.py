"""What has to change so that the cluster is as planned. Nothing where it already is."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder, SetFloor
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.plan import Plan


def difference(plan: Plan, inventory: Inventory) -> list[Action]:
    """Actions in the order in which they must be applied: room is created before floors move, released after them."""
    creates: list[Action] = []
    deletes: list[Action] = []
    if inventory.placeholders or np.count_nonzero(plan.placeholders):
        for (w, p), slots in _by_place(plan, inventory).items():
            wanted = int(plan.placeholders[w, p])
            creates += [CreatePlaceholder(w, p, s) for s in _free_slots(slots, wanted - len(slots))]
            deletes += [DeletePlaceholder(w, p, s.slot) for s in _surplus(slots, len(slots) - wanted)]
    moved = (plan.floor != inventory.floor).nonzero()[0]
    floors: list[Action] = [SetFloor(w, int(plan.floor[w])) for w in moved.tolist()]
    return [*creates, *floors, *deletes]


def _by_place(plan: Plan, inventory: Inventory) -> dict[tuple[int, int], list[Placeholder]]:
    places: dict[tuple[int, int], list[Placeholder]] = {
        (int(w), int(p)): [] for w, p in zip(*np.nonzero(plan.placeholders), strict=True)
    }
    for placeholder in inventory.placeholders:
        places.setdefault((placeholder.workload, placeholder.pool), []).append(placeholder)
    return places


def _free_slots(taken: list[Placeholder], count: int) -> list[int]:
    if count <= 0:
        return []
    used = {p.slot for p in taken}
    return [s for s in range(len(used) + count) if s not in used][:count]


def _surplus(standing: list[Placeholder], count: int) -> list[Placeholder]:
    """Pending ones first, then the highest slots."""
    if count <= 0:
        return []
    return sorted(standing, key=lambda p: (p.bound, -p.slot))[:count]
