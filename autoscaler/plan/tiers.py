"""Room beyond the floors: how many placeholders, and in which pools.

On-demand carries what must survive the loss of the largest zone of spot, spot the rest; a pool that is out of stock or
full passes its part on to the next.
"""

from __future__ import annotations

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import WHOLE_LEAD, Forecast
from autoscaler.domain.inventory import Inventory
from autoscaler.plan.groups import Groups

POOLED_LEVEL = 0.9
"""Quantile at which the headroom of several workloads together is compared with the sum of their own."""


def pooled_share(forecast: Forecast | None, groups: Groups, fleet: Fleet) -> Floats:
    """Share of its members' own headrooms that each group needs as one, float [G], 0..1; 1 without a pooled forecast.

    Their errors do not come at the same time, so the quantile of the sum lies below the sum of the quantiles.
    """
    count = groups.member.shape[0]
    if forecast is None or forecast.centre.shape[0] == fleet.size:
        return np.ones(count)
    series = forecast.centre.shape[0]
    headroom = forecast.quantile(np.full(series, POOLED_LEVEL), WHOLE_LEAD) - forecast.centre[:, WHOLE_LEAD]
    own = headroom[: fleet.size] * fleet.gpus_per_replica
    apart = np.array([own[row].sum() for row in groups.member])
    share = headroom[fleet.size :] / np.where(apart > 0.0, apart, np.nan)
    return np.where(np.isfinite(share), np.minimum(np.maximum(share, 0.0), 1.0), 1.0)


def spare_replicas(room: Floats, floor: Floats, share: Floats, groups: Groups, fleet: Fleet) -> Ints:
    """Replicas of room beyond the floors, int [W].

    room, floor: float [W]. share: float [G], see `pooled_share`: the members' own room is cut to it, by largest
    remainder, and never to less, since replicas are whole.
    """
    spare = np.maximum(np.ceil(room - 1e-9) - floor, 0.0)
    for row, part in zip(groups.member, share, strict=True):
        wanted = spare[row] * fleet.gpus_per_replica[row]
        left = np.ceil(part * wanted.sum() - 1e-9)
        if wanted.sum() > left:
            spare[row] = _share(wanted * (left / wanted.sum()), fleet.gpus_per_replica[row])
    return spare.astype(np.int64)


def least_on_primary(total: Floats, middle: Floats, fleet: Fleet) -> Floats:
    """Replicas that on-demand must carry so that `middle` still runs when the largest zone of spot is lost, float [W].

    total, middle: float [W], replicas wanted in all, and the middle of the demand. With S on spot, spread over Z zones,
    and P on primary, P + S (Z - 1) / Z >= middle and P + S = total give P >= Z middle - (Z - 1) total.
    """
    zones = np.array([
        max((len(pool.zones) for pool, used in zip(fleet.pools, row, strict=True) if used), default=1)
        for row in fleet.burst
    ])  # fmt: skip
    out: Floats = np.minimum(np.maximum(zones * middle - (zones - 1) * total, 0.0), middle)
    return out


def _share(wanted_gpus: Floats, gpus: Ints) -> Floats:
    """Whole replicas of `gpus` each for the GPUs wanted, by largest remainder, until these are there."""
    exact = wanted_gpus / gpus
    whole = np.floor(exact + 1e-9)
    lacking = float(wanted_gpus.sum() - (whole * gpus).sum())
    for k in np.argsort(-(exact - whole), kind="stable").tolist():
        if lacking <= 1e-9:
            break
        whole[k] += 1.0
        lacking -= float(gpus[k])
    return whole


def place(spare: Ints, base: Floats, inventory: Inventory, fleet: Fleet, stays: Bools) -> tuple[Ints, Bools]:
    """(placeholders wanted, int [W, P]; True [W] where the pools cannot hold all).

    base: float [W], the replicas that on-demand should carry, those that run included. stays: bool [W], where
    placeholders that stand stay in their pools, before anybody is given more.
    """
    wanted = np.zeros((fleet.size, len(fleet.pools)), dtype=np.int64)
    short = np.zeros(fleet.size, dtype=bool)
    if not spare.any():
        return wanted, short
    bound, pending = inventory.placeholder_counts()
    real = inventory.ready + inventory.starting
    room = _pool_room(real, fleet)
    for w, p in np.argwhere((bound + pending) * stays[:, None]).tolist():
        standing = min(int(bound[w, p] + pending[w, p]), int(spare[w] - wanted[w].sum()))
        _fill(wanted, room, w, standing, [p], inventory, bound, fleet)
    for w in np.flatnonzero(spare).tolist():
        left = int(spare[w] - wanted[w].sum())
        on_primary = int((real[w] + wanted[w])[fleet.primary[w]].sum())
        lacking = max(0, int(np.ceil(base[w] - 1e-9)) - on_primary)
        steady = min(left, lacking) if fleet.burst[w].any() else left
        first, second = np.flatnonzero(fleet.primary[w]).tolist(), np.flatnonzero(fleet.burst[w]).tolist()
        for part, order in ((steady, [*first, *second]), (left - steady, [*second, *first])):
            short[w] |= _fill(wanted, room, w, part, order, inventory, bound, fleet) > 0
    return wanted, short


def beyond_pools(floor: Floats, inventory: Inventory, fleet: Fleet) -> Bools:
    """Where a workload's pools cannot hold its floor beside what runs there now, bool [W]."""
    if all(pool.max_nodes is None for pool in fleet.pools):
        return np.zeros(fleet.size, dtype=bool)
    real = inventory.ready + inventory.starting
    room, gangs = _pool_room(real, fleet).tolist(), [fleet.gang(w) for w in range(fleet.size)]
    nodes = [pool.gpus_per_node for pool in fleet.pools]
    fits = np.array([[gang.count_in(r, gpus) for r, gpus in zip(room, nodes, strict=True)] for gang in gangs])
    out: Bools = floor - real.sum(axis=1) > np.where(fleet.primary | fleet.burst, fits, 0.0).sum(axis=1)
    return out


def _pool_room(real: Ints, fleet: Fleet) -> Floats:
    limit = [np.inf if p.max_nodes is None else p.max_nodes * p.gpus_per_node for p in fleet.pools]
    out: Floats = np.array(limit, dtype=np.float64) - (real * fleet.gpus_per_replica[:, None]).sum(axis=0)
    return out


def _fill(
    wanted: Ints, room: Floats, w: int, count: int, order: list[int], inventory: Inventory, bound: Ints, fleet: Fleet
) -> int:
    """Puts `count` placeholders of workload w into the pools in order; how many found no room.

    In a pool that is out of stock those that are bound stay; those that wait there for a node wait in vain.
    """
    gang = fleet.gang(w)
    for p in order:
        if count == 0:
            break
        fits = int(min(count, gang.count_in(float(room[p]), fleet.pools[p].gpus_per_node)))
        if not inventory.obtainable[p]:
            fits = min(fits, max(0, int(bound[w, p] - wanted[w, p])))
        wanted[w, p] += fits
        room[p] -= fits * gang.gpus
        count -= fits
    return count
