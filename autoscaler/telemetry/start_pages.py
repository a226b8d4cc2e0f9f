"""Lead times as JSON: by policy, pool, part and path what starts took, by stage, and which are under way.

Seconds are percentiles 50 and 90 of the starts that are remembered; one that failed, or is under way, counts as one
that takes longer than it was seen to. Without a start that came through they are null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

from autoscaler.domain.fleet import Fleet
from autoscaler.domain.lead_time import Part, Stage, Start, StartEnd
from autoscaler.observe.censored import Duration, quantile
from autoscaler.telemetry.samples import Labels
from autoscaler.telemetry.start_metrics import Patience

Answer = tuple[int, dict[str, object]]
"""HTTP status and JSON."""
Numbers = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class KnownStarts:
    """Of one tick: the policies in force, and all starts that are known, of any policy."""

    fleet: Fleet
    starts: Sequence[Start]


class LeadTimePages:
    """Answers from any thread with what the newest tick knew."""

    def __init__(self, known: Callable[[], KnownStarts | None]) -> None:
        """known: None before policies are in force."""
        self._known = known

    def page(self, policy: str) -> Answer:
        """Of one policy, of all where `policy` is empty; 404 where there is none of that name."""
        known = self._known()
        if known is None:
            return 503, {"error": "no policy is in force"}
        names = known.fleet.names
        if policy and policy not in names:
            there = ", ".join(names) or "none"
            return 404, {"policy": policy, "error": f"no policy of this name is in force; there are: {there}"}
        starts: dict[str, list[Start]] = {name: [] for name in names if policy in ("", name)}
        for start in known.starts:
            if start.policy in starts:
                starts[start.policy].append(start)
        told = [_of_policy(name, starts[name], known.fleet) for name in starts]
        return 200, told[0] if policy else {"leadTimes": told}


def _of_policy(policy: str, starts: Sequence[Start], fleet: Fleet) -> dict[str, object]:
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
