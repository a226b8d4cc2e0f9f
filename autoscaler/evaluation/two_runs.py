"""Two runs side by side, from the timelines that were written of them: what the second did otherwise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Bools, Floats
from autoscaler.evaluation.timeline import Numbers, Timeline, TimelineError, read_timelines


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one workload over the span, or of the whole fleet. late_share: 0..1 of all requests. gpu_hours: billed, of
    them gpu_hours_burst in spot pools; placeholder_gpu_hours: held by bound placeholders. ready_mean: replicas.
    ready_peak: in one step. floor_changes: steps with another floor than the one before.
    """

    requests: float
    late: float
    late_share: float
    gpu_hours: float
    gpu_hours_burst: float
    placeholder_gpu_hours: float
    ready_mean: float
    ready_peak: float
    floor_changes: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What two runs measured; `name` is a workload's, or empty for the fleet."""

    name: str
    a: Measures
    b: Measures

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Each measure with the values of both and `difference`, the second less the first, ready for JSON."""
        first, second = dataclasses.asdict(self.a), dataclasses.asdict(self.b)
        return {
            measure: {"a": first[measure], "b": second[measure], "difference": second[measure] - first[measure]}
            for measure in first
        }


@dataclass(frozen=True, slots=True, eq=False)
class TwoRuns:
    """Two runs on the same workloads and steps of `tick_s` seconds, looked at from `from_s` until `until_s`.

    names: of the runs. a, b: their timelines, workload by workload in the same order. same_traffic: whether both saw
    the same requests. fleet, workloads: what they measured there.
    """

    names: tuple[str, str]
    a: tuple[Timeline, ...]
    b: tuple[Timeline, ...]
    tick_s: float
    from_s: float
    until_s: float
    same_traffic: bool
    fleet: Difference
    workloads: tuple[Difference, ...]


def read_two(a: Path, b: Path, warmup_s: float = 0.0, score_s: float | None = None) -> TwoRuns:
    """Two timeline files, without their first `warmup_s` and, where said, for `score_s` only.

    Raises TimelineError for a file that is no timeline, for two that differ in their workloads, steps or spans, and
    where nothing is left.
    """
    first, second = read_timelines(a), read_timelines(b)
    _check_alike(a, b, first, second)
    order = {timeline.workload: timeline for timeline in second}
    second = [order[timeline.workload] for timeline in first]
    time_s = np.asarray(first[0].time_s, dtype=np.float64)
    tick_s = float(time_s[1] - time_s[0]) if time_s.size > 1 else 60.0
    from_s = float(time_s[0]) + warmup_s
    until_s = float(time_s[-1]) + tick_s if score_s is None else from_s + score_s
    part = (time_s >= from_s) & (time_s < until_s)
    if not part.any():
        raise TimelineError(f"--warmup {warmup_s:g}s: nothing is left of the {time_s.size * tick_s:g}s of the files")
    columns = [[_column(t.arrivals) for t in run] for run in (first, second)]
    known = part & np.isfinite(np.sum([*columns[0], *columns[1]], axis=0))
    each = [[_measured(t, part, known, tick_s) for t in run] for run in (first, second)]
    return TwoRuns(
        names=_names(a, b),
        a=tuple(first),
        b=tuple(second),
        tick_s=tick_s,
        from_s=from_s,
        until_s=min(until_s, float(time_s[-1]) + tick_s),
        same_traffic=all(np.array_equal(x[part], y[part], equal_nan=True) for x, y in zip(*columns, strict=True)),
        fleet=Difference("", _fleet(first, each[0], part), _fleet(second, each[1], part)),
        workloads=tuple(Difference(t.workload, x, y) for t, x, y in zip(first, *each, strict=True)),
    )


def _names(a: Path, b: Path) -> tuple[str, str]:
    return (f"A: {a.name}", f"B: {b.name}") if a.name != b.name else (f"A: {a}", f"B: {b}")


def _check_alike(a: Path, b: Path, first: Sequence[Timeline], second: Sequence[Timeline]) -> None:
    ours, theirs = ({timeline.workload for timeline in run} for run in (first, second))
    if ours != theirs:
        apart = ((a, ours - theirs), (b, theirs - ours))
        only = [f"only {path} has {', '.join(sorted(names))}" for path, names in apart if names]
        raise TimelineError(f"{a} and {b} cannot be compared: {'; '.join(only)}. Compare runs of the same workloads")
    one, other = first[0].time_s, second[0].time_s
    steps = [float(t[1] - t[0]) if len(t) > 1 else 0.0 for t in (one, other)]
    if abs(steps[0] - steps[1]) > 1e-6:
        said = f"steps of {steps[0]:g} s and of {steps[1]:g} s. Compare runs with one --tick"
        raise TimelineError(f"{a} and {b} cannot be compared: {said}")
    if len(one) != len(other) or not np.array_equal(one, other):
        spans = [f"{float(t[0]):g} s to {float(t[-1]):g} s" for t in (one, other)]
        said = f"{spans[0]} and {spans[1]}. Compare runs of one span"
        raise TimelineError(f"{a} and {b} cannot be compared: {said}")


def _column(values: Numbers) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _measured(timeline: Timeline, part: Bools, known: Bools, tick_s: float) -> Measures:
    """known: steps of the part in which all traffic of both is known; the bill leaves others out."""
    arrivals, late = (np.nan_to_num(_column(c)[part]) for c in (timeline.arrivals, timeline.late))
    primary, burst, warm = (
        float(np.nan_to_num(_column(c)[known]).sum()) * tick_s / 3600.0
        for c in (timeline.billed_gpus_primary, timeline.billed_gpus_burst, timeline.warm_gpus)
    )
    ready, floor = np.nan_to_num(_column(timeline.ready_replicas)[part]), _column(timeline.floor)
    return Measures(
        requests=float(arrivals.sum()),
        late=float(late.sum()),
        late_share=_share(float(late.sum()), float(arrivals.sum())),
        gpu_hours=primary + burst,
        gpu_hours_burst=burst,
        placeholder_gpu_hours=warm,
        ready_mean=float(ready.mean()),
        ready_peak=float(ready.max()),
        floor_changes=int(np.count_nonzero(np.nan_to_num(np.diff(floor, prepend=floor[:1])[part]))),
    )


def _fleet(timelines: Sequence[Timeline], each: Sequence[Measures], part: Bools) -> Measures:
    """All workloads together; the peak is that of their sum."""
    total = {f.name: math.fsum(getattr(one, f.name) for one in each) for f in dataclasses.fields(Measures)}
    ready = np.sum([np.nan_to_num(_column(t.ready_replicas)[part]) for t in timelines], axis=0)
    total |= {"late_share": _share(total["late"], total["requests"]), "ready_peak": float(ready.max())}
    return Measures(**{**total, "floor_changes": int(total["floor_changes"])})  # type: ignore[arg-type]


def _share(late: float, requests: float) -> float:
    return late / requests if requests > 0.0 else 0.0
