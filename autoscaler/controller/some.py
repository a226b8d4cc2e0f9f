"""Some of the policies in force, by row: the world as they see it, and nothing else of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoscaler.controller.cycle import Ports
from autoscaler.controller.in_force import InForce
from autoscaler.domain.arrays import Ints
from autoscaler.domain.budget import Budget
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.signal import SignalReadings
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.metrics import MetricsPort


def some(in_force: InForce, rows: Ints, inventory: Inventory) -> InForce:
    """The policies of these rows; shared budgets less what the others hold in this inventory, whose plan stands."""
    policies = in_force.policies
    fleet = replace(policies.fleet.only(rows), budgets=_left(policies.fleet, rows, inventory))
    schedules = tuple(policies.schedules[row] for row in rows.tolist())
    ports = in_force.ports
    return replace(
        in_force,
        policies=replace(policies, fleet=fleet, schedules=schedules),
        ports=Ports(_SomeMetrics(ports.metrics, rows), _SomeCluster(ports.cluster, rows), ports.queue),
        about=tuple(in_force.about[row] for row in rows.tolist()),
    )


def _left(fleet: Fleet, rows: Ints, inventory: Inventory) -> tuple[Budget, ...]:
    """What the budgets have left for these rows, at the dearest price that the others may pay."""
    bound, pending = inventory.placeholder_counts()
    gpus = (inventory.floor + (bound + pending).sum(axis=1)) * fleet.gpus_per_replica
    gpus[rows] = 0
    prices = np.array([pool.price_per_gpu_hour_dollars for pool in fleet.pools])
    dearest = np.where(fleet.primary | fleet.burst, prices, 0.0).max(axis=1, initial=0.0)
    held = [(gpus * (fleet.budget_of == n), budget) for n, budget in enumerate(fleet.budgets)]
    return tuple(
        replace(
            budget,
            gpus=max(budget.gpus - float(theirs.sum()), 0.0),
            dollars_per_hour=max(budget.dollars_per_hour - float(theirs @ dearest), 0.0),
        )
        for theirs, budget in held
    )


class _SomeMetrics:
    def __init__(self, metrics: MetricsPort, rows: Ints) -> None:
        self._metrics, self._rows = metrics, rows

    def read(self, now_s: float) -> SignalReadings:
        readings = self._metrics.read(now_s)
        return SignalReadings(readings.values[self._rows], readings.age_s[self._rows])


class _SomeCluster:
    def __init__(self, cluster: ClusterPort, rows: Ints) -> None:
        self._cluster, self._rows = cluster, rows
        self._here = {row: n for n, row in enumerate(rows.tolist())}

    def inventory(self, now_s: float) -> Inventory:
        whole = self._cluster.inventory(now_s)
        mine = {name: getattr(whole, name)[self._rows] for name in ("ready", "starting", "pending", "floor")}
        standing = tuple(
            replace(p, workload=self._here[p.workload]) for p in whole.placeholders if p.workload in self._here
        )
        return replace(whole, placeholders=standing, **mine)

    def set_floor(self, workload: int, replicas: int) -> None:
        self._cluster.set_floor(self._row(workload), replicas)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._cluster.create_placeholder(self._row(workload), pool, slot)

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._cluster.delete_placeholder(self._row(workload), pool, slot)

    def _row(self, workload: int) -> int:
        return int(self._rows[workload])
