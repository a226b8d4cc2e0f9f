"""Looks at a generated curve, as an agent takes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from autoscaler.coldstart.memory_curve import MemoryCurve
from autoscaler.coldstart.memory_sample import MemorySample, StageSpan
from autoscaler.domain.lead_time import Stage
from simulations.gpu.curves import Curve

EPOCH_S, STEADY_S = 1_700_000_000.0, 5_000.0
BUS, HOST, SM = "received_bytes_s", ("resident_bytes", "read_bytes"), "sm_share"
ALL = (BUS, *HOST, SM)


@dataclass(frozen=True, slots=True)
class Watched:
    """told: what each look announced, in order. curve: as it is in the end."""

    told: list[tuple[StageSpan, ...]]
    curve: MemoryCurve

    @property
    def spans(self) -> dict[Stage, StageSpan]:
        """The last word on each stage, in seconds since the curve's first piece."""
        return {
            span.stage: replace(
                span,
                from_s=None if span.from_s is None else span.from_s - EPOCH_S,
                until_s=None if span.until_s is None else span.until_s - EPOCH_S,
            )
            for span in self.curve.spans
        }


def look(curve: Curve, after_s: float, fields: Collection[str] = ALL) -> MemorySample:
    """A look at that moment, by the clocks of a node; what is not in `fields` nobody tells."""
    sample = curve.at(after_s)
    hidden = dict.fromkeys(set(ALL) - set(fields))
    return replace(sample, at_s=EPOCH_S + after_s, steady_s=STEADY_S + after_s, **hidden)


def watch(
    curve: Curve,
    fields: Collection[str] = ALL,
    moments: Iterable[float] | None = None,
    through: Callable[[MemorySample], MemorySample] = lambda sample: sample,
    began_s: float | None = None,
) -> Watched:
    """Shows the curve at these moments, once a second where none are given, each look changed by `through`."""
    watched = MemoryCurve(began_s)
    told = [watched.add(through(look(curve, after_s, fields))) for after_s in moments or curve.looks()]
    return Watched(told, watched)


def off_s(watched: Watched, curve: Curve, stage: Stage) -> float:
    """How far the told times of a stage are from the truth, the worse of the two."""
    span, (from_s, until_s) = watched.spans[stage], curve.truth[stage]
    assert span.from_s is not None
    assert span.until_s is not None
    return max(abs(span.from_s - from_s), abs(span.until_s - until_s))
