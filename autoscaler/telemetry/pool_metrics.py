"""Metrics of pools and budgets, as one tick saw and planned them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from prometheus_client.core import Metric

from autoscaler.domain.arrays import Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.plan import Plan
from autoscaler.plan.budgets import asked
from autoscaler.telemetry import names
from autoscaler.telemetry.samples import Labels, Sample, gauge, known, labelled

GPU_STATES = ("serving", "starting", "warm", "free", "others")
NODE_STATES = ("ready", "starting")
BUDGET_SCOPES = ("shared", "policy")
SHARED, OWN = BUDGET_SCOPES
SERVING, STARTING, WARM, FREE, OTHERS = range(len(GPU_STATES))


def pool_places(fleet: Fleet) -> list[Labels]:
    """(pool, capacity type) of each pool."""
    return [(pool.name, pool.capacity_type.value) for pool in fleet.pools]


def pool_gpus(inventory: Inventory, fleet: Fleet, bound: Ints) -> Ints:
    """GPUs of the nodes of each pool by what is done with them, int [P, `GPU_STATES`]; bound: placeholders [W, P].

    `others` is what neither we nor our workloads hold and nobody has free.
    """
    gpus = fleet.gpus_per_replica[:, None]
    ours = [(count * gpus).sum(axis=0) for count in (inventory.ready, inventory.starting, bound)]
    total = inventory.nodes * np.array([pool.gpus_per_node for pool in fleet.pools], dtype=np.int64)
    others = np.maximum(total - sum(ours) - inventory.free_gpus, 0)
    return np.stack([*ours, inventory.free_gpus, others], axis=1)


def of_pools(inventory: Inventory, fleet: Fleet, bound: Ints) -> Iterator[Metric]:
    """GPUs, nodes, how well they are used, and whether more can be had."""
    places, gpus = pool_places(fleet), pool_gpus(inventory, fleet, bound)
    yield gauge(names.POOL_GPUS, labelled(places, GPU_STATES, gpus))
    nodes = np.stack([inventory.nodes, inventory.nodes_starting], axis=1)
    yield gauge(names.POOL_NODES, labelled(places, NODE_STATES, nodes))
    used, total = gpus[:, [SERVING, STARTING, OTHERS]].sum(axis=1).tolist(), gpus.sum(axis=1).tolist()
    shares = [(place, some / whole) for place, some, whole in zip(places, used, total, strict=True) if whole]
    yield gauge(names.POOL_UTILIZATION, shares)
    yield gauge(names.POOL_OBTAINABLE, zip(places, inventory.obtainable.astype(float).tolist(), strict=True))


def of_budgets(plan: Plan | None, inventory: Inventory, fleet: Fleet) -> Iterator[Metric]:
    """Limits of budgets, and what the plan asks for of them; the latter absent without a plan."""
    places: list[Labels] = [(budget.name, _scope(b, budget.name, fleet)) for b, budget in enumerate(fleet.budgets)]
    limits = ([budget.gpus for budget in fleet.budgets], [budget.dollars_per_hour for budget in fleet.budgets])
    for name, values in zip((names.BUDGET_GPUS, names.BUDGET_DOLLARS), limits, strict=True):
        yield gauge(name, [sample for sample in zip(places, values, strict=True) if known(sample[1])])
    if plan is None:
        return
    gpus, dollars = asked(plan.floor.astype(np.float64), plan.placeholders, inventory, fleet)
    yield gauge(names.BUDGET_ASKED_GPUS, _samples(places, gpus.tolist()))
    yield gauge(names.BUDGET_ASKED_DOLLARS, _samples(places, dollars.tolist()))


def _samples(places: list[Labels], values: list[float]) -> list[Sample]:
    return list(zip(places, values, strict=True))


def _scope(b: int, name: str, fleet: Fleet) -> str:
    """A policy's own budget has its name, which a shared one may have too."""
    own = name in fleet.names and fleet.budget_of[fleet.names.index(name)] == b
    return OWN if own else SHARED
