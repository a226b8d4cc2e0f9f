"""QueuePolicy: nodes for work that no node autoscaler sees yet, before it is let go.

Scheduling-gated pods, suspended Jobs and JobSets, and Kueue's Workloads have no Pending pods; by the time they have,
their nodes take minutes. Such work has no demand to forecast: what waits is what is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from autoscaler.policy.budget import SharedOrOwn
from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.tiers import Tiers
from autoscaler.policy.values import Name, Part, PositiveDuration, Text, no_longer_than

WorkKind = Literal["pods", "jobs", "jobsets", "workloads"]
ALL_KINDS: tuple[WorkKind, ...] = ("pods", "jobs", "jobsets", "workloads")


class QueueSelector(Part):
    """Which of the work is meant."""

    match_labels: Mapping[Text, str] = Field(
        default={},
        description="Labels that the object, or the template of its pods, must have, all of them. Default none: all "
        "of it.",
    )


class AdmissionCheckUse(Part):
    """Kueue holds admitted work until its nodes stand: we answer an AdmissionCheck."""

    name: Text = Field(
        description="Name of the AdmissionCheck, whose `spec.controllerName` is gpu-autoscaler.io/nodes. Required."
    )
    timeout_s: Annotated[PositiveDuration, AfterValidator(no_longer_than("1d"))] = Field(
        default=1800.0,
        alias="timeout",
        description="How long work that has its quota is held at most, a duration. Default 30m: a node that did not "
        "come by then is not to be had.",
    )
    on_timeout: Literal["admit", "retry"] = Field(
        default="admit",
        description="What becomes of it then: admit lets it go without its nodes, as if nobody had held it; retry "
        "gives its quota back, and it queues again. Default admit: never worse than without the check.",
    )


class QueuePolicy(Part):
    """`spec` of kind QueuePolicy."""

    mode: Literal["observe", "act"] = Field(
        default="observe", description="observe plans and touches nothing, act makes placeholders. Default observe."
    )
    priority: int = Field(
        default=0,
        strict=True,
        ge=-1_000_000,
        le=1_000_000,
        description="Which QueuePolicy goes first when pools or budgets are short: the higher. What CapacityPolicies "
        "ask for goes before all of them. No unit. Default 0; equal ones go as read.",
    )
    namespaces: tuple[Name, ...] = Field(
        min_length=1, description="Namespaces in which the work waits, one or more. Required: nothing else is read."
    )
    selector: QueueSelector = Field(default=QueueSelector(), description="Which of the work there. Default all.")
    kinds: tuple[WorkKind, ...] = Field(
        default=ALL_KINDS,
        min_length=1,
        description="pods: with scheduling gates. jobs, jobsets: suspended, and not Kueue's. workloads: Kueue's, "
        "without quota, or held by an AdmissionCheck. Default all; a kind that is not installed has none.",
    )
    pools: Tiers = Field(description="Where its pods may stand, tried in this order. Required.")
    budget: SharedOrOwn = Field(
        description="What may be held for it at once: the name of a Budget that policies share, of which it takes what "
        "CapacityPolicies leave, or `{gpus: ..., dollarsPerHour: ...}` for this policy alone. Required: a queue has no "
        "bound of its own.",
    )
    give_up_after_s: Annotated[PositiveDuration, AfterValidator(no_longer_than("7d"))] = Field(
        default=3600.0,
        alias="giveUpAfter",
        description="Work that waits for longer holds nothing, a duration; counted anew when Kueue reserves its quota. "
        "Default 1h: a Job that is suspended for days costs nothing.",
    )
    admission_check: AdmissionCheckUse | None = Field(
        default=None,
        description="The AdmissionCheck of Kueue that we answer: work starts when its nodes stand. Default none: work "
        "starts when Kueue has quota for it.",
    )

    @field_validator("namespaces", "kinds")
    @classmethod
    def _each_once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        Conflicts.check(
            [
                Conflict((n,), f"{value} is named twice", "name it once")
                for n, value in enumerate(values)
                if value in values[:n]
            ]
        )
        return values

    @model_validator(mode="after")
    def _check_is_answered(self) -> Self:
        if self.admission_check is None:
            return self
        at = ("admissionCheck",)
        found = []
        if self.mode == "observe":
            said = "in mode observe nobody answers it, and queues that name it stand still"
            found.append(Conflict(at, said, "write `mode: act`, or leave admissionCheck out until then"))
        if "workloads" not in self.kinds:
            found.append(Conflict(at, "only workloads are held by it", "add workloads to kinds"))
        Conflicts.check(found)
        return self
