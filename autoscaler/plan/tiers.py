"""Room beyond the floors: how many placeholders, and in which pools.

On-demand carries the usual demand (its mean over a day), spot what comes on top; a pool that is out of stock or full
passes its part on to the next.
"""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.plan.groups import Groups


def spare_replicas(room: Floats, floor: Floats, pooled_gpus: Floats, groups: Groups, fleet: Fleet) -> Ints:
    """Replicas of room beyond the floors, int [W].

    room, floor: float [W]. pooled_gpus: float [G], GPUs that each group needs as one, NaN where not known; the
    members' own room is cut to it, by largest remainder.
    """
    spare = np.maximum(np.ceil(room - 1e-9) - floor, 0.0)
    for row, gpus in zip(groups.member, pooled_gpus, strict=True):
        if np.isnan(gpus):
            continue
        wanted = spare[row] * fleet.gpus_per_replica[row]
        left = max(0.0, np.ceil(gpus - 1e-9) - float((floor[row] * fleet.gpus_per_replica[row]).sum()))
        if wanted.sum() > left:
            spare[row] = _share(wanted * (left / wanted.sum()) / fleet.gpus_per_replica[row])
    return spare.astype(np.int64)


def _share(exact: Floats) -> Floats:
    whole = np.floor(exact)
    extra = round(float((exact - whole).sum()))
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[:extra]] += 1.0
    return whole


def place(spare: Ints, usual: Floats, inventory: Inventory, fleet: Fleet) -> tuple[Ints, Bools]:
    """(placeholders wanted, int [W, P]; True [W] where the pools cannot hold all).

    usual: float [W], the replicas that on-demand should carry.
    """
    wanted = np.zeros((fleet.size, len(fleet.pools)), dtype=np.int64)
    short = np.zeros(fleet.size, dtype=bool)
    if not spare.any():
        return wanted, short
    bound, pending = inventory.placeholder_counts()
    real = inventory.ready + inventory.starting
    room = _pool_room(real, fleet)
    for w in np.flatnonzero(spare).tolist():
        left = int(spare[w])
        on_primary = int(real[w][fleet.primary[w]].sum())
        base = left if not fleet.burst[w].any() else min(left, max(0, int(np.ceil(usual[w])) - on_primary))
        first, second = np.flatnonzero(fleet.primary[w]).tolist(), np.flatnonzero(fleet.burst[w]).tolist()
        for part, order in ((base, [*first, *second]), (left - base, [*second, *first])):
            short[w] |= _fill(wanted, room, w, part, order, inventory, bound + pending, fleet) > 0
    return wanted, short


def _pool_room(real: Ints, fleet: Fleet) -> Floats:
    limit = [np.inf if p.max_nodes is None else p.max_nodes * p.gpus_per_node for p in fleet.pools]
    out: Floats = np.array(limit, dtype=np.float64) - (real * fleet.gpus_per_replica[:, None]).sum(axis=0)
    return out


def _fill(
    wanted: Ints, room: Floats, w: int, count: int, order: list[int], inventory: Inventory, have: Ints, fleet: Fleet
) -> int:
    """Puts `count` placeholders of workload w into the pools in order; how many found no room."""
    gpus = int(fleet.gpus_per_replica[w])
    for p in order:
        if count == 0:
            break
        fits = int(min(count, max(0.0, np.floor(room[p] / gpus))))
        if not inventory.obtainable[p]:
            fits = min(fits, max(0, int(have[w, p] - wanted[w, p])))
        wanted[w, p] += fits
        room[p] -= fits * gpus
        count -= fits
    return count
