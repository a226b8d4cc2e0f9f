"""What one document alone cannot know: names that lead nowhere or twice, two policies for one workload, a primary
pool that can be taken away. All problems at once, each at its place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel

from autoscaler.domain.pool import CapacityType
from autoscaler.policy.load import Document
from autoscaler.policy.model import CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import Path, Problem, nearest

PolicyDocument = Document[CapacityPolicy]
PoolDocument = Document[GpuPool]

M = TypeVar("M", bound=BaseModel)

NAME: Path = ("metadata", "name")


def check(policies: Sequence[PolicyDocument], pools: Sequence[PoolDocument]) -> list[Problem]:
    """The problems between these documents, which may come from several files."""
    found = [*same_names(pools), *same_names(policies), *_same_workloads(policies)]
    by_name = {document.name: document.model for document in pools}
    for document in policies:
        tiers = document.model.pools
        for number, name in enumerate(tiers.primary):
            found += _primary_problems(document, ("spec", "pools", "primary", number), name, by_name)
        for number, name in enumerate(tiers.burst):
            if name not in by_name:
                found.append(_no_pool(document, ("spec", "pools", "burst", number), name, by_name))
    return found


def same_names(documents: Sequence[Document[BaseModel]]) -> Iterator[Problem]:
    """Documents of one kind that share a name; the first keeps it."""
    for document, first in _repeated(documents, lambda d: d.name):
        said = f"{document.kind} {document.name} is already at {first.file}:{first.line}"
        yield document.problem(NAME, said, f"rename one, for example to `{document.name}-2`")


def _same_workloads(policies: Sequence[PolicyDocument]) -> Iterator[Problem]:
    for document, first in _repeated(policies, _workload):
        said = f"policy {first.name} at {first.file}:{first.line} is for this workload"
        yield document.problem(("spec", "workload"), said, "keep one of the two: two floors would fight")


def _workload(document: PolicyDocument) -> Hashable:
    workload = document.model.workload
    return workload.api_version.rpartition("/")[0], workload.kind, workload.namespace, workload.name


def _primary_problems(
    document: PolicyDocument, path: Path, name: str, pools: Mapping[str, GpuPool]
) -> Iterator[Problem]:
    if name not in pools:
        yield _no_pool(document, path, name, pools)
    elif pools[name].capacity_type is not CapacityType.ON_DEMAND:
        steady = [other for other, pool in pools.items() if pool.capacity_type is CapacityType.ON_DEMAND]
        hint = f"move it to burst; on-demand pools: {', '.join(sorted(steady)) or 'none'}"
        yield document.problem(path, f"pool {name} is {pools[name].capacity_type}, primary must be on-demand", hint)


def _no_pool(document: PolicyDocument, path: Path, name: str, pools: Mapping[str, GpuPool]) -> Problem:
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
