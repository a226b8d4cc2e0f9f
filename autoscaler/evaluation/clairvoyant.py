"""The clairvoyant optimum of a replayed demand: the least capacity that any controller could have used.

Model, per workload: in tick t demand d[t] (replicas, a fraction counts as load), capacity x[t] (whole replicas) costs 1
a tick, each start K more ticks, and max(0, d[t] - x[t]) is late. What stands at the first tick costs no start. Ticks
without data are left out by the caller. Lead time costs a clairvoyant nothing but K, since it orders early.

Layers: layer j serves the part f[t] = clip(d[t] - j, 0, 1). The gain of a layer falls with j, so the layers' own best
on/off plans are nested and their sum is optimal for whole replicas. For one layer and a price p of a late replica-tick
let z[t] be the least cost of being on after t minus that of being off. It obeys

    z[t] = clip(z[t-1], 0, K) + 1 - p f[t]        (z = 0 before the first tick)

and reading backwards tells the plan: z < 0 means on, z > K means off, between them the state of the tick after holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints

PRICES: Floats = np.geomspace(1.02, 400.0, 40)
_STATE_BYTES = 64_000_000  # of on/off flags held at a time
_ROUNDING = 1e-9  # demand that far above a whole replica does not need another


def whole_replicas(demand: Floats) -> Ints:
    """Least whole replicas that serve all of `demand` [T]."""
    return np.maximum(np.ceil(np.asarray(demand, dtype=np.float64) - _ROUNDING), 0.0).astype(np.int64)


def cost_without_misses(need_replicas: Ints, start_cost_ticks: float) -> float:
    """Least replica-ticks that serve `need_replicas` [T] in every tick.

    Each layer bridges an idle gap of g ticks at min(g, K). Linear in T and in the changes of the need: the tick in
    which each layer was last needed is kept, and touched only where the need changes.
    """
    need = _checked(np.asarray(need_replicas, dtype=np.float64), start_cost_ticks).astype(np.int64)
    last_needed = np.full(int(need.max(initial=0)), -1, dtype=np.int64)
    cost, before = float(need.sum()), 0
    for t in np.flatnonzero(np.diff(need, prepend=0)):
        now = int(need[t])
        if now > before:
            idle = t - 1 - last_needed[before:now]
            cost += float(np.minimum(idle, start_cost_ticks).sum())
        else:
            last_needed[now:before] = t - 1
        before = now
    return cost


def priced(demand: Floats, start_cost_ticks: float, prices: Floats) -> tuple[Floats, Floats]:
    """(capacity cost, unmet), both in replica-ticks [prices], of the cheapest plan at each price of an unmet one."""
    demand = _checked(demand, start_cost_ticks)
    prices = np.atleast_1d(np.asarray(prices, dtype=np.float64))
    capacity, unmet = np.zeros(prices.size), np.full(prices.size, float(demand.sum()))
    layers = math.ceil(demand.max(initial=0.0))
    chunk = max(1, _STATE_BYTES // max(1, demand.size * prices.size))
    for first in range(0, layers, chunk):
        part = _layer_parts(demand, first, min(first + chunk, layers))
        on = _layer_states(part, start_cost_ticks, prices)
        starts = np.count_nonzero(on[1:] & ~on[:-1], axis=(0, 1))
        capacity += np.count_nonzero(on, axis=(0, 1)) + start_cost_ticks * starts
        unmet -= np.einsum("tl,tlp->p", part, on)
    return capacity, np.maximum(unmet, 0.0)


def optimal_capacity(demand: Floats, start_cost_ticks: float, price: float) -> Ints:
    """Whole replicas [T] of the cheapest plan where an unmet replica-tick costs `price`."""
    demand = _checked(demand, start_cost_ticks)
    path = np.zeros(demand.size, dtype=np.int64)
    layers = math.ceil(demand.max(initial=0.0))
    chunk = max(1, _STATE_BYTES // max(1, demand.size))
    for first in range(0, layers, chunk):
        part = _layer_parts(demand, first, min(first + chunk, layers))
        path += np.count_nonzero(_layer_states(part, start_cost_ticks, np.array([price])), axis=(1, 2))
    return path


def capacity_at_late_share(demand: Floats, start_cost_ticks: float, late_share: float) -> Ints:
    """Cheapest path [T] among the priced ones whose unmet demand is at most `late_share` of the whole.

    Two sweeps find it: the forty prices of `PRICES`, then as many between the best of them and the next lower one.
    Where no price is dear enough, every tick is served. A plan that can be carried out, so its cost lies on or above
    `Frontier.lower_bound`.
    """
    demand = _checked(demand, start_cost_ticks)
    budget = late_share * float(demand.sum())
    prices, best = PRICES, math.nan
    if budget > 0:
        for _ in range(2):
            cost, unmet = priced(demand, start_cost_ticks, prices)
            within = np.flatnonzero(unmet <= budget)
            if not within.size:
                break
            chosen = int(within[np.argmin(cost[within])])
            best = float(prices[chosen])
            prices = np.geomspace(prices[max(chosen - 1, 0)], best, PRICES.size)
    if math.isnan(best):
        # A missing whole replica priced above its tick and start: no tick goes short.
        return optimal_capacity(whole_replicas(demand).astype(np.float64), start_cost_ticks, start_cost_ticks + 2.0)
    return optimal_capacity(demand, start_cost_ticks, best)


@dataclass(frozen=True, slots=True, eq=False)
class Frontier:
    """Cost against lateness of one demand, swept once and asked for several late shares.

    `capacity` and `unmet` [prices] are replica-ticks of the cheapest plan at each of `prices`.
    """

    prices: Floats
    capacity: Floats
    unmet: Floats
    total: float
    without_misses: float

    def lower_bound(self, late_share: float) -> float:
        """Replica-ticks that no plan with at most `late_share` of the demand unmet can undercut.

        Lagrangian dual: for any price p, cost(p) + p (unmet(p) - budget) is a bound; the best of the sweep is taken.
        Exact at a late share of zero. Never negative.
        """
        budget = late_share * self.total
        if budget <= 0:
            return self.without_misses
        return max(0.0, float(np.max(self.capacity + self.prices * (self.unmet - budget))))


def frontier(demand: Floats, start_cost_ticks: float) -> Frontier:
    """The frontier of `demand` [T] over `PRICES`."""
    demand = _checked(demand, start_cost_ticks)
    capacity, unmet = priced(demand, start_cost_ticks, PRICES)
    exact = cost_without_misses(whole_replicas(demand), start_cost_ticks)
    return Frontier(PRICES, capacity, unmet, float(demand.sum()), exact)


def _checked(demand: Floats, start_cost_ticks: float) -> Floats:
    demand = np.asarray(demand, dtype=np.float64)
    if not (np.isfinite(demand).all() and (demand >= 0).all()):
        raise ValueError("demand must be finite and not negative; leave out ticks without data first")
    if not (math.isfinite(start_cost_ticks) and start_cost_ticks >= 0):
        raise ValueError(f"start cost must be a finite number of ticks, not below zero: {start_cost_ticks}")
    return demand


def _layer_parts(demand: Floats, first: int, end: int) -> Floats:
    """Part of the demand that each layer serves [T, layers], 0..1, for layers first..end-1."""
    return np.clip(demand[:, None] - np.arange(first, end), 0.0, 1.0)


def _layer_states(part: Floats, start_cost_ticks: float, prices: Floats) -> Bools:
    """Whether each layer is on in the cheapest plan [T, layers, prices]."""
    shape = (*part.shape, prices.size)
    on, not_off = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    z, gain = np.zeros(shape[1:]), np.empty(shape[1:])
    for t in range(part.shape[0]):
        np.multiply(part[t][:, None], prices, out=gain)
        np.maximum(z, 0.0, out=z)
        np.minimum(z, start_cost_ticks, out=z)
        z += 1.0
        z -= gain
        np.less(z, 0.0, out=on[t])
        np.less_equal(z, start_cost_ticks, out=not_off[t])
    for t in range(part.shape[0] - 2, -1, -1):
        np.logical_and(not_off[t], on[t + 1], out=not_off[t])
        np.logical_or(on[t], not_off[t], out=on[t])
    return on
