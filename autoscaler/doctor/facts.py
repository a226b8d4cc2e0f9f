"""What was read of cluster, metric store and policy files, for the checks to judge: objects as the API writes them,
and for what could not be read the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias, TypeVar

from autoscaler.doctor.needs import Permission
from autoscaler.placeholder.manifest import House
from autoscaler.placeholder.pod import Json
from autoscaler.policy.check import PolicyDocument, PoolDocument, QueueDocument
from autoscaler.policy.problem import Problem

T = TypeVar("T")


class Why(StrEnum):
    """Why something was not had."""

    MISSING = "missing"
    FORBIDDEN = "forbidden"
    QUOTA = "quota"
    INVALID = "invalid"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Unread:
    """In place of a fact. said: in the words of who was asked, with what was asked."""

    why: Why
    said: str


Told: TypeAlias = T | Unread
"""A fact, or why it is none."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A query of a policy, and what it answered.

    name: as in YAML, `measured` for the objective's. state: `answered`, or why there is no value, as the metric store's
    adapter calls it. value: NaN where there is none. age_s: of its newest sample. problem: in words, None where there
    is none. highest: of the last hour, NaN where it was not asked or is not known.
    """

    policy: PolicyDocument
    name: str
    query: str
    state: str
    value: float
    age_s: float
    problem: str | None
    highest: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A placeholder of a workload in a pool, tried without keeping it.

    sent: the manifest, or why the workload can have none there. admitted: what the server would have stored.
    """

    pool: str
    sent: Told[Json]
    admitted: Told[Json]


@dataclass(frozen=True, slots=True)
class ServedKind:
    """A kind as the server serves it. scales: whether it has the scale subresource."""

    group: str
    plural: str
    scales: bool


@dataclass(frozen=True, slots=True)
class WorkloadFacts:
    """What there is about the workload of a policy. kind, whole: None where the server has none.

    pod: what placeholders are modelled on. hpas, scaled_objects: those that target it.
    """

    policy: PolicyDocument
    kind: Told[ServedKind | None]
    whole: Told[Json | None]
    pod: Told[Json]
    hpas: Told[tuple[Json, ...]]
    scaled_objects: Told[tuple[Json, ...]]
    trials: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """What there is for a policy for queued work. missing: kinds that it names and the server does not have.

    check: the AdmissionCheck that it answers, None where there is none.
    """

    policy: QueueDocument
    missing: Told[tuple[str, ...]]
    check: Told[Json | None]


@dataclass(frozen=True, slots=True)
class Definition:
    """The kind CapacityPlan as the server has it. fields: of its status; wanted: those that we write."""

    versions: tuple[str, ...]
    fields: Told[frozenset[str]]
    wanted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """All of them. None where the server has no such object or kind.

    store: None where the metric store answers. api_server_ahead_s, store_ahead_s: how far their clocks are ahead of
    ours. cutoff: the priority below which Cluster Autoscaler ignores pods, None where its arguments were not found.
    node_pools: Karpenter's.
    """

    house: House
    problems: tuple[Problem, ...]
    permissions: tuple[tuple[Permission, Told[bool]], ...]
    store: Unread | None
    api_server_ahead_s: Told[float]
    store_ahead_s: Told[float]
    signals: tuple[Signal, ...]
    namespace: Told[Json | None]
    definition: Told[Definition | None]
    priority_class: Told[Json | None]
    cutoff: int | None
    pools: tuple[PoolDocument, ...]
    nodes: Told[tuple[Json, ...]]
    node_pools: Told[tuple[Json, ...] | None]
    workloads: tuple[WorkloadFacts, ...]
    queues: tuple[QueueFacts, ...] = ()


def line(document: PolicyDocument | PoolDocument | QueueDocument, *path: str | int) -> str:
    """Where a value of a document stands, as editors take it: `policies/chat.yaml:12:5`."""
    row, column = document.place(path)
    return f"{document.file}:{row}:{column}"
