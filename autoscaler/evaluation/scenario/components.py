"""`traffic.generate` of a scenario: the components that traffic is put together from.

They are applied from the top of the list to its end. Each adds to what stands so far, or multiplies it, as its
description says; where the first one multiplies, it begins from 1. All are in replicas.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.timetable import Cron
from autoscaler.policy.values import Duration, LocalDate, Number, Part, PositiveDuration, Share

LARGEST = 1_000_000.0
Positive = Annotated[Number, Field(gt=0, le=LARGEST)]
Amount = Annotated[Number, Field(ge=0, le=LARGEST)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Level(Part):
    """Adds the same at all times."""

    replicas: Amount = Field(description="What is added, in replicas. Required.")


class Daily(Part):
    """Multiplies by a shape of the day, 1 at its peak, by the local clock: it moves with summer time."""

    shape: Literal["wave", "office"] = Field(
        default="wave",
        description="wave: a cosine of 24 h; office: flat for 8 h around the peak, 2 h of slope on both sides. "
        "Default wave.",
    )
    peak_hour: Annotated[Number, Field(ge=0, lt=24)] = Field(
        default=14.0, description="Hour of the peak, 0 to 24, local clock. Default 14."
    )
    trough: Share = Field(default=0.2, description="Share of the peak that is left at the trough. Default 20%.")


class Weekly(Part):
    """Multiplies whole local days."""

    weekend: Share = Field(default=0.4, description="Share of a working day that comes on the days off. Default 40%.")
    days: tuple[Weekday, ...] = Field(default=("sat", "sun"), description="Days off. Default sat and sun.")
    holidays: tuple[LocalDate, ...] = Field(default=(), description="Local dates that are days off too. Default none.")


class Burst(Part):
    """Adds a burst at stated times: up over `rise`, full for `length`, down over `fall`."""

    at: tuple[Duration, ...] = Field(
        default=(), description="Begins, durations from the start of the replay. Default none; give these or `every`."
    )
    every: Cron | None = Field(default=None, description="Begins as cron, local time. Default none.")
    height: Positive = Field(description="What is added in full, in replicas. Required.")
    rise_s: Duration = Field(default=0.0, alias="rise", description="From nothing to full, a duration. Default 0s.")
    length_s: PositiveDuration = Field(alias="length", description="In full, a duration. Required.")
    fall_s: Duration = Field(default=0.0, alias="fall", description="From full to nothing, a duration. Default 0s.")
    chance: Share = Field(
        default=1.0, description="Chance that each comes, drawn by the scenario's seed. Default 100%."
    )

    @model_validator(mode="after")
    def _has_times(self) -> Self:
        if bool(self.at) == (self.every is not None):
            hint = "write `at: [9h]`, or `every: '0 9 * * *'`"
            Conflicts.check([Conflict((), "needs times, in one of two ways", hint)])
        return self


class BatchWindow(Part):
    """Adds a batch: so many requests, evenly over a window."""

    start: Cron = Field(description="When windows begin, as cron, local time. Required.")
    length_s: PositiveDuration = Field(alias="length", description="How long each takes, a duration. Required.")
    requests: Annotated[Number, Field(gt=0, le=1e12)] = Field(description="Requests of a window, a count. Required.")
    spread: Share = Field(
        default=0.0,
        description="Each window has up to this share more or fewer, drawn evenly by the scenario's seed. Default 0%.",
    )


class Launch(Part):
    """Multiplies from a time on, for good: a level shift."""

    at_s: Duration = Field(alias="at", description="Begin, a duration from the start of the replay. Required.")
    factor: Positive = Field(description="By how much, no unit. Required.")
    ramp_s: Duration = Field(default=0.0, alias="ramp", description="How long it takes, a duration. Default 0s.")


class NoTraffic(Part):
    """Multiplies by nothing for a while, as when whoever sends is down; then some of what was lost may come again."""

    at_s: Duration = Field(alias="at", description="Begin, a duration from the start of the replay. Required.")
    duration_s: PositiveDuration = Field(alias="for", description="How long, a duration. Required.")
    retries: Share = Field(default=0.0, description="Share of the lost requests that comes afterwards. Default 0%.")
    over_s: PositiveDuration = Field(
        default=300.0, alias="over", description="In how long it comes, most of it at first, a duration. Default 5m."
    )


class Drift(Part):
    """Multiplies by a growth that never stops."""

    factor_a_day: Annotated[Number, Field(gt=0, le=10)] = Field(description="Growth of a day, no unit. Required.")


class Periodic(Part):
    """Adds a wave of any period, which no daily profile knows."""

    period_s: Annotated[PositiveDuration, Field(ge=120.0)] = Field(
        alias="period", description="Its period, a duration of 2m or more. Required."
    )
    low: Amount = Field(default=0.0, description="Its least, in replicas. Default 0.")
    high: Positive = Field(description="Its most, in replicas. Required.")
    shape: Literal["square", "wave", "sawtooth"] = Field(
        default="square",
        description="square: half low, half high; wave: a cosine from low to high and back; sawtooth: a slope from low "
        "to high. Default square.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            Conflicts.check([Conflict(("low",), "low is above high", f"write `{self.high:g}` or less")])
        return self


class Component(Part):
    """One component: a mapping with one key, its kind."""

    level: Level | None = Field(default=None, description="Adds the same at all times.")
    daily: Daily | None = Field(default=None, description="Multiplies by a shape of the local day.")
    weekly: Weekly | None = Field(default=None, description="Multiplies days off.")
    burst: Burst | None = Field(default=None, description="Adds bursts at stated times.")
    batch_window: BatchWindow | None = Field(default=None, description="Adds batches of requests.")
    launch: Launch | None = Field(default=None, description="Multiplies from a time on.")
    outage: NoTraffic | None = Field(default=None, description="Nothing comes for a while.")
    drift: Drift | None = Field(default=None, description="Multiplies by slow growth.")
    periodic: Periodic | None = Field(default=None, description="Adds a wave of any period.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if len(self.model_fields_set) != 1:
            said = "says nothing" if not self.model_fields_set else "several kinds in one item"
            Conflicts.check([Conflict((), said, "write each as its own item, for example `- level: {replicas: 5}`")])
        return self

    @property
    def part(self) -> Part:
        """The one that is given."""
        (name,) = self.model_fields_set
        part: Part = getattr(self, name)
        return part
