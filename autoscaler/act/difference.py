"""What has to change so that the cluster is as planned. Nothing where it already is."""

from __future__ import annotations

from collections import Counter

import numpy as np

from autoscaler.act.release import released
from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder, SetFloor
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.plan import Plan

Places = dict[tuple[int, int], list[Placeholder]]
"""The placeholders that stand, by workload and pool."""


def difference(plan: Plan, inventory: Inventory) -> list[Action]:
    """Actions in the order in which they must be applied: room is created before floors move, released after them.

    A floor that rises takes as many placeholders with it, so that many surplus ones are left to it, bound ones first.
    Which of the others go, is `released`'s to say.
    """
    creates: list[Action] = []
    deletes: list[Action] = []
    if inventory.placeholders or np.count_nonzero(plan.placeholders):
        places = _by_place(plan, inventory)
        taken = _taken(places, plan, inventory)
        surplus = {(w, p): len(slots) - int(plan.placeholders[w, p]) for (w, p), slots in places.items()}
        going = released(places, {place: count - taken[place] for place, count in surplus.items()})
        going = _once_replaced(going, places, plan, taken)
        for (w, p), slots in places.items():
            creates += [CreatePlaceholder(w, p, s) for s in _free_slots(slots, -surplus[w, p])]
            deletes += [DeletePlaceholder(w, p, s.slot) for s in going.get((w, p), ())]
    moved = (plan.floor != inventory.floor).nonzero()[0]
    floors: list[Action] = [SetFloor(w, int(plan.floor[w])) for w in moved.tolist()]
    return [*creates, *floors, *deletes]


def _by_place(plan: Plan, inventory: Inventory) -> Places:
    places: Places = {(int(w), int(p)): [] for w, p in zip(*np.nonzero(plan.placeholders), strict=True)}
    for placeholder in inventory.placeholders:
        places.setdefault((placeholder.workload, placeholder.pool), []).append(placeholder)
    return places


def _taken(places: Places, plan: Plan, inventory: Inventory) -> dict[tuple[int, int], int]:
    """Surplus placeholders of each place that are left to a rising floor: a replica starts where one is bound."""
    rise = np.maximum(plan.floor - inventory.floor, 0).tolist()
    taken = dict.fromkeys(places, 0)
    for bound_only in (True, False):
        for (w, p), slots in places.items():
            there = sum(s.bound for s in slots) if bound_only else len(slots)
            more = min(rise[w], max(there - int(plan.placeholders[w, p]) - taken[w, p], 0))
            taken[w, p] += more
            rise[w] -= more
    return taken


def _once_replaced(going: Places, places: Places, plan: Plan, taken: dict[tuple[int, int], int]) -> Places:
    """Of bound placeholders no more than there is bound room beyond all that is wanted: a pool is left only as the room
    in another one is there. Those that wait for a node are no room, and go at once."""
    spare: Counter[int] = Counter()
    for (w, p), standing in places.items():
        spare[w] += sum(one.bound for one in standing) - taken[w, p] - int(plan.placeholders[w, p])
    out: Places = {}
    for place, chosen in going.items():
        out[place] = []
        for one in chosen:
            if one.bound and spare[one.workload] <= 0:
                continue
            spare[one.workload] -= one.bound
            out[place].append(one)
    return out


def _free_slots(taken: list[Placeholder], count: int) -> list[int]:
    if count <= 0:
        return []
    used = {p.slot for p in taken}
    return [s for s in range(len(used) + count) if s not in used][:count]
