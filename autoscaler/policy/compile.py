"""Compiles documents into the fleet: policies and pools as arrays, schedules as books."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.domain.budget import Budget
from autoscaler.domain.fleet import NO_BUDGET, NO_MAXIMUM, Fleet
from autoscaler.domain.gang import Gang
from autoscaler.domain.pool import Pool
from autoscaler.policy.budget import Budget as BudgetSpec
from autoscaler.policy.calendar import read_days
from autoscaler.policy.check import BudgetDocument, PolicyDocument, PoolDocument, check
from autoscaler.policy.governed import Governed
from autoscaler.policy.problem import PolicyError, Problem, nearest
from autoscaler.policy.schedule import Book, book, day_types

ONE_ZONE = ("a",)
"""Zones of a pool that names none: nothing to spread over."""


def compile_fleet(
    policies: Sequence[PolicyDocument],
    pools: Sequence[PoolDocument],
    shapes: Mapping[str, int],
    leads: Mapping[str, tuple[float, float]],
    epoch_s: float = 0.0,
    budgets: Sequence[BudgetDocument] = (),
    gangs: Mapping[str, Gang] | None = None,
) -> Governed:
    """The policies, pools and budgets of one run. Raises PolicyError with all that does not fit together.

    shapes: GPUs a replica by policy name, as the live pod or a scenario says. leads: (node, replica) lead time in
    seconds by policy name. epoch_s: the time of day and year, in seconds since the epoch, at time 0 of the run.
    gangs: by policy name, those whose replicas are groups of several pods; their GPUs count, not those of `shapes`.
    Workloads stand in the order of priority, which is the order in which scarce pools are filled; pools as given.
    """
    problems = [*check(policies, pools, budgets), *_unmeasured(policies, shapes, "GPUs a replica")]
    problems += _unmeasured(policies, leads, "lead times")
    if problems:
        raise PolicyError(problems)
    ordered = fleet_order(policies)
    fleet = replace(_fleet(ordered, pools, shapes, leads), **_budgets(ordered, budgets))
    fleet = _with_gangs(fleet, gangs) if gangs else fleet
    return Governed(fleet, tuple(_book(d) for d in ordered), epoch_s)


def fleet_order(policies: Sequence[PolicyDocument]) -> list[PolicyDocument]:
    """The policies in the order of every array of their fleet: by priority, equal ones as given."""
    return sorted(policies, key=lambda document: -document.model.priority)


def _book(document: PolicyDocument) -> Book | None:
    spec = document.model
    days = [read_days(document.attached[calendar.ics]) for calendar in spec.calendars]
    return book(spec.schedules, day_types(spec.calendars, days))


class _Budgets(TypedDict):
    budgets: tuple[Budget, ...]
    budget_of: Ints


def _budgets(policies: Sequence[PolicyDocument], shared: Sequence[BudgetDocument]) -> _Budgets:
    """The shared budgets, then the policies' own, and which is whose."""
    found = [_budget(document.name, document.model) for document in shared]
    names = [document.name for document in shared]
    whose = []
    for document in policies:
        named = document.model.budget
        if named is None:
            whose.append(NO_BUDGET)
        elif isinstance(named, str):
            whose.append(names.index(named))
        else:
            whose.append(len(found))
            found.append(_budget(document.name, named))
    return {"budgets": tuple(found), "budget_of": _whole(whose)}


def _budget(name: str, spec: BudgetSpec) -> Budget:
    gpus, dollars = spec.gpus, spec.dollars_per_hour
    return Budget(name, np.inf if gpus is None else gpus, np.inf if dollars is None else dollars)


def _fleet(
    policies: Sequence[PolicyDocument],
    pools: Sequence[PoolDocument],
    shapes: Mapping[str, int],
    leads: Mapping[str, tuple[float, float]],
) -> Fleet:
    specs = [document.model for document in policies]
    names = tuple(document.name for document in policies)
    pool_names = [document.name for document in pools]
    return Fleet(
        names=names,
        pools=tuple(_pool(document) for document in pools),
        primary=_members([spec.pools.primary for spec in specs], pool_names),
        burst=_members([spec.pools.burst for spec in specs], pool_names),
        gpus_per_replica=_whole([shapes[name] for name in names]),
        min_replicas=_whole([spec.replicas.min for spec in specs]),
        max_replicas=_whole([NO_MAXIMUM if spec.replicas.max is None else spec.replicas.max for spec in specs]),
        late_target=_floats([spec.objective.late_requests for spec in specs]),
        late_after_s=_floats([spec.objective.late_after_s for spec in specs]),
        arrivals_per_replica=_floats([spec.demand.per_replica.arrivals_per_s for spec in specs]),
        concurrency_per_replica=_floats([spec.demand.per_replica.concurrency for spec in specs]),
        utilization_per_replica=_floats([spec.demand.per_replica.gpu_utilization for spec in specs]),
        stale_after_s=_floats([spec.demand.stale_after_s for spec in specs]),
        hold_s=_floats([spec.scale_in.hold_s for spec in specs]),
        node_lead_s=_floats([leads[name][0] for name in names]),
        replica_lead_s=_floats([leads[name][1] for name in names]),
        priority=_whole([spec.priority for spec in specs]),
        acts=np.array([spec.mode == "act" for spec in specs], dtype=bool),
        moves=np.array([spec.replicas.via != "metric" for spec in specs], dtype=bool),
    )


def _with_gangs(fleet: Fleet, gangs: Mapping[str, Gang]) -> Fleet:
    each = [gangs.get(name, fleet.gang(w)) for w, name in enumerate(fleet.names)]
    return replace(
        fleet,
        gpus_per_replica=_whole([gang.gpus for gang in each]),
        pods_per_replica=_whole([gang.size for gang in each]),
        worker_gpus=_whole([gang.worker_gpus for gang in each]),
    )


def _unmeasured(policies: Sequence[PolicyDocument], given: Mapping[str, object], what: str) -> Iterator[Problem]:
    """Policies of which the run does not say what their replicas are like."""
    for document in policies:
        if document.name not in given:
            said = f"{what} of this policy are not given"
            yield document.problem(("metadata", "name"), said, nearest(document.name, given))


def _pool(document: PoolDocument) -> Pool:
    spec = document.model
    return Pool(
        name=document.name,
        capacity_type=spec.capacity_type,
        gpus_per_node=spec.gpus_per_node,
        price_per_gpu_hour_dollars=spec.price_per_gpu_hour_dollars,
        max_nodes=spec.nodes.max,
        min_nodes=spec.nodes.min,
        zones=spec.zones or ONE_ZONE,
    )


def _members(named: Sequence[Sequence[str]], pools: Sequence[str]) -> Bools:
    rows = [[pool in names for pool in pools] for names in named]
    return np.array(rows, dtype=bool).reshape(len(named), len(pools))


def _whole(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
