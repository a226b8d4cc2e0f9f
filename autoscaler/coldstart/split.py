"""The time of a replica's start that Kubernetes' objects do not tell apart, split by what others tell.

Between the containers' start and Ready each moment belongs to one stage, so that stages add up to the whole. Where two
went on at a time it is the earlier one in the order of stages: a transfer that streams waits for the weights that still
come in, and to shorten it alone would win nothing. A moment that nobody tells of is START, and after the transfer
WARM_UP.

Who tells has a clock of its own. Stamps that reach beyond the start by a few seconds, before it or after it, are moved
as a whole, which keeps their durations; those that lie outside of it are of another start of a pod of that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import NamedTuple

from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd
from autoscaler.domain.stamp import Stamp

TOLD = (Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER, Stage.WARM_UP)
"""Stages that stamps tell of, the one first that the others wait for."""
MOST_SKEW_S = 60.0
"""A clock that is further off is rather another start."""
RESOLUTION_S = 1.0
"""Times in objects are whole seconds: so much beyond them is no skew."""


class Span(NamedTuple):
    """Seconds since the epoch in which a stage went on."""

    stage: Stage
    from_s: float
    until_s: float


def split(start: Start, stamps: Iterable[Stamp]) -> Start:
    """The start with the stages that the stamps of its pod tell; as it is where they tell nothing of it.

    What it is told by objects stays: its length, its image, and stages that its pod's conditions tell already.
    """
    if start.part is not Part.REPLICA:
        return start
    mine = [stamp for stamp in stamps if stamp.uid in ("", start.uid) and _is_near(stamp, start)]
    rest_s = sum(start.stages.get(stage, 0.0) for stage in (Stage.START, Stage.LOAD, Stage.WARM_UP))
    is_told = any(stage in start.stages for stage in TOLD[:-1])
    if not mine or is_told or not (Stage.START in start.stages or Stage.LOAD in start.stages):
        return _described(start, mine)
    begin_s = start.ended_s - rest_s
    spans = _spans(_best(mine), begin_s, start.ended_s, start.end is StartEnd.COMPLETE)
    if not spans:
        return _described(_with_durations(start, _best(mine)), mine)
    return _described(_swept(start, spans, begin_s), mine)


def _is_near(stamp: Stamp, start: Start) -> bool:
    """Whether it may be of this start at all, by any clock that can be believed."""
    first_s, last_s = start.began_s - MOST_SKEW_S, start.ended_s + MOST_SKEW_S
    return all(at_s is None or first_s <= at_s <= last_s for at_s in (stamp.from_s, stamp.until_s))


def _best(stamps: Iterable[Stamp]) -> Mapping[Stage, Stamp]:
    """Of each stage what the best witness tells: from the first beginning to the last end of its several processes."""
    best: dict[Stage, Stamp] = {}
    for stamp in sorted(stamps, key=lambda stamp: -stamp.witness):
        known = best.setdefault(stamp.stage, stamp)
        if known is not stamp and known.witness is stamp.witness:
            best[stamp.stage] = _joined(known, stamp)
    return {stage: best[stage] for stage in (*TOLD, Stage.LOAD) if stage in best}


def _joined(one: Stamp, other: Stamp) -> Stamp:
    from_s = None if one.from_s is None or other.from_s is None else min(one.from_s, other.from_s)
    until_s = None if one.until_s is None or other.until_s is None else max(one.until_s, other.until_s)
    seconds = max((s for s in (one.seconds, other.seconds) if s is not None), default=None)
    return replace(one, from_s=from_s, until_s=until_s, seconds=seconds)


def _spans(best: Mapping[Stage, Stamp], begin_s: float, end_s: float, is_over: bool) -> list[Span]:
    """Spans within [begin_s, end_s], in the order of `TOLD`; a stage without an end in a start that is over is none."""
    begun = best.get(Stage.WEIGHTS)
    timed = {
        stage: stamp
        for stage, stamp in best.items()
        if stage in TOLD and _tells_a_time(stamp) and not (begun and _is_in_vain(stamp, begun))
    }
    shift_s = _shift(timed.values(), begin_s, end_s)
    if shift_s is None:
        return []
    edges_s = sorted(stamp.until_s + shift_s for stamp in timed.values() if stamp.until_s is not None)
    found = []
    for stage, stamp in timed.items():
        until_s = None if stamp.until_s is None else stamp.until_s + shift_s
        if until_s is None and is_over:
            continue
        until_s = end_s if until_s is None else min(until_s, end_s)
        before = [edge for edge in edges_s if edge < until_s]
        from_s = stamp.from_s + shift_s if stamp.from_s is not None else max([begin_s, *before])
        if begin_s <= until_s and from_s <= end_s:
            found.append(Span(stage, _tenths(max(from_s, begin_s)), _tenths(max(until_s, begin_s))))
    return found


def _tells_a_time(stamp: Stamp) -> bool:
    return stamp.from_s is not None or stamp.until_s is not None


def _is_in_vain(stamp: Stamp, weights: Stamp) -> bool:
    """Whether it is of a run that crashed: what waits for the weights was over before they began to come anew."""
    if stamp.stage not in (Stage.TRANSFER, Stage.WARM_UP) or stamp.until_s is None or weights.from_s is None:
        return False
    return stamp.until_s < weights.from_s


def _shift(stamps: Iterable[Stamp], begin_s: float, end_s: float) -> float | None:
    """Seconds to add to all times told, None where they are of another start."""
    times_s = [at_s for stamp in stamps for at_s in (stamp.from_s, stamp.until_s) if at_s is not None]
    if not times_s:
        return None
    first_s, last_s = min(times_s), max(times_s)
    if first_s > end_s + RESOLUTION_S or last_s < begin_s - RESOLUTION_S:
        return None  # a model that is loaded by the first request, after Ready, too
    late_s, early_s = last_s - end_s, begin_s - first_s
    if max(late_s, early_s) > MOST_SKEW_S:
        return None
    if late_s > RESOLUTION_S:
        return -late_s if first_s - late_s >= begin_s - RESOLUTION_S else 0.0
    if early_s > RESOLUTION_S:
        return early_s if last_s + early_s <= end_s + RESOLUTION_S else 0.0
    return 0.0


def _swept(start: Start, spans: Sequence[Span], begin_s: float) -> Start:
    end_s = start.ended_s
    loaded_s = max((span.until_s for span in spans if span.stage is Stage.TRANSFER), default=inf)
    if Stage.LOAD in start.stages:
        loaded_s = min(loaded_s, begin_s + start.stages[Stage.LOAD])
    stages: dict[Stage, float] = {stage: start.stages[stage] for stage in (Stage.IMAGE,) if stage in start.stages}
    edges_s = {edge for span in spans for edge in (span.from_s, span.until_s)} | {loaded_s, begin_s, end_s}
    inside = sorted(edge for edge in edges_s if begin_s <= edge <= end_s)
    stage = _owner(spans, begin_s, loaded_s)
    for from_s, until_s in pairwise(inside):
        stage = _owner(spans, from_s, loaded_s)
        stages[stage] = stages.get(stage, 0.0) + until_s - from_s
    stages.setdefault(stage, 0.0)
    return replace(start, stages=stages, in_stage=None if start.end is StartEnd.COMPLETE else stage)


def _owner(spans: Sequence[Span], at_s: float, loaded_s: float) -> Stage:
    """The stage that the moment after `at_s` belongs to."""
    going_on = (span.stage for span in spans if span.from_s <= at_s < span.until_s)
    return next(going_on, Stage.WARM_UP if at_s >= loaded_s else Stage.START)


def _with_durations(start: Start, best: Mapping[Stage, Stamp]) -> Start:
    """Where only durations are told: taken out of what nobody tells apart, as far as there is so much of it."""
    coarse = Stage.LOAD if Stage.LOAD in start.stages else Stage.START
    left_s, stages = start.stages[coarse], dict(start.stages)
    if start.end is not StartEnd.COMPLETE:
        return start  # how much of it has passed by now, nobody says
    for stage, stamp in best.items():
        if stamp.seconds is not None and stage not in stages:
            stages[stage] = min(stamp.seconds, left_s)
            left_s -= stages[stage]
    stages[coarse] = left_s
    return replace(start, stages={stage: s for stage, s in stages.items() if s > 0.0 or stage is not coarse})


def _described(start: Start, stamps: Sequence[Stamp]) -> Start:
    path = next((stamp.path for stamp in stamps if stamp.path is not None), start.path)
    model_format = next((stamp.model_format for stamp in stamps if stamp.model_format), start.model_format)
    return replace(start, path=path, model_format=model_format)


def _tenths(at_s: float) -> float:
    """No clock of these is better, and shorter numbers are remembered."""
    return round(at_s, 1)
