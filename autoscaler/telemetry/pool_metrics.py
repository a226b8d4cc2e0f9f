"""Metrics of pools and budgets, as one tick saw and planned them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from prometheus_client.core import Metric

from autoscaler.controller.cycle import CycleReport
from autoscaler.domain.arrays import Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.queue import HELD_BACK, Decision, QueueReport, Stand
from autoscaler.plan.budgets import asked
from autoscaler.plan.waiting import spent
from autoscaler.policy.governed import Governed
from autoscaler.telemetry import names
from autoscaler.telemetry.samples import Labels, Sample, gauge, known, labelled

GPU_STATES = ("serving", "starting", "warm", "free", "others")
NODE_STATES = ("ready", "starting")
BUDGET_SCOPES = ("shared", "policy")
SHARED, OWN = BUDGET_SCOPES
QUEUE_STATES = ("prepared", "ordered", "held_back")
PREPARED, ORDERED, HELD = QUEUE_STATES
SERVING, STARTING, WARM, FREE, OTHERS = range(len(GPU_STATES))


def pool_places(fleet: Fleet) -> list[Labels]:
    """(pool, capacity type) of each pool."""
    return [(pool.name, pool.capacity_type.value) for pool in fleet.pools]


def queued_gpus(report: QueueReport | None, fleet: Fleet) -> Ints:
    """GPUs of nodes that placeholders for queued work hold, int [P]."""
    held = np.zeros(len(fleet.pools), dtype=np.int64)
    for one in () if report is None or report.queue is None else report.queue.placeholders:
        held[one.pool] += one.gpus * one.bound
    return held


def pool_gpus(inventory: Inventory, fleet: Fleet, bound: Ints, queued: Ints) -> Ints:
    """GPUs of the nodes of each pool by what is done with them, int [P, `GPU_STATES`]; bound: placeholders [W, P];
    queued: as of `queued_gpus`.

    `others` is what neither we nor our workloads hold and nobody has free.
    """
    gpus = fleet.gpus_per_replica[:, None]
    ours = [(count * gpus).sum(axis=0) for count in (inventory.ready, inventory.starting, bound)]
    ours[WARM] = ours[WARM] + queued
    total = inventory.nodes * np.array([pool.gpus_per_node for pool in fleet.pools], dtype=np.int64)
    others = np.maximum(total - sum(ours) - inventory.free_gpus, 0)
    return np.stack([*ours, inventory.free_gpus, others], axis=1)


def of_pools(inventory: Inventory, fleet: Fleet, bound: Ints, queued: Ints) -> Iterator[Metric]:
    """GPUs, nodes, how well they are used, and whether more can be had."""
    places, gpus = pool_places(fleet), pool_gpus(inventory, fleet, bound, queued)
    yield gauge(names.POOL_GPUS, labelled(places, GPU_STATES, gpus))
    nodes = np.stack([inventory.nodes, inventory.nodes_starting], axis=1)
    yield gauge(names.POOL_NODES, labelled(places, NODE_STATES, nodes))
    used, total = gpus[:, [SERVING, STARTING, OTHERS]].sum(axis=1).tolist(), gpus.sum(axis=1).tolist()
    shares = [(place, some / whole) for place, some, whole in zip(places, used, total, strict=True) if whole]
    yield gauge(names.POOL_UTILIZATION, shares)
    yield gauge(names.POOL_OBTAINABLE, zip(places, inventory.obtainable.astype(float).tolist(), strict=True))


def of_budgets(report: CycleReport, inventory: Inventory, policies: Governed) -> Iterator[Metric]:
    """Limits of budgets, and what the plan asks for of them; the latter absent without a plan."""
    fleet, plan, queue = policies.fleet, report.plan, report.queue
    places: list[Labels] = [(budget.name, _scope(b, budget.name, policies)) for b, budget in enumerate(fleet.budgets)]
    limits = ([budget.gpus for budget in fleet.budgets], [budget.dollars_per_hour for budget in fleet.budgets])
    for name, values in zip((names.BUDGET_GPUS, names.BUDGET_DOLLARS), limits, strict=True):
        yield gauge(name, [sample for sample in zip(places, values, strict=True) if known(sample[1])])
    if plan is None:
        return
    gpus, dollars = asked(plan.floor.astype(np.float64), plan.placeholders, inventory, fleet)
    if queue is not None and queue.queue is not None:
        held = np.array(spent(queue.decisions, queue.queue, policies.queues, fleet))
        gpus, dollars = gpus + held[:, 0], dollars + held[:, 1]
    yield gauge(names.BUDGET_ASKED_GPUS, _samples(places, gpus.tolist()))
    yield gauge(names.BUDGET_ASKED_DOLLARS, _samples(places, dollars.tolist()))


def _samples(places: list[Labels], values: list[float]) -> list[Sample]:
    return list(zip(places, values, strict=True))


def of_queue(report: CycleReport, policies: Governed) -> Iterator[Metric]:
    """Work that waits, by how it fares; absent where no policy is for it, or it could not be seen."""
    found = report.queue
    seen = policies.queues if found is not None and found.queue is not None else ()
    waits = [one for one in (() if found is None else found.decisions) if one.item.waits and one.item.pod_sets]
    samples: list[Sample] = []
    for n, rule in enumerate(seen):
        lots = Counter(_lot(one) for one in waits if one.item.rule == n)
        samples += [((rule.name, lot), float(lots[lot])) for lot in QUEUE_STATES]
    yield gauge(names.QUEUED_WORK, samples)


def _lot(decision: Decision) -> str:
    if decision.stand in HELD_BACK:
        return HELD
    return PREPARED if decision.stand is Stand.STANDS else ORDERED


def _scope(b: int, name: str, policies: Governed) -> str:
    """A policy's own budget has its name, which a shared one may have too."""
    fleet = policies.fleet
    own = name in fleet.names and fleet.budget_of[fleet.names.index(name)] == b
    queued = any(rule.name == name and rule.budget == b for rule in policies.queues)
    return OWN if own or queued else SHARED
