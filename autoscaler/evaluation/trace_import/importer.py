"""Sources of one format, brought to one grid of requests a step, with sentences on all that had to be assumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.parallel import Watch
from autoscaler.evaluation.trace import TraceError
from autoscaler.evaluation.trace_import.axis import UNIT_S, Axis
from autoscaler.evaluation.trace_import.count_csv import COUNTS
from autoscaler.evaluation.trace_import.event_bins import EventBins
from autoscaler.evaluation.trace_import.event_csv import EVENTS
from autoscaler.evaluation.trace_import.format import EventFormat, Format, SampleFormat
from autoscaler.evaluation.trace_import.formats import FORMATS, recognised
from autoscaler.evaluation.trace_import.grid import Grid
from autoscaler.evaluation.trace_import.request import AUTO, FILE, Request, Values
from autoscaler.evaluation.trace_import.samples import Samples, longer_steps
from autoscaler.evaluation.trace_import.silences import without_silences
from autoscaler.evaluation.trace_import.source import Source
from autoscaler.policy.problem import nearest

EVENT_STEP_S = 60.0
FOLDER_FILES = ("*-trace.csv", "*-trace.csv.gz")


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """Requests on a grid, the format they were read from, and what people should know about the result."""

    grid: Grid
    format: str
    notes: Sequence[str]


def import_trace(request: Request, watch: Watch | None = None) -> Imported:
    """Reads the sources; `watch` is told the share read of each. Raises TraceError with file, line and way out."""
    request = replace(request, sources=tuple(_files(request.sources)))
    format = _format(request)
    _check(request, format)
    axis = Axis(request.timezone, UNIT_S[request.time_unit] if request.time_unit else None)
    if isinstance(format, EventFormat):
        grid, notes = _events(request, format, axis, watch)
    else:
        grid, notes = _samples(request, format, axis, watch)
    grid, left_out = _with_data(_chosen(grid, request))
    return Imported(grid, format.name, [f"read as {format.name} ({format.about})", *axis.notes, *notes, *left_out])


def _files(sources: Sequence[Path]) -> list[Path]:
    """The files meant: a folder stands for the client traces in it, as ServeGen is published."""
    files: list[Path] = []
    for path in sources:
        inside = sorted(file for pattern in FOLDER_FILES for file in path.glob(pattern)) if path.is_dir() else [path]
        if not inside:
            raise TraceError(f"{path}: a folder without {' or '.join(FOLDER_FILES)}; name the files")
        files += inside
    twice = next((path for place, path in enumerate(files) if path in files[:place]), None)
    if twice is not None:
        raise TraceError(f"{twice}: named twice, so its requests would count twice; name it once")
    return files


def _format(request: Request) -> Format:
    if request.format != AUTO:
        return FORMATS[request.format]
    if request.value_column is not None:
        return COUNTS
    try:
        return recognised(request.sources)
    except TraceError:
        if request.time_column is None or not all(path.is_file() for path in request.sources):
            raise
        return EVENTS


def _check(request: Request, format: Format) -> None:
    for option in ("time_column", "value_column", "values", "time_unit", "timezone"):
        default = Request.__dataclass_fields__[option].default
        if getattr(request, option) != default and option not in format.options:
            takers = [other.name for other in FORMATS.values() if option in other.options]
            raise TraceError(
                f"--{option.replace('_', '-')}: for {' and '.join(takers)}; {format.name} says it itself, leave it out"
            )
    if request.step_s is not None and not (request.step_s >= 1.0 and request.step_s.is_integer()):
        raise TraceError(f"--step {request.step_s:g}s: choose a whole number of seconds, for example 60s")


def _sources(request: Request, watch: Watch | None) -> list[Source]:
    shares = [0.0] * len(request.sources)

    def tell(number: int) -> Callable[[float], None]:
        def note(share: float) -> None:
            shares[number] = share
            if watch is not None:
                watch(shares)

        return note

    return [Source(path, tell(number)) for number, path in enumerate(request.sources)]


def _events(request: Request, format: EventFormat, axis: Axis, watch: Watch | None) -> tuple[Grid, list[str]]:
    bins = EventBins(request.step_s or EVENT_STEP_S)
    for source in _sources(request, watch):
        bins.add(source, format.read(source, request, axis))
    grid = bins.grid(bool(axis.absolute))
    if request.series_by == (FILE,):
        parts = [(replace(grid, series={name: grid.series[name]}), bins.covered(name)) for name in grid.series]
    else:
        parts = [(grid, bins.covered())]
    series: dict[str, Floats] = {}
    notes: dict[str, None] = {}
    for part, covered in parts:
        done, said = without_silences(part, covered, request.gap_after_s)
        series.update(done.series)
        notes.update(dict.fromkeys(said))
    if not axis.absolute and len(request.sources) > 1 and request.series_by != (FILE,):
        notes["times of all sources taken from one common start; import those with a start of their own one by one"] = (
            None
        )
    if bins.out_of_order:
        notes[f"{bins.out_of_order:,} of {bins.events:,} requests were out of order; counted by their times"] = None
    return replace(grid, series=series), list(notes)


def _samples(request: Request, format: SampleFormat, axis: Axis, watch: Watch | None) -> tuple[Grid, list[str]]:
    samples = Samples()
    for source in _sources(request, watch):
        samples.add(source, format.read(source, request, axis))
    rate = format.rate if request.values is None else request.values is Values.RATE
    grid = samples.grid(bool(axis.absolute), rate, format.at_end)
    if request.step_s is not None:
        grid = longer_steps(grid, request.step_s)
    if request.gap_after_s is None:
        return grid, []
    steps = next(iter(grid.series.values())).size
    return without_silences(grid, np.ones(steps, dtype=np.bool_), request.gap_after_s)


def _chosen(grid: Grid, request: Request) -> Grid:
    """The series asked for, or the only one under the name asked for."""
    name = request.series
    if name is None:
        return grid
    if len(grid.series) == 1 and not request.series_by:
        return replace(grid, series={name: next(iter(grid.series.values()))})
    if name not in grid.series:
        hint = nearest(name, grid.series) if any(grid.series) else "the sources hold one only"
        raise TraceError(f"--series {name!r}: no such series; {hint}")
    return replace(grid, series={name: grid.series[name]})


def _with_data(grid: Grid) -> tuple[Grid, list[str]]:
    """The series that have data, with a sentence on the others."""
    known = {name: grid.known(name) for name in grid.series}
    series = {name: grid.series[name] for name, steps in known.items() if steps.stop > 0}
    if not series:
        raise TraceError("every value of the sources is missing; give a range with data")
    if max(steps.stop - steps.start for steps in known.values()) < 2:
        raise TraceError(f"all of it lies in one step of {grid.step_s:g} s; choose a shorter --step, or give more data")
    return replace(grid, series=series), _left_out(grid.series, series)


def _left_out(all_of_them: Mapping[str, Floats], kept: Mapping[str, Floats]) -> list[str]:
    names = [name for name in all_of_them if name not in kept]
    return [f"left out, without any data: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"] if names else []
