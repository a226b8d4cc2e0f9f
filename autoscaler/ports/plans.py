"""The plans port: what a person should see of each policy, shown on the object that stands for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from autoscaler.domain.lead_time import WakeUp
from autoscaler.domain.wish import NOTHING, Wish


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether one thing is well; `holds` None where nobody knows. reason: a stable word in CamelCase.

    message: why, and what to do; equal as long as nothing has changed.
    """

    kind: str
    holds: bool | None
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class PoolPlaceholders:
    """Placeholders that stand in one pool: on a node, and waiting for one."""

    pool: str
    bound: int
    pending: int


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """Replicas, GPUs, seconds and per cent of one policy; None where unknown.

    floor_replicas: as the owner's field says now. planned_floor_replicas: what the plan wants. reason: why, in words.
    wake_up: None where it never goes to zero, too.
    """

    ready_replicas: int
    floor_replicas: int
    planned_floor_replicas: int | None
    placeholders: tuple[PoolPlaceholders, ...]
    warm_gpus: int
    demand_replicas: float | None
    late_percent: float | None
    reason: str
    lead_p90_s: float | None = None
    wake_up: WakeUp | None = None


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """Pieces of work of one policy for queued work. waiting: those that wait and ask for GPUs, with all their gpus.

    held_back: of them, those that get no nodes now. reason: which and why, in words.
    """

    waiting: int
    gpus: int
    held_back: int
    placeholders: tuple[PoolPlaceholders, ...]
    warm_gpus: int
    reason: str


@dataclass(frozen=True, slots=True)
class PlanStatus:
    """What one tick at `observed_at_s` (seconds since the epoch) says of a policy.

    figures: None before anything was seen of it. wish: what people wish, as far as it is in force.
    """

    acts: bool
    figures: PlanFigures | QueueFigures | None
    conditions: tuple[Condition, ...]
    observed_at_s: float
    wish: Wish = NOTHING


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """What the leader shows of a policy, as far as another controller needs it; seen at `observed_at_s`."""

    planned_floor_replicas: int
    acts: bool
    paused: bool
    reason: str
    observed_at_s: float


class PlansPort(Protocol):
    """Shows each policy's status."""

    def report(self, policy: str, status: PlanStatus) -> None:
        """Returns at once and never raises: what cannot be shown is told with the next problems."""
        ...
