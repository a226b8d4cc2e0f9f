"""The timeline of a replay: one CSV row a step and workload, enough to recompute its summary."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
