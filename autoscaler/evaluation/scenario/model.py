"""Kind `Scenario`: a simulated cluster, its traffic and its weather, beside the policies that it is governed by.

A scenario file holds GpuPool and CapacityPolicy documents, as a platform team writes them, and one Scenario.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from autoscaler.evaluation.scenario.components import Component
from autoscaler.evaluation.scenario.expect import Expectation
from autoscaler.evaluation.scenario.weather import Weather
from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.values import (
    Count,
    Duration,
    LocalDate,
    Name,
    Number,
    Part,
    PositiveDuration,
    Share,
    Text,
    Whole,
    ZoneName,
)

Positive = Annotated[Number, Field(gt=0)]
MOST_INCLUDED, MOST_COMPONENTS, MOST_EXPECTATIONS = 32, 32, 100
SOURCES = ("burstgpt", "trace", "generate")


class Stage(Part):
    """How long one stage of a start takes: lognormal by median and 90th percentile, constant where they are equal."""

    median_s: Duration = Field(alias="median", description="Half of the starts are faster, a duration. Required.")
    p90_s: Duration = Field(alias="p90", description="One start in ten is slower, a duration. Required.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.p90_s < self.median_s:
            Conflicts.check([Conflict(("p90",), "p90 is below the median", "write the slower one as p90")])
        if self.p90_s > 0.0 == self.median_s:
            Conflicts.check([Conflict(("median",), "a median of 0 leaves no p90", "write a median above 0, or p90 0s")])
        return self


class Spot(Part):
    """How a spot pool loses nodes."""

    mean_up_s: PositiveDuration = Field(
        default=86_400.0, alias="meanUp", description="Mean time to the loss of a node, a duration. Default 1d."
    )
    shape: Positive = Field(
        default=0.6, description="Weibull shape of that time. Default 0.6: young nodes go first, as recorded ones do."
    )
    zone_events_a_day: Annotated[Number, Field(ge=0, le=1000)] = Field(
        default=0.5, description="How often a zone is called back at once. Default 0.5 a day and zone."
    )
    zone_share: Share = Field(default=0.7, description="Share of the zone's nodes that goes then. Default 70%.")
    drought_s: Duration = Field(
        default=1800.0, alias="drought", description="How long the zone then grants none, a duration. Default 30m."
    )
    notice_s: Duration = Field(default=120.0, alias="notice", description="Warning, a duration. Default 2m, as on AWS.")


class PoolStages(Part):
    """A GpuPool in the simulated cloud."""

    pool: Name = Field(description="Name of the GpuPool. Required.")
    boot: Stage = Field(description="From the grant of a node to its joining the cluster. Required.")
    driver: Stage = Field(description="From there to usable GPUs. Required.")
    spot: Spot = Field(default=Spot(), description="The market of a spot pool; on-demand pools lose no node.")


class Traffic(Part):
    """Arrivals of one workload: published hours that ship with the product, a trace file, or generated ones."""

    burstgpt: Literal["burstgpt-conversation", "burstgpt-api"] | None = Field(
        default=None, description="Series of BurstGPT; minutes inside its hours are drawn. Default none."
    )
    trace: Text | None = Field(default=None, description="File, relative to this one. Default none.")
    series: Text | None = Field(default=None, description="Series of the trace, where it holds several.")
    generate: tuple[Component, ...] = Field(
        default=(),
        max_length=MOST_COMPONENTS,
        description="Components, applied one after another; each adds or multiplies. Default none.",
    )
    timezone: ZoneName = Field(
        default="UTC", description="IANA time zone of the local clock of what is generated. Default UTC."
    )
    first_day: Whole = Field(default=0, description="Day of the series at which the replay begins. Default 0.")
    dispersion: Annotated[Number, Field(ge=0, le=10)] = Field(
        default=0.01,
        description="Squared coefficient of variation of the rate of a minute, not for traces; 0 gives generated "
        "traffic exactly as its components say. "
        "Default 0.01: published conversation traffic has 0.05 at 323 requests a minute, and evens out as it grows.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(bool(getattr(self, source)) for source in SOURCES) != 1:
            hint = "write `burstgpt: burstgpt-conversation`, or `trace: FILE`, or `generate: [...]`"
            Conflicts.check([Conflict((), "needs one source of traffic", hint)])
        if self.series is not None and self.trace is None:
            Conflicts.check([Conflict(("series",), "a series belongs to a trace", "remove it, or add `trace`")])
        if self.trace is not None and "dispersion" in self.model_fields_set:
            Conflicts.check([Conflict(("dispersion",), "a trace has its own minutes", "remove `dispersion`")])
        if self.generate and self.first_day:
            Conflicts.check([Conflict(("firstDay",), "what is generated begins with the replay", "remove `firstDay`")])
        if not self.generate and "timezone" in self.model_fields_set:
            Conflicts.check([Conflict(("timezone",), "only what is generated has a local clock", "remove `timezone`")])
        return self


class Owner(Part):
    """A HorizontalPodAutoscaler that owns the replicas; our floor is its `minReplicas`."""

    target: Annotated[Share, Field(gt=0, le=1)] = Field(
        description="Wanted arrivals of a replica over what it carries, 0..1 or percent. Required."
    )


class SimulatedWorkload(Part):
    """A workload in the simulated cluster, governed by the policy of the same file."""

    policy: Name = Field(description="Name of the CapacityPolicy. Required.")
    traffic: Traffic = Field(description="What arrives. Required.")
    peak: Positive | None = Field(
        default=None,
        description="Replicas at the 99.5th percentile of the traffic, which is scaled to it. Required but for "
        "generated traffic, which is in replicas already and is left as it is by default.",
    )
    gpus_per_replica: Count = Field(default=1, description="GPUs of one replica. Default 1.")
    image: Stage = Field(description="Pull of the image, once a node. Required.")
    weights: Stage = Field(description="Download of the weights. Required.")
    cuda: Stage = Field(description="CUDA start-up. Required.")
    transfer: Stage = Field(description="Weights to the GPU, and warm-up. Required.")
    patience_s: PositiveDuration = Field(
        default=30.0, alias="patience", description="A request that waits longer leaves, a duration. Default 30s."
    )
    drain_s: Duration = Field(
        default=10.0, alias="drain", description="From the end of a replica to free GPUs, a duration. Default 10s."
    )
    hpa: Owner | None = Field(
        default=None, description="The owner of the replicas. Default none: the floor is the count."
    )

    @model_validator(mode="after")
    def _has_a_scale(self) -> Self:
        if self.peak is None and not self.traffic.generate:
            said = "missing; only generated traffic is in replicas already"
            Conflicts.check([Conflict(("peak",), said, "add `peak: 30`, the replicas at the peak")])
        return self


class Buyer(Part):
    """The node autoscaler."""

    profile: Literal["cluster-autoscaler", "karpenter"] = Field(
        default="cluster-autoscaler", description="Whose delays and habits it has. Default cluster-autoscaler."
    )
    scale_down_delay_s: Duration | None = Field(
        default=None, alias="scaleDownDelay", description="How long an unneeded node stays. Default the profile's."
    )
    expander: tuple[Name, ...] = Field(
        default=(),
        description="Pools in the order in which it tries them for pods without a pin, those not named last. Default "
        "as listed.",
    )


class Scenario(Part):
    """`spec` of kind Scenario."""

    seed: Whole = Field(default=1, description="Seed of everything drawn. Default 1.")
    start: LocalDate = Field(
        default=date(2026, 3, 2),
        description="The replay begins at midnight UTC of this day. Default 2026-03-02, a Monday.",
    )
    tick_s: PositiveDuration = Field(default=15.0, alias="tick", description="Between two decisions. Default 15s.")
    scrape_s: PositiveDuration = Field(default=15.0, alias="scrape", description="Period of the metrics. Default 15s.")
    warmup_s: Duration = Field(default=604_800.0, alias="warmup", description="Not scored at first. Default 7d.")
    score_s: PositiveDuration = Field(default=604_800.0, alias="score", description="Scored after it. Default 7d.")
    strategies: tuple[Text, ...] = Field(
        default=("ours",), min_length=1, description="Strategies to run, the first one in detail. Default ours."
    )
    node_autoscaler: Buyer = Field(default=Buyer(), description="Who buys nodes. Default Cluster Autoscaler's habits.")
    pools: tuple[PoolStages, ...] = Field(min_length=1, description="The pools of the cloud. Required.")
    workloads: tuple[SimulatedWorkload, ...] = Field(min_length=1, description="The workloads. Required.")
    weather: Weather = Field(default=Weather(), description="What goes wrong. Default nothing.")
    include: tuple[Text, ...] = Field(
        default=(),
        max_length=MOST_INCLUDED,
        description="YAML files of GpuPool, Budget and CapacityPolicy documents, relative to this one. Default none.",
    )
    expect: tuple[Expectation, ...] = Field(
        default=(), max_length=MOST_EXPECTATIONS, description="What `simulate --check` asserts. Default nothing."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [expectation.name for expectation in self.expect]
        Conflicts.check(
            [
                Conflict(("expect", n, "name"), f"expectation {name} is already there", "give each a name of its own")
                for n, name in enumerate(names)
                if name in names[:n]
            ]
        )
        return self

    @model_validator(mode="after")
    def _scores_something(self) -> Self:
        if self.score_s < 60.0:
            Conflicts.check([Conflict(("score",), "shorter than the steps of traffic", "write `1m` or more")])
        if self.tick_s > self.score_s:
            said, hint = "longer than what is scored", f"write `{self.score_s:.0f}s` or less"
            Conflicts.check([Conflict(("tick",), said, hint)])
        return self

    @property
    def end_s(self) -> float:
        """Length of the replay."""
        return self.warmup_s + self.score_s

    def window_s(self, expectation: Expectation) -> tuple[float, float]:
        """(begin, end) of what an expectation looks at, seconds from the start of the replay."""
        from_s = self.warmup_s if expectation.from_s is None else expectation.from_s
        return from_s, self.end_s if expectation.until_s is None else expectation.until_s
