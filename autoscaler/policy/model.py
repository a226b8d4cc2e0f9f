"""CapacityPolicy: what a platform team wants for one workload; and the kinds of document there are.

Values that contradict each other within one policy are errors here; what contradicts another document is found when
the documents are compiled together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, field_validator, model_validator

from autoscaler.policy.budget import Budget, SharedOrOwn
from autoscaler.policy.demand import Demand, Query
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.problem import Conflict, Conflicts, Path
from autoscaler.policy.queue import QueuePolicy
from autoscaler.policy.tiers import Tiers
from autoscaler.policy.timetable import CalendarDays, Schedule
from autoscaler.policy.values import AutoDuration, Count, Duration, Name, Part, Share, Text, Whole, no_longer_than


class Workload(Part):
    """The scalable object that the policy is for."""

    api_version: Text = Field(default="apps/v1", description="API group and version. Default apps/v1.")
    kind: Text = Field(default="Deployment", description="Kind with the scale subresource. Default Deployment.")
    namespace: Name = Field(description="Namespace. Required: the same name often stands in several.")
    name: Text = Field(description="Name of the object. Required.")


class Objective(Part):
    """How many requests may be late. Fewer cost more."""

    late_requests: Share = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="Share of requests that may be late, between 0 and 100 %, ends excluded. Default 1%: the cost of "
        "the last per cent is steep.",
    )
    late_after_s: Duration = Field(
        default=1.0,
        alias="lateAfter",
        description="Wait for capacity from which a request is late, a duration. Default 1s: people notice.",
    )
    measured: Query | None = Field(
        default=None,
        description="Share of late requests, 0..1, where your telemetry knows it. Default estimated from demand and "
        "ready replicas.",
    )


class Replicas(Part):
    """Bounds on the replicas, and how they are moved."""

    min: Whole = Field(
        default=1,
        description="Least replicas, a count. Default 1: from zero the first request waits a whole start, which is "
        "shown. With 0 the first request that waits wakes one; an HPA does zero only with an External or Object "
        "metric, which `autoscaler doctor` checks.",
    )
    max: Count | None = Field(
        default=None, description="Most replicas, a count. Default no limit of ours: pools set it."
    )
    via: Literal["auto", "hpa", "keda", "kserve", "scale", "metric"] = Field(
        default="auto",
        description="Who owns the replica count, whose own field for the least number carries the floor: hpa, keda, "
        "kserve, scale (nobody else: the scale subresource), or metric (whoever reads what we publish). Default auto: "
        "looked up in the cluster, as docs/owners.md says.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max is not None and self.min > self.max:
            hint = f"write `{self.max}` or less, or raise max"
            Conflicts.check([Conflict(("min",), f"min {self.min} is above max {self.max}", hint)])
        return self


class ScaleIn(Part):
    """When capacity goes."""

    hold_s: Annotated[AutoDuration, AfterValidator(no_longer_than("1d"))] = Field(
        default=None,
        alias="hold",
        description="How long what was wanted is kept, a duration. Default auto: the time that a restart costs, from "
        "which on letting go is cheaper.",
    )
    pod_deletion_cost: bool = Field(
        default=False,
        strict=True,
        description="Whether replicas get `controller.kubernetes.io/pod-deletion-cost` before a floor falls, so that "
        "those go first whose node is soonest empty. Default false: it writes an annotation on pods of the workload, "
        "which the chart allows with rbac.podDeletionCost.",
    )


class CapacityPolicy(Part):
    """`spec` of kind CapacityPolicy."""

    mode: Literal["observe", "act"] = Field(
        default="observe", description="observe plans and touches nothing, act moves capacity. Default observe."
    )
    priority: int = Field(
        default=0,
        strict=True,
        ge=-1_000_000,
        le=1_000_000,
        description="Who goes first when pools are short: the higher. No unit. Default 0; equal ones go as read.",
    )
    workload: Workload = Field(description="What is scaled. Required.")
    demand: Demand = Field(description="Where demand is read. Required.")
    objective: Objective = Field(default=Objective(), description="How many requests may be late. Default 1% after 1s.")
    pools: Tiers = Field(description="Where replicas may stand. Required.")
    replicas: Replicas = Field(default=Replicas(), description="Bounds. Default from 1, no limit.")
    schedules: tuple[Schedule, ...] = Field(default=(), description="What is known in advance. Default nothing.")
    calendars: tuple[CalendarDays, ...] = Field(
        default=(),
        description="Days that schedules take for another weekday; the first calendar with the day counts. Default "
        "none.",
    )
    budget: SharedOrOwn | None = Field(
        default=None,
        description="What may be asked for at once: the name of a Budget that policies share, or `{gpus: ..., "
        "dollarsPerHour: ...}` for this policy alone. Default no limit.",
    )
    scale_in: ScaleIn = Field(default=ScaleIn(), description="When capacity goes. Default at break-even.")

    def attachments(self) -> Iterator[tuple[Path, str]]:
        """Files that belong to it: path of the field that names each, and its name."""
        for n, calendar in enumerate(self.calendars):
            yield ("calendars", n, "ics"), calendar.ics

    @field_validator("schedules")
    @classmethod
    def _names_differ(cls, schedules: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
        names = [schedule.name for schedule in schedules]
        Conflicts.check(
            [
                Conflict((n, "name"), f"schedule {name} is already there", "give each schedule a name of its own")
                for n, name in enumerate(names)
                if name in names[:n]
            ]
        )
        return schedules

    @model_validator(mode="after")
    def _wakes(self) -> Self:
        if self.replicas.min == 0 and self.demand.signals() <= {"gpuUtilization", "served"}:
            said = "nothing tells demand at zero: GPU utilization is of replicas"
            Conflicts.check([Conflict(("replicas", "min"), said, "write `1`, or read arrivals or a queue in demand")])
        return self

    @model_validator(mode="after")
    def _schedules_within_bounds(self) -> Self:
        Conflicts.check(list(_out_of_bounds(self.schedules, self.replicas)))
        return self


def _out_of_bounds(schedules: tuple[Schedule, ...], bounds: Replicas) -> Iterator[Conflict]:
    """Floors above the maximum and ceilings below the minimum: the bound would win without a word."""
    for n, schedule in enumerate(schedules):
        least, most = schedule.at_least, schedule.at_most
        if least is not None and bounds.max is not None and least.replicas > bounds.max:
            said = f"above replicas.max {bounds.max}, which wins"
            yield Conflict(("schedules", n, "atLeast", "replicas"), said, f"write `{bounds.max}` or less")
        if most is not None and most.replicas < bounds.min:
            said = f"below replicas.min {bounds.min}, which wins"
            yield Conflict(("schedules", n, "atMost", "replicas"), said, f"write `{bounds.min}` or more")


KINDS: Mapping[str, type[BaseModel]] = {
    "GpuPool": GpuPool, "Budget": Budget, "CapacityPolicy": CapacityPolicy, "QueuePolicy": QueuePolicy,
}  # fmt: skip
"""The kinds of document that platform teams write, with the model of their `spec`."""
