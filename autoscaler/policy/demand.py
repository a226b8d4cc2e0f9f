"""`spec.demand` of a CapacityPolicy: where demand is read, and what one replica carries of it."""

from __future__ import annotations

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from autoscaler.policy.problem import Conflict, Conflicts
from autoscaler.policy.values import Number, Part, PositiveDuration, Share, Text


class Query(Part):
    """One signal, asked from the metric store."""

    query: Text = Field(description="PromQL that answers one number. Required.")


class PerReplica(Part):
    """What one replica carries within its objective; turns signals into replicas."""

    arrivals_per_s: Number | None = Field(
        default=None,
        alias="arrivals",
        gt=0,
        description="Requests a second. Default unknown; arrivals, queue and served need it.",
    )
    concurrency: Number | None = Field(
        default=None, gt=0, description="Requests in service at once, a count. Default unknown; running needs it."
    )
    gpu_utilization: Share | None = Field(
        default=None,
        gt=0,
        description="GPU utilization of a fully used replica, 0..1 or percent. Default unknown; gpuUtilization needs "
        "it, since few models reach 1.",
    )


NEEDED = {
    "arrivals": "arrivals",
    "queue": "arrivals",
    "served": "arrivals",
    "running": "concurrency",
    "gpuUtilization": "gpuUtilization",
}
"""Signal -> the figure of `perReplica` without which it is no demand."""
EXAMPLE = {"arrivals": "4.0", "concurrency": "32", "gpuUtilization": "0.75"}


class Demand(Part):
    """Signals in the order of trust; the best healthy one is used, so several are better than one."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [{"required": [signal]} for signal in ("arrivals", "queue", "running", "gpuUtilization")],
            "dependentRequired": {signal: ["perReplica"] for signal in NEEDED},
        }
    )

    arrivals: Query | None = Field(
        default=None, description="Requests that come in, a second. Default not read. The best: it never saturates."
    )
    queue: Query | None = Field(
        default=None, description="Requests that wait, a count. Default not read. Needs served or gpuUtilization too."
    )
    running: Query | None = Field(
        default=None, description="Requests in service, a count. Default not read. Saturates at full capacity."
    )
    served: Query | None = Field(
        default=None, description="Requests finished, a second. Default not read. Completes queue, never demand alone."
    )
    gpu_utilization: Query | None = Field(
        default=None,
        description="Mean GPU utilization of ready replicas, 0..1. Default not read. Saturates, so the last resort.",
    )
    per_replica: PerReplica = Field(
        default=PerReplica(), description="What one replica carries within its objective. Default nothing known."
    )
    stale_after_s: PositiveDuration = Field(
        default=120.0,
        alias="staleAfter",
        description="Age from which a sample is missing, a duration. Default 2m: four scrapes of 30 s, so that one "
        "failed scrape changes nothing.",
    )

    def signals(self) -> frozenset[str]:
        """The signals that are read, by their names in YAML."""
        read = {
            "arrivals": self.arrivals,
            "queue": self.queue,
            "running": self.running,
            "served": self.served,
            "gpuUtilization": self.gpu_utilization,
        }
        return frozenset(name for name, query in read.items() if query is not None)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        signals = self.signals()
        Conflicts.check([*_missing_signals(signals), *_missing_figures(signals, self.per_replica)])
        return self


def _missing_signals(signals: frozenset[str]) -> list[Conflict]:
    if "queue" in signals and not signals & {"served", "gpuUtilization"}:
        hint = "add `served: {query: ...}` or `gpuUtilization: {query: ...}`"
        return [Conflict(("queue",), "a queue tells demand only together with what is served", hint)]
    if signals <= {"served"}:
        said = "served alone saturates and is no demand" if signals else "no signal, so no demand"
        return [Conflict((), said, "add `arrivals: {query: ...}`, or queue, running or gpuUtilization")]
    return []


def _missing_figures(signals: frozenset[str], figures: PerReplica) -> list[Conflict]:
    known = {
        "arrivals": figures.arrivals_per_s,
        "concurrency": figures.concurrency,
        "gpuUtilization": figures.gpu_utilization,
    }
    return [
        Conflict(
            (signal,), f"needs perReplica.{figure}", f"add `{figure}: {EXAMPLE[figure]}` (your figure) to perReplica"
        )
        for signal, figure in NEEDED.items()
        if signal in signals and known[figure] is None
    ]
