"""Budgets: who gets what where not all that is wanted may be asked for.

Priorities go first. Within a priority the demand of now goes before what is only expected, and each is granted replica
by replica to whoever has the smallest part of what it wants. A replica that runs costs the price of its pool, one more
the dearest of its pools, since nobody knows yet where it will stand.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.domain.budget import Budget
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory

SLACK = 1e-9


@dataclass(slots=True)
class _Purse:
    """What is left of a budget."""

    gpus: float
    dollars: float

    def pays(self, gpus: float, dollars: float) -> bool:
        """Takes this, where it is there."""
        if gpus > self.gpus + SLACK or dollars > self.dollars + SLACK:
            return False
        self.gpus -= gpus
        self.dollars -= dollars
        return True


@dataclass(frozen=True, slots=True)
class _Prices:
    """Dollars an hour of a replica, float [W]: `standing` of the int [W] `count` that run, `dearest` of one more."""

    count: Ints
    standing: Floats
    dearest: Floats

    @staticmethod
    def of(inventory: Inventory, fleet: Fleet) -> _Prices:
        real = inventory.ready + inventory.starting
        gpu = np.array([pool.price_per_gpu_hour_dollars for pool in fleet.pools])
        count = real.sum(axis=1)
        mean = (real * gpu).sum(axis=1) / np.where(count > 0, count, 1)
        dearest = np.where(fleet.primary | fleet.burst, gpu, 0.0).max(axis=1, initial=0.0)
        return _Prices(count, mean * fleet.gpus_per_replica, dearest * fleet.gpus_per_replica)

    def total(self, replicas: Floats) -> Floats:
        """Dollars an hour of so many replicas, float [W]."""
        running = np.minimum(replicas, self.count)
        out: Floats = running * self.standing + (replicas - running) * self.dearest
        return out

    def next(self, w: int, replicas: float) -> float:
        """Dollars an hour of one more."""
        return float(self.standing[w] if replicas < self.count[w] else self.dearest[w])


def affordable(floor: Floats, demand: Floats, inventory: Inventory, fleet: Fleet) -> Floats:
    """The floors that the budgets allow, float [W], none above the one given. demand: float [W], of now."""
    if not fleet.budgets:
        return floor
    prices = _Prices.of(inventory, fleet)
    out = floor.copy()
    for b, budget in enumerate(fleet.budgets):
        members = fleet.budget_of == b
        if not _fits(floor, members, prices, budget, fleet):
            need = np.minimum(np.ceil(np.fmax(demand, 0.0) - SLACK), floor)
            _grant(out, floor, need, np.flatnonzero(members), prices, budget, fleet)
    return out


def _fits(floor: Floats, members: Bools, prices: _Prices, budget: Budget, fleet: Fleet) -> bool:
    gpus = float((floor * fleet.gpus_per_replica)[members].sum())
    return gpus <= budget.gpus + SLACK and float(prices.total(floor)[members].sum()) <= budget.dollars_per_hour + SLACK


def _grant(
    out: Floats, floor: Floats, need: Floats, members: Ints, prices: _Prices, budget: Budget, fleet: Fleet
) -> None:
    """Writes what each member gets."""
    purse = _Purse(budget.gpus, budget.dollars_per_hour)
    out[members] = 0.0
    for priority in sorted({int(p) for p in fleet.priority[members]}, reverse=True):
        same = [w for w in members.tolist() if fleet.priority[w] == priority]
        for wanted in (need, floor):
            _share(out, wanted, same, prices, purse, fleet)


def _share(out: Floats, wanted: Floats, same: list[int], prices: _Prices, purse: _Purse, fleet: Fleet) -> None:
    queue = [(out[w] / wanted[w], n, w) for n, w in enumerate(same) if out[w] < wanted[w]]
    heapq.heapify(queue)
    while queue:
        _, n, w = heapq.heappop(queue)
        if purse.pays(float(fleet.gpus_per_replica[w]), prices.next(w, float(out[w]))):
            out[w] += 1.0
            if out[w] < wanted[w]:
                heapq.heappush(queue, (out[w] / wanted[w], n, w))


def affordable_placeholders(wanted: Ints, floor: Floats, inventory: Inventory, fleet: Fleet) -> tuple[Ints, Bools]:
    """(placeholders that the budgets allow beside the floors, int [W, P]; where they allow fewer, bool [W])."""
    short = np.zeros(fleet.size, dtype=bool)
    if not fleet.budgets or not np.count_nonzero(wanted):
        return wanted, short
    prices, out = _Prices.of(inventory, fleet), wanted.copy()
    price = [pool.price_per_gpu_hour_dollars for pool in fleet.pools]
    cheapest_first = sorted(range(len(price)), key=price.__getitem__)
    for b, budget in enumerate(fleet.budgets):
        members = fleet.budget_of == b
        spent = float((floor * fleet.gpus_per_replica)[members].sum())
        purse = _Purse(budget.gpus - spent, budget.dollars_per_hour - float(prices.total(floor)[members].sum()))
        for w in np.flatnonzero(members).tolist():
            gpus = float(fleet.gpus_per_replica[w])
            for p in cheapest_first:
                out[w, p] = sum(purse.pays(gpus, gpus * price[p]) for _ in range(int(wanted[w, p])))
    less: Bools = np.logical_or.reduce(out < wanted, axis=1)
    return out, less


def asked(floor: Floats, placeholders: Ints, inventory: Inventory, fleet: Fleet) -> tuple[Floats, Floats]:
    """(GPUs, dollars an hour) that a plan asks for of each budget, float [B] each, as the limits count them."""
    prices = _Prices.of(inventory, fleet)
    price = np.array([pool.price_per_gpu_hour_dollars for pool in fleet.pools])
    held = placeholders * fleet.gpus_per_replica[:, None]
    gpus = floor * fleet.gpus_per_replica + held.sum(axis=1)
    dollars = prices.total(floor) + held @ price
    members = [fleet.budget_of == b for b in range(len(fleet.budgets))]
    sums = np.array([[gpus[row].sum(), dollars[row].sum()] for row in members]).reshape(-1, 2)
    return sums[:, 0], sums[:, 1]
