"""Lead times as JSON: by policy, pool, part and path what starts took, by stage, and which are under way.

Seconds are percentiles 50 and 90 of the starts that are remembered; one that failed, or is under way, counts as one
that takes longer than it was seen to. Without a start that came through they are null.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from autoscaler.controller.tick import Tick
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd
from autoscaler.observe.censored import Duration, quantile
from autoscaler.telemetry.samples import Labels
from autoscaler.telemetry.start_metrics import Patience

Answer = tuple[int, dict[str, object]]
"""HTTP status and JSON."""
Numbers = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class _Known:
    """Of one tick. starts: by policy, of those in force."""

    fleet: Fleet
    starts: Mapping[str, Sequence[Start]]


class LoopLeadTimes:
    """An outlet; answers from any thread with what the newest tick knew."""

    def __init__(self) -> None:
        self._known: _Known | None = None

    def tell(self, tick: Tick) -> None:
        if tick.in_force is None:
            return
        fleet, leads = tick.in_force.policies.fleet, tick.in_force.leads
        starts: dict[str, list[Start]] = {name: [] for name in fleet.names}
        for start in () if leads is None else leads.starts():
            if start.policy in starts:
                starts[start.policy].append(start)
        self._known = _Known(fleet, starts)

    def page(self, policy: str) -> Answer:
        """Of one policy, of all where `policy` is empty; 404 where there is none of that name."""
        known = self._known
        if known is None:
            return 503, {"error": "no policy is in force"}
        if not policy:
            return 200, {"leadTimes": [_of_policy(name, known) for name in known.fleet.names]}
        if policy not in known.starts:
            there = ", ".join(known.fleet.names) or "none"
            return 404, {"policy": policy, "error": f"no policy of this name is in force; there are: {there}"}
        return 200, _of_policy(policy, known)


def _of_policy(policy: str, known: _Known) -> dict[str, object]:
    fleet, starts = known.fleet, known.starts[policy]
    row, patience = fleet.names.index(policy), Patience.of(fleet)
    groups: dict[Labels, list[Start]] = {}
    for start in starts:
        groups.setdefault((start.pool, start.part.value, start.path.value), []).append(start)
    return {
        "policy": policy,
        "plannedSeconds": {
            Part.NODE.value: float(fleet.node_lead_s[row]),
            Part.REPLICA.value: float(fleet.replica_lead_s[row]),
        },
        "starts": [_group(key, groups[key]) for key in sorted(groups)],
        "underWay": [_under_way(start, patience) for start in starts if start.end is StartEnd.WAITING],
    }


def _group(key: Labels, starts: Sequence[Start]) -> dict[str, object]:
    pool, part, path = key
    stages = [stage for stage in Part(part).stages if any(stage in start.stages for start in starts)]
    told = {stage: _stage(stage, starts) for stage in stages}
    middles = {stage: seconds["p50"] or 0.0 for stage, seconds in told.items()}
    return {
        "pool": pool,
        "part": part,
        "path": path,
        "count": {end.value: sum(start.end is end for start in starts) for end in StartEnd},
        "seconds": _percentiles(Duration(start.seconds, start.end is StartEnd.COMPLETE) for start in starts),
        "stages": {stage.value: seconds for stage, seconds in told.items()},
        "dominant": max(stages, key=lambda stage: middles[stage]).value if any(middles.values()) else None,
    }


def _stage(stage: Stage, starts: Sequence[Start]) -> Numbers:
    """How long it takes, and how many came through it."""
    found = [Duration(one.stages[stage], one.open_stage is not stage) for one in starts if stage in one.stages]
    return _percentiles(found) | {"count": float(sum(duration.ended for duration in found))}


def _percentiles(durations: Iterable[Duration]) -> Numbers:
    found = list(durations)
    has_ended = any(duration.ended for duration in found)
    return {f"p{100.0 * share:g}": _number(quantile(found, share)) if has_ended else None for share in (0.5, 0.9)}


def _number(seconds: float) -> float | None:
    return round(seconds, 1) if isfinite(seconds) else None


def _under_way(start: Start, patience: Patience) -> dict[str, object]:
    """pod: of a replica. why: what holds it up, as far as anybody tells."""
    return {
        "pod": start.pod,
        "pool": start.pool,
        "part": start.part.value,
        "path": start.path.value,
        "stage": None if start.open_stage is None else start.open_stage.value,
        "seconds": round(start.seconds, 1),
        "stuck": patience.is_stuck(start),
        "why": start.why,
    }
