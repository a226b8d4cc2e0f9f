"""`weather` of a scenario: what goes wrong, at stated times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.values import Duration, Name, Number, Part, PositiveDuration, Share, Text

SignalName = Literal["arrivals", "queue", "running", "served", "gpuUtilization", "lateShare"]
StageName = Literal["boot", "driver", "image", "weights", "cuda", "transfer"]
STAGES: tuple[StageName, ...] = ("boot", "driver", "image", "weights", "cuda", "transfer")
ReplicaStageName = Literal["image", "weights", "cuda", "transfer"]


Bound = Annotated[int, Field(ge=0, le=100_000)] | Annotated[str, Field(pattern=r"^(100|[1-9]?[0-9])%$")]
"""As a Deployment writes it: replicas, or whole per cent of them."""


class Moment(Part):
    """Something that happens at once."""

    at_s: Duration = Field(alias="at", description="When, a duration from the start of the replay. Required.")


class Spell(Moment):
    """Something that lasts."""

    duration_s: PositiveDuration = Field(alias="for", description="How long, a duration. Required.")


class Low(Part):
    """Values that are too low when they come back."""

    duration_s: PositiveDuration = Field(alias="for", description="For how long, a duration. Required.")
    share: Share = Field(description="Share of the true value that is shown. Required.")


class Outage(Spell):
    """No scrape succeeds; the last answers grow old."""

    low_after: Low | None = Field(
        default=None, description="Low values afterwards: `{for: 2m, share: 10%}`. Default the true ones."
    )


class ScrapeGap(Outage):
    """One workload, or one of its signals, is not scraped; its last answers grow old."""

    policy: Name | None = Field(default=None, description="Policy of the workload. Default every one.")
    signal: SignalName | None = Field(default=None, description="The signal. Default every one.")


class WrongAnswers(ScrapeGap):
    """Queries answer something that is no value."""

    answer: Literal["empty", "nan", "infinite", "negative"] = Field(
        default="empty", description="empty (no sample), nan, infinite or negative. Default empty."
    )


class CounterReset(Moment):
    """Counters begin anew under other labels, as when a gateway is replaced: rates answer 0 at the next scrape, which
    looks healthy, and rise to what they are within a minute."""

    policy: Name | None = Field(default=None, description="Policy of the workload. Default every one.")


class NoStock(Spell):
    """A pool grants no node for a while."""

    pool: Name = Field(description="The pool. Required.")
    zone: Text | None = Field(default=None, description="Its zone. Default all of them.")


class LostZone(Moment):
    """Every node of a pool's zone is called back, with notice."""

    pool: Name = Field(description="The pool. Required.")
    zone: Text | None = Field(default=None, description="Its zone. Default the one with the most nodes then.")


class SlowStarts(Moment):
    """Starts take longer."""

    duration_s: PositiveDuration | None = Field(
        default=None, alias="for", description="How long, a duration. Default to the end of the replay."
    )
    factor: Annotated[Number, Field(gt=0, le=1000)] = Field(description="How many times as long, no unit. Required.")
    stages: tuple[StageName, ...] = Field(
        default=STAGES, min_length=1, description="Stages of a start that are slower. Default all."
    )


class LostStarts(Spell):
    """Starts that never come: nodes that are billed and never join, until the node autoscaler gives them up after 15
    minutes; or replicas that hang until it is over."""

    what: Literal["nodes", "replicas"] = Field(alias="of", description="nodes or replicas. Required.")
    pool: Name | None = Field(default=None, description="For nodes: their pool. Default every one.")
    policy: Name | None = Field(default=None, description="For replicas: their policy. Default every one.")
    share: Share = Field(default=1.0, description="Share of the starts of that time, drawn. Default 100%.")
    stage: ReplicaStageName = Field(default="image", description="For replicas: where they hang. Default image.")

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        for given, other in (("pool", "replicas"), ("policy", "nodes"), ("stage", "nodes")):
            if self.what == other and given in self.model_fields_set:
                Conflicts.check([Conflict((given,), f"{other} have no {given} here", "remove it")])
        return self


class Crashes(Spell):
    """Containers that crash while they load, and are started again after the kubelet's back-off."""

    policy: Name | None = Field(default=None, description="Policy of the workload. Default every one.")
    share: Share = Field(default=1.0, description="Share of the starts of that time, drawn. Default 100%.")
    times: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="How often each of them crashes, no unit. Default 1."
    )


class Rollout(Moment):
    """A new image: every replica is replaced, some more and some fewer at a time as a Deployment does it, and every
    node pulls the image anew."""

    policy: Name = Field(description="Policy of the workload. Required.")
    max_surge: Bound = Field(
        default="25%", description="Replicas beyond those wanted, a number or per cent, rounded up. Default 25%."
    )
    max_unavailable: Bound = Field(
        default="25%", description="Replicas that may be missing, a number or per cent, rounded down. Default 25%."
    )

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if not (int(str(self.max_surge).rstrip("%")) or int(str(self.max_unavailable).rstrip("%"))):
            hint = "write `maxUnavailable: 1`, or a larger maxSurge"
            Conflicts.check([Conflict(("maxUnavailable",), "neither more nor fewer: nothing could be replaced", hint)])
        return self


class Weather(Part):
    """What goes wrong, at stated times."""

    metrics_outages: tuple[Outage, ...] = Field(default=(), description="Times without metrics. Default none.")
    scrape_gaps: tuple[ScrapeGap, ...] = Field(default=(), description="Times without some metrics. Default none.")
    wrong_answers: tuple[WrongAnswers, ...] = Field(default=(), description="Answers that are no value. Default none.")
    counter_resets: tuple[CounterReset, ...] = Field(default=(), description="Counters that begin anew. Default none.")
    stock_outs: tuple[NoStock, ...] = Field(default=(), description="Times without stock. Default none.")
    zone_losses: tuple[LostZone, ...] = Field(default=(), description="Zones called back. Default none.")
    slow_starts: tuple[SlowStarts, ...] = Field(default=(), description="Starts that take longer. Default none.")
    lost_starts: tuple[LostStarts, ...] = Field(default=(), description="Starts that never come. Default none.")
    crashes: tuple[Crashes, ...] = Field(default=(), description="Containers that crash. Default none.")
    rollouts: tuple[Rollout, ...] = Field(default=(), description="New images. Default none.")

    def listed(self) -> Iterator[tuple[str, int, Moment]]:
        """Everything that goes wrong: the list it stands in by its name in YAML, its number there, itself."""
        for name, field in type(self).model_fields.items():
            for number, fault in enumerate(getattr(self, name)):
                yield field.alias or name, number, fault
