"""What has to change so that the cluster is as planned. Nothing where it already is."""

from __future__ import annotations

import numpy as np

from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder, SetFloor
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.plan import Plan


def difference(plan: Plan, inventory: Inventory) -> list[Action]:
    """Actions in the order in which they must be applied: room is created before floors move, released after them.

    A floor that rises takes as many placeholders with it, so that many surplus ones are left to it.
    """
    creates: list[Action] = []
    deletes: list[Action] = []
    rise = np.maximum(plan.floor - inventory.floor, 0).tolist()
    if inventory.placeholders or np.count_nonzero(plan.placeholders):
        for (w, p), slots in _by_place(plan, inventory).items():
            surplus = len(slots) - int(plan.placeholders[w, p])
            taken = min(rise[w], max(surplus, 0))
            rise[w] -= taken
            creates += [CreatePlaceholder(w, p, s) for s in _free_slots(slots, -surplus)]
            deletes += [DeletePlaceholder(w, p, s.slot) for s in _surplus(slots, surplus - taken)]
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
