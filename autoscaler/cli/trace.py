"""`autoscaler trace`: traffic of one's own, and published traffic, in the format that the other commands replay."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import typer
from rich.console import Console

from autoscaler.cli import options
from autoscaler.cli.errors import InputError
from autoscaler.cli.options import OutputFormat
from autoscaler.cli.progress import jobs_bar
from autoscaler.cli.tables import table
from autoscaler.evaluation.trace_import.formats import FORMATS
from autoscaler.evaluation.trace_import.grid import Grid
from autoscaler.evaluation.trace_import.importer import Imported, import_trace
from autoscaler.evaluation.trace_import.request import AUTO, Request, TimeUnit, Values
from autoscaler.evaluation.trace_import.summary import SeriesSummary, summaries
from autoscaler.evaluation.trace_import.trace_csv import time_column, write_trace
from autoscaler.policy.problem import nearest

SHOWN_SERIES = 20
SHOWN_NAME_CHARS = 32
WARMUP_S = 7 * 86_400.0
READ_AS = "How the sources are read"

app = typer.Typer(help="Traffic of your own in the format that is replayed.", no_args_is_help=True)


@app.callback()
def _root() -> None:
    """Traffic of your own in the format that is replayed."""


@app.command(name="import")
def import_(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Files, plain or gzip, read as one log; a folder for ServeGen.", metavar="SOURCE"),
    ],
    to: Annotated[Path, typer.Option(help="Trace to write, .csv or .csv.gz; appears whole or not at all.")],
    source_format: Annotated[
        str, typer.Option("--from", help=f"Format of the sources: {', '.join(FORMATS)}; auto tells by the first line.")
    ] = AUTO,
    step: Annotated[
        str | None,
        typer.Option(help="Step of the trace.", show_default="60s for logs of requests, else the sources' own"),
    ] = None,
    series_by: Annotated[
        str | None,
        typer.Option(
            help="A series for each value of this column (label, key); several parted by commas; `file`: each source."
        ),
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Keep this series alone; where there is only one: its name.")
    ] = None,
    gap_after: Annotated[
        str | None,
        typer.Option(
            help="Silences longer than this, for example 6h, are gaps: nothing was captured. Without it a silence in a "
            "source is a true zero, and one between two sources a gap if it is longer than any inside."
        ),
    ] = None,
    time_column: Annotated[str | None, typer.Option(help="Column of times.", rich_help_panel=READ_AS)] = None,
    value_column: Annotated[str | None, typer.Option(help="Column of counts.", rich_help_panel=READ_AS)] = None,
    values: Annotated[
        Values | None,
        typer.Option(
            help="What a value is: requests in its step, or a second.",
            show_default="rate for Prometheus, else count",
            rich_help_panel=READ_AS,
        ),
    ] = None,
    time_unit: Annotated[
        TimeUnit | None,
        typer.Option(help="Unit of numeric times.", show_default="by their size", rich_help_panel=READ_AS),
    ] = None,
    timezone: Annotated[
        str, typer.Option(help="Where times without an offset were written.", rich_help_panel=READ_AS)
    ] = "UTC",
    output: Annotated[OutputFormat, typer.Option("--format", help="Output.")] = OutputFormat.TEXT,
) -> None:
    """Turns a log of requests, or counts of them, into a trace that `simulate` and `bench` replay.

    Reads BurstGPT, Azure LLM inference, ServeGen, Mooncake, answers of Prometheus, and any CSV: docs/traces.md.

    autoscaler trace import BurstGPT_1.csv --to burstgpt.csv.gz --series-by "Log Type"

    autoscaler trace import access.csv --time-column when --step 30s --gap-after 6h --to mine.csv
    """
    request = Request(
        sources=tuple(sources),
        format=_format(source_format),
        step_s=None if step is None else options.seconds("--step", step, positive=True),
        series_by=() if series_by is None else tuple(options.several("--series-by", series_by)),
        series=series,
        gap_after_s=None if gap_after is None else options.seconds("--gap-after", gap_after, positive=True),
        time_column=time_column,
        value_column=value_column,
        values=values,
        time_unit=time_unit,
        timezone=_zone(timezone),
    )
    _check_target(to, sources)
    with jobs_bar("reading") as watch:
        imported = import_trace(request, watch)
    write_trace(to, imported.grid)
    _tell(to, imported, output)


def _format(name: str) -> str:
    if name not in (AUTO, *FORMATS):
        raise InputError(f"--from {name!r}: no such format; choose {AUTO}, {', '.join(FORMATS)}")
    return name


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    if name not in available_timezones():
        close = nearest(name, available_timezones())
        hint = close if close.startswith("did") else "write a name such as Europe/Berlin"
        raise InputError(f"--timezone {name!r}: no time zone of this name; {hint}")
    return ZoneInfo(name)


def _check_target(to: Path, sources: Sequence[Path]) -> None:
    options.output_file("--to", to)
    if not to.name.lower().endswith((".csv", ".csv.gz")):
        raise InputError(f"--to {to}: name a file that ends in .csv or .csv.gz")
    if any(to.resolve() == source.resolve() for source in sources):
        raise InputError(f"--to {to}: is a source; name another file")


def _tell(to: Path, imported: Imported, output: OutputFormat) -> None:
    found = summaries(imported.grid)
    gaps = [s.gap_note for s in found if s.gap_note is not None]
    errors = Console(stderr=True)
    for note in (*imported.notes, *gaps[:SHOWN_SERIES]):
        _line(errors, note, "dim")
    if output is OutputFormat.JSON:
        print(
            json.dumps(
                {
                    "file": str(to),
                    "source_format": imported.format,
                    "step_s": imported.grid.step_s,
                    "time_column": time_column(imported.grid),
                    "series": [s.to_dict() for s in found],
                    "notes": list(imported.notes),
                }
            )
        )
        return
    _print(to, imported, found)


def _print(to: Path, imported: Imported, found: Sequence[SeriesSummary]) -> None:
    """From when until when, in one line where that is the same for all series, and a table of them."""
    shown = found[:SHOWN_SERIES]
    names = [_short(s.series) or "-" for s in shown]
    times = [(_readable(imported.grid, s.start), _readable(imported.grid, s.end)) for s in shown]
    where = f", from {times[0][0]} until {times[0][1]}" if len(set(times)) == 1 else ""
    console = Console()
    _line(console, f"{to}: steps of {imported.grid.step_s:g} s{where}")
    if not where:
        console.print(table("", ("series", "from", "until"), list(zip(names, *zip(*times, strict=True), strict=True))))
    figures = [
        (f"{s.steps:,}", f"{s.requests:,.0f}", f"{s.peak:,.0f}" if s.peak >= 100 else f"{s.peak:.3g}",
         f"{s.missing_steps:,}")
        for s in shown
    ]  # fmt: skip
    headings = ("series", "steps", "requests", "peak a step", "steps missing")
    console.print(table("", headings, [(name, *row) for name, row in zip(names, figures, strict=True)]))
    if len(found) > SHOWN_SERIES:
        _line(console, f"and {len(found) - SHOWN_SERIES} series with fewer requests")
    _line(console, f"Replay it: {_next(to, imported, found[0])}")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, highlight=False, soft_wrap=True, markup=False)


def _readable(grid: Grid, time: str) -> str:
    """A time of the trace, for people."""
    if grid.absolute:
        return time.replace("T", " ").replace(":00Z", "Z")
    return f"{time} {'min' if time_column(grid) == 'minute' else 's'}"


def _short(text: str) -> str:
    """Beginning and end of a long name: names of one kind often differ at the end only."""
    half = (SHOWN_NAME_CHARS - 3) // 2
    return text if len(text) <= SHOWN_NAME_CHARS else f"{text[:half]}...{text[-half:]}"


def _next(to: Path, imported: Imported, busiest: SeriesSummary) -> str:
    """The command that replays the busiest series."""
    length_s = busiest.steps * imported.grid.step_s
    series = f" --series {shlex.quote(busiest.series)}" if len(imported.grid.series) > 1 else ""
    warmup = "" if length_s > WARMUP_S else f" --warmup {max(1, int(length_s / 2))}s"
    return f"autoscaler simulate --trace {shlex.quote(str(to))}{series}{warmup}"
