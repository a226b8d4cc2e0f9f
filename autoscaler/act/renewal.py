"""Renewal: placeholders of a shape that its workload no longer has are replaced, without a gap.

A new one comes first, and an old one goes only as a new one holds room in its place. So that not all of the nodes are
bought twice, no more than a node's worth stands beyond what is wanted at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.domain.action import Action, CreatePlaceholder, DeletePlaceholder
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory, Placeholder
from autoscaler.domain.plan import Plan

Seat = tuple[int, int]
"""Workload and pool."""


def renewed(actions: Sequence[Action], plan: Plan, inventory: Inventory, fleet: Fleet) -> list[Action]:
    """The actions, those on placeholders replaced where some are outdated; the same where none is."""
    seats = sorted({(one.workload, one.pool) for one in inventory.placeholders if one.outdated})
    if not seats:
        return list(actions)
    turns = [_turn(seat, plan, inventory, fleet) for seat in seats]
    others = [action for action in actions if _seat(action) not in seats]
    creates = [CreatePlaceholder(*turn.seat, slot) for turn in turns for slot in turn.creates]
    deletes = [DeletePlaceholder(*turn.seat, slot) for turn in turns for slot in turn.deletes]
    return [*creates, *others, *deletes]


@dataclass(frozen=True, slots=True)
class _Turn:
    """Slots of one seat that come and go in this tick."""

    seat: Seat
    creates: list[int]
    deletes: list[int]


def _turn(seat: Seat, plan: Plan, inventory: Inventory, fleet: Fleet) -> _Turn:
    """A floor that rises takes bound ones with it, so that many more are left to it."""
    here = [one for one in inventory.placeholders if (one.workload, one.pool) == seat]
    old, new = [one for one in here if one.outdated], [one for one in here if not one.outdated]
    bound_old = sorted((one for one in old if one.bound), key=_leaves_first)
    wanted = int(plan.placeholders[seat])
    rise = max(int(plan.floor[seat[0]]) - int(inventory.floor[seat[0]]), 0)
    surplus = sum(one.bound for one in here) - wanted - rise
    kept = len(bound_old) - min(max(surplus, 0), len(bound_old))
    step = max(fleet.pools[seat[1]].gpus_per_node // max(int(fleet.gpus_per_replica[seat[0]]), 1), 1)
    lacking = min(wanted, max(wanted - kept, 0) + step) - len(new)
    going = [*(one for one in old if not one.bound), *bound_old[: len(bound_old) - kept]]
    return _Turn(seat, _free_slots(here, lacking), [one.slot for one in going])


def _leaves_first(one: Placeholder) -> tuple[bool, str, int]:
    """Node by node, those first that nothing else holds."""
    return not one.alone, one.node, one.slot


def _free_slots(here: Sequence[Placeholder], count: int) -> list[int]:
    used = {one.slot for one in here}
    return [slot for slot in range(len(used) + max(count, 0)) if slot not in used][: max(count, 0)]


def _seat(action: Action) -> Seat | None:
    return (action.workload, action.pool) if isinstance(action, CreatePlaceholder | DeletePlaceholder) else None
