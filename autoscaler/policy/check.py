"""What one document alone cannot know: names that lead nowhere or twice, two policies for one workload, a primary
pool that can be taken away, floors that no pool or budget can hold, calendars that are none, two answers to one
admission check. All problems at once, each at its place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from typing import TypeVar

from pydantic import BaseModel

from autoscaler.domain.pool import CapacityType
from autoscaler.policy.budget import Budget
from autoscaler.policy.calendar import CalendarError, read_days
from autoscaler.policy.load import Document
from autoscaler.policy.model import CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import Path, Problem, nearest
from autoscaler.policy.queue import QueuePolicy

PolicyDocument = Document[CapacityPolicy]
QueueDocument = Document[QueuePolicy]
PoolDocument = Document[GpuPool]
BudgetDocument = Document[Budget]

M = TypeVar("M", bound=BaseModel)

NAME: Path = ("metadata", "name")


def check(
    policies: Sequence[PolicyDocument],
    pools: Sequence[PoolDocument],
    budgets: Sequence[BudgetDocument] = (),
    broken: Set[tuple[str, str]] = frozenset(),
    queues: Sequence[QueueDocument] = (),
) -> list[Problem]:
    """The problems between these documents, which may come from several files.

    broken: kind and name of documents that are there and cannot be used, which is said elsewhere.
    """
    found = [*same_names(pools), *same_names(budgets), *same_names([*policies, *queues]), *_same_workloads(policies)]
    found += _same_checks(queues)
    by_name = {document.name: document.model for document in pools}
    limits = {document.name: document.model for document in budgets}
    each: list[PolicyDocument | QueueDocument] = [*policies, *queues]
    for one in each:
        found += _tier_problems(one, by_name, {name for kind, name in broken if kind == "GpuPool"})
        if ("Budget", one.model.budget) not in broken:
            found += _no_budget(one, limits)
    for document in policies:
        found += _beyond_pools(document, by_name)
        found += _beyond_budget(document, limits)
        found += _calendar_problems(document)
    return found


def _no_budget(document: PolicyDocument | QueueDocument, budgets: Mapping[str, Budget]) -> Iterator[Problem]:
    named = document.model.budget
    if isinstance(named, str) and named not in budgets:
        hint = nearest(named, budgets) if budgets else f"add a document of `kind: Budget` with `name: {named}`"
        yield document.problem(("spec", "budget"), f"no Budget {named}", hint)


def floors(policy: CapacityPolicy) -> Iterator[tuple[Path, int]]:
    """The floors that a policy asks for whatever the demand: path and replicas of each."""
    yield ("spec", "replicas", "min"), policy.replicas.min
    for n, schedule in enumerate(policy.schedules):
        if schedule.at_least is not None:
            yield ("spec", "schedules", n, "atLeast", "replicas"), schedule.at_least.replicas


def _beyond_pools(document: PolicyDocument, pools: Mapping[str, GpuPool]) -> Iterator[Problem]:
    """Floors that its pools cannot hold even with one GPU a replica."""
    named = (*document.model.pools.primary, *document.model.pools.burst)
    there = [pools[name] for name in named if name in pools]
    if len(there) < len(named) or any(pool.nodes.max is None for pool in there):
        return
    gpus = sum((pool.nodes.max or 0) * pool.gpus_per_node for pool in there)
    for path, replicas in floors(document.model):
        if replicas > gpus:
            hint = f"write `{gpus}` or less, or raise nodes.max"
            yield document.problem(path, f"{replicas} replicas, and its pools have {gpus} GPUs", hint)


def _beyond_budget(document: PolicyDocument, budgets: Mapping[str, Budget]) -> Iterator[Problem]:
    """Floors that its budget cannot hold even with one GPU a replica."""
    named = document.model.budget
    budget = budgets.get(named) if isinstance(named, str) else named
    if budget is None or budget.gpus is None:
        return
    for path, replicas in floors(document.model):
        if replicas > budget.gpus:
            hint = f"write `{budget.gpus}` or less, or raise the budget"
            yield document.problem(path, f"{replicas} replicas, and its budget has {budget.gpus} GPUs", hint)


def _calendar_problems(document: PolicyDocument) -> Iterator[Problem]:
    for n, calendar in enumerate(document.model.calendars):
        try:
            read_days(document.attached[calendar.ics])
        except CalendarError as error:
            path: Path = ("spec", "calendars", n, "ics")
            yield document.problem(path, f"{calendar.ics}: {error.message}", error.hint)


def same_names(documents: Sequence[Document[BaseModel]]) -> Iterator[Problem]:
    """Documents that share a name; the first keeps it."""
    for document, first in _repeated(documents, lambda d: d.name):
        said = f"{first.kind} {document.name} is already at {first.file}:{first.line}"
        yield document.problem(NAME, said, f"rename one, for example to `{document.name}-2`")


def _same_workloads(policies: Sequence[PolicyDocument]) -> Iterator[Problem]:
    for document, first in _repeated(policies, _workload):
        said = f"policy {first.name} at {first.file}:{first.line} is for this workload"
        yield document.problem(("spec", "workload"), said, "keep one of the two: two floors would fight")


def _workload(document: PolicyDocument) -> Hashable:
    workload = document.model.workload
    return workload.api_version.rpartition("/")[0], workload.kind, workload.namespace, workload.name


def _same_checks(queues: Sequence[QueueDocument]) -> Iterator[Problem]:
    asked = [document for document in queues if document.model.admission_check is not None]
    for document, first in _repeated(asked, lambda d: d.model.admission_check and d.model.admission_check.name):
        said = f"policy {first.name} at {first.file}:{first.line} answers this check"
        hint = "make a second AdmissionCheck, for example `gpu-nodes-2`"
        yield document.problem(("spec", "admissionCheck", "name"), said, hint)


def _tier_problems(
    document: PolicyDocument | QueueDocument, pools: Mapping[str, GpuPool], broken: Set[str]
) -> Iterator[Problem]:
    tiers = document.model.pools
    steady = sorted(name for name, pool in pools.items() if pool.capacity_type is CapacityType.ON_DEMAND)
    for tier, names in (("primary", tiers.primary), ("burst", tiers.burst)):
        for number, name in enumerate(names):
            path: Path = ("spec", "pools", tier, number)
            if name not in pools:
                if name not in broken:
                    yield _no_pool(document, path, name, pools)
            elif tier == "primary" and pools[name].capacity_type is not CapacityType.ON_DEMAND:
                hint = f"move it to burst; on-demand pools: {', '.join(steady) or 'none'}"
                said = f"pool {name} is {pools[name].capacity_type}, primary must be on-demand"
                yield document.problem(path, said, hint)


def _no_pool(document: PolicyDocument | QueueDocument, path: Path, name: str, pools: Mapping[str, GpuPool]) -> Problem:
    return document.problem(path, f"no GpuPool {name}", nearest(name, pools))


def _repeated(
    documents: Sequence[Document[M]], key: Callable[[Document[M]], Hashable]
) -> Iterator[tuple[Document[M], Document[M]]]:
    """Each document whose key came before, with the first of that key."""
    first: dict[Hashable, Document[M]] = {}
    for document in documents:
        before = first.setdefault(key(document), document)
        if before is not document:
            yield document, before
