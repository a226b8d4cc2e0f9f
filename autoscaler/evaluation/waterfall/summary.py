"""Waterfalls for programs: plain values, ready for JSON."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.coldstart.advice import ADVICE
from autoscaler.evaluation.waterfall.cost import Cost
from autoscaler.evaluation.waterfall.part import PartTime, Quantiles, StageTime
from autoscaler.evaluation.waterfall.seen import Seen
from autoscaler.evaluation.waterfall.segment import By
from autoscaler.evaluation.waterfall.stored import written
from autoscaler.evaluation.waterfall.unfinished import Unfinished, unfinished
from autoscaler.evaluation.waterfall.waterfall import Track, Waterfall, first_to_fix, waterfalls
from autoscaler.evaluation.waterfall.words import stuck_count
from autoscaler.observe.censored import Duration


def summary(seen: Seen, by: By) -> dict[str, object]:
    """The waterfalls, the starts that did not come through, and all starts, from which the rest can be made again."""
    groups, found = waterfalls(seen, by), unfinished(seen.starts)
    first = first_to_fix(groups)
    return {
        "by": by.value,
        "first": None if first is None else dict(first[0].group) | {"path": first[1].path.value, **_slowest(first[1])},
        "groups": [_group(group, found) for group in groups],
        "unfinished": [_unfinished(one) for one in found],
        "problems": list(seen.problems),
        **written(seen),
    }


def _group(group: Waterfall, found: Sequence[Unfinished]) -> dict[str, object]:
    return {"group": dict(group.group), "tracks": [_track(track, found) for track in group.tracks]}


def _track(track: Track, found: Sequence[Unfinished]) -> dict[str, object]:
    return {
        "path": track.path.value,
        "middleSeconds": _rounded(track.middle_s),
        "isLowerBound": track.is_least,
        "slowest": _slowest(track),
        "cost": None if track.cost is None else _cost(track.cost),
        "parts": {
            part.part.value: _part(track, part, stuck_count(track, part.part, found)) for part in track.parts
        },
    }  # fmt: skip


def _slowest(track: Track) -> dict[str, object]:
    slowest = track.slowest
    advice = ADVICE[slowest.stage]
    return {
        "stage": slowest.stage.value,
        "seconds": _rounded(slowest.middle_s),
        "share": round(track.share(slowest), 3),
        "is": advice.what,
        "shorten": advice.shorten,
        "noHelp": advice.no_help,
    }


def _part(track: Track, part: PartTime, stuck: int) -> dict[str, object]:
    return {
        "complete": part.complete,
        "failed": part.failed,
        "waiting": part.waiting,
        "stuck": stuck,
        **_quantiles(part.whole),
        "stages": [_stage(track, stage) for stage in part.stages],
    }


def _stage(track: Track, stage: StageTime) -> dict[str, object]:
    return {
        "stage": stage.stage.value,
        "count": stage.count,
        **_quantiles(stage.quantiles),
        "middleSeconds": _rounded(stage.middle_s),
        "beginsSeconds": _rounded(track.offset_s(stage.stage)),
        "share": round(track.share(stage), 3),
    }


def _quantiles(found: Quantiles) -> dict[str, object]:
    return {"p50": _quantile(found.p50), "p90": _quantile(found.p90)}


def _quantile(found: Duration) -> dict[str, object]:
    return {"seconds": _rounded(found.seconds), "isLowerBound": not found.ended}


def _cost(found: Cost) -> dict[str, object]:
    dollars = None if found.dollars is None else round(found.dollars, 6)
    return {"gpuSeconds": _rounded(found.gpu_seconds), "dollars": dollars}


def _unfinished(one: Unfinished) -> dict[str, object]:
    start = one.start
    return {
        "state": "stuck" if one.is_stuck else "failed",
        "stage": None if start.open_stage is None else start.open_stage.value,
        "seconds": _rounded(start.seconds),
        "usualSeconds": None if one.usual_s is None else _rounded(one.usual_s),
        "uid": start.uid,
        "part": start.part.value,
        "policy": start.policy,
        "pool": start.pool,
        "zone": start.zone,
        "pod": start.pod,
        "why": start.why,
    }


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
