"""The timeline of a replay as a file: one CSV row a step and workload, enough to recompute its summary."""

from __future__ import annotations

import csv
import dataclasses
import math
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Floats, Ints
from autoscaler.evaluation.whole_file import whole_file

Numbers = Floats | Ints


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """What one workload saw and did in each tick; arrays [T], in the order of the file's columns.

    `time_s` counts from the start of the replay, warm-up included. `arrivals` are requests in the tick and
    `offered_replicas` those over a replica's capacity, both NaN where the trace is missing. `late` and `served` are
    requests, `queue` the level of late ones, `billed_gpus_*`, `placeholders_*` and `warm_gpus` GPUs, `floor` and
    `forecast_*` replicas (NaN: no forecast). Raises ValueError where lengths differ.
    """

    workload: str
    time_s: Numbers
    arrivals: Numbers
    offered_replicas: Numbers
    ready_replicas: Numbers
    starting_replicas: Numbers
    queue: Numbers
    served: Numbers
    late: Numbers
    billed_gpus_primary: Numbers
    billed_gpus_burst: Numbers
    placeholders_bound: Numbers
    placeholders_pending: Numbers
    warm_gpus: Numbers
    floor: Numbers
    forecast_p50: Numbers
    forecast_p90: Numbers
    forecast_p99: Numbers
    reason: Sequence[str]

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in COLUMNS[1:]}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"columns of the timeline differ in length: {lengths}")


COLUMNS: tuple[str, ...] = tuple(f.name for f in dataclasses.fields(Timeline))


def write_timeline(path: str | Path, timelines: Timeline | Sequence[Timeline]) -> None:
    """Writes the rows of each workload, one workload after another, in place of whatever `path` held.

    Numbers carry eight significant digits (whole ones all of theirs), missing ones are empty. The file appears whole
    or not at all. Raises FileNotFoundError where the folder does not exist.
    """
    several = [timelines] if isinstance(timelines, Timeline) else timelines
    with whole_file(path) as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for timeline in several:
            writer.writerows(_rows(timeline))


def _rows(timeline: Timeline) -> Iterator[tuple[str, ...]]:
    columns = [_texts(getattr(timeline, name)) for name in COLUMNS[1:-1]]
    for values in zip(*columns, timeline.reason, strict=True):
        yield (timeline.workload, *values)


def _texts(values: Numbers) -> Iterator[str]:
    for value in np.asarray(values).tolist():
        if isinstance(value, float) and not value.is_integer():
            yield f"{value:.8g}" if math.isfinite(value) else ""
        else:
            yield str(int(value))


class TimelineError(ValueError):
    """A file that is no timeline; the message names the file, the line where there is one, and the way out."""


def read_timelines(path: str | Path) -> list[Timeline]:
    """The timelines that `write_timeline` wrote, a workload each, all on the same even steps. Raises TimelineError."""
    try:
        with Path(path).open(newline="", encoding="utf-8") as lines:
            parts = _parts(path, csv.reader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise TimelineError(f"{path}: {said}; name a file that --timeline wrote") from None
    timelines = [_timeline(name, part) for name, part in parts.items()]
    if not timelines:
        raise TimelineError(f"{path}: holds no row; name a file that --timeline wrote")
    _check_steps(path, timelines)
    return timelines


@dataclass(slots=True)
class _Part:
    """The rows of one workload: all numbers, row by row, and the reasons."""

    numbers: array[float] = field(default_factory=lambda: array("d"))
    reasons: list[str] = field(default_factory=list)


def _parts(path: str | Path, rows: Iterator[list[str]]) -> dict[str, _Part]:
    if tuple(next(rows, ())) != COLUMNS:
        raise TimelineError(f"{path}: is no timeline; name a file that --timeline wrote")
    parts: dict[str, _Part] = {}
    for line, row in enumerate(rows, start=2):
        if len(row) != len(COLUMNS):
            raise TimelineError(f"{path}:{line}: {len(row)} cells where there are {len(COLUMNS)}; write the file anew")
        part = parts.setdefault(row[0], _Part())
        try:
            part.numbers.extend([float(cell) if cell else math.nan for cell in row[1:-1]])
        except ValueError as error:
            raise TimelineError(f"{path}:{line}: {error}; write the file anew") from None
        part.reasons.append(sys.intern(row[-1]))
    return parts


def _timeline(name: str, part: _Part) -> Timeline:
    table = np.array(part.numbers).reshape(-1, len(COLUMNS) - 2)
    return Timeline(name, **dict(zip(COLUMNS[1:-1], table.T, strict=True)), reason=part.reasons)


def _check_steps(path: str | Path, timelines: Sequence[Timeline]) -> None:
    first = timelines[0]
    for timeline in timelines:
        steps = np.diff(timeline.time_s)
        if not (steps > 0.0).all() or (np.abs(steps - steps[:1]) > 1e-6).any():
            raise TimelineError(f"{path}: the times of {timeline.workload} do not rise by even steps; write it anew")
        if not np.array_equal(timeline.time_s, first.time_s):
            raise TimelineError(
                f"{path}: {timeline.workload} has not the times of {first.workload}; write the file anew"
            )
