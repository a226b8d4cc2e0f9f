"""`expect` of a scenario: what must come out, and which part of the product makes it so."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from autoscaler.plan.parts import PlanPart
from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.values import Duration, Name, Part, Text

What = Literal[
    "lateShare",
    "gpuHours",
    "gpuHoursOnDemand",
    "gpuHoursSpot",
    "dollars",
    "starts",
    "floor",
    "readyReplicas",
    "billedGpus",
    "placeholders",
    "queue",
]
TOTALS: tuple[What, ...] = ("lateShare", "gpuHours", "gpuHoursOnDemand", "gpuHoursSpot", "dollars", "starts")


def _bound(value: object) -> float:
    percent = isinstance(value, str) and value.strip().endswith("%")
    if isinstance(value, bool) or not (percent or isinstance(value, int | float)):
        raise ValueError("not a number; write for example `12`, or `1%`")
    try:
        number = float(str(value).strip().removesuffix("%")) / (100.0 if percent else 1.0)
    except ValueError:
        raise ValueError("not a number; write for example `12`, or `1%`") from None
    if number < 0.0:
        raise ValueError("nothing here is negative; write 0 or more")
    return number


Bound = Annotated[float, BeforeValidator(_bound)]


class Expectation(Part):
    """One figure and its bound.

    A total (late share, GPU-hours, dollars, starts) is that of the window; a level (floor, ready replicas, billed GPUs,
    placeholders, queue) keeps the bound in every tick of it.
    """

    name: Name = Field(description="Name, unique in the scenario. Required.")
    what: What = Field(
        description="lateShare, gpuHours, gpuHoursOnDemand, gpuHoursSpot, dollars or starts of the window; or floor, "
        "readyReplicas, billedGpus, placeholders or queue in each of its ticks. Required."
    )
    policy: Name | None = Field(default=None, description="Of this policy's workload. Default all together.")
    strategy: Text = Field(default="ours", description="Under this strategy. Default ours.")
    of_strategy: Text | None = Field(
        default=None,
        description="The figure is divided by that of this strategy; for totals. Default the figure itself.",
    )
    from_s: Duration | None = Field(
        default=None,
        alias="from",
        description="Begin of the window, a duration from the start of the replay, as for faults. Default the begin of "
        "what is scored.",
    )
    until_s: Duration | None = Field(
        default=None, alias="until", description="Its end, a duration from the start of the replay. Default the end."
    )
    at_most: Bound | None = Field(default=None, description="Not above this, a number or per cent. Default no bound.")
    at_least: Bound | None = Field(default=None, description="Not below this, a number or per cent. Default no bound.")
    never_falls: bool = Field(
        default=False, strict=True, description="A level that is in no tick below the tick before. Default false."
    )
    guards: PlanPart | None = Field(
        default=None,
        description="The part of the product that makes it hold: with `--without` this part it must fail. Default none "
        "in particular.",
    )

    @property
    def is_total(self) -> bool:
        """Whether it is one figure of the window."""
        return self.what in TOTALS

    @model_validator(mode="after")
    def _asserts_something(self) -> Self:
        bounds = [b for b in (self.at_most, self.at_least) if b is not None]
        if not bounds and not self.never_falls:
            hint = "add `atMost: ...`, `atLeast: ...`, or `neverFalls: true`"
            Conflicts.check([Conflict((), "asserts nothing", hint)])
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            Conflicts.check([Conflict(("atLeast",), "atLeast is above atMost", f"write `{self.at_most:g}` or less")])
        return self

    @model_validator(mode="after")
    def _fits_its_figure(self) -> Self:
        if self.is_total and self.never_falls:
            Conflicts.check([Conflict(("neverFalls",), f"{self.what} is one figure", "choose a level, such as floor")])
        if not self.is_total and self.of_strategy is not None:
            said = f"{self.what} is a level and no total"
            Conflicts.check([Conflict(("ofStrategy",), said, "compare for example gpuHours or lateShare")])
        return self

    @model_validator(mode="after")
    def _has_a_window(self) -> Self:
        if self.until_s is not None and self.until_s <= (self.from_s or 0.0):
            Conflicts.check([Conflict(("until",), "not after its begin", "write a later time, from the start of all")])
        return self
