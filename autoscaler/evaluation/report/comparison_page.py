"""The report of a comparison: one HTML file that opens offline, readable with and without script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.page.days import day, duration
from autoscaler.evaluation.page.document import RUN_CHOOSER, document
from autoscaler.evaluation.page.markup import element, paragraphs, table, text
from autoscaler.evaluation.report.bins import Bins
from autoscaler.evaluation.report.outcome import outcomes
from autoscaler.evaluation.report.sections import pool_section, workload_section
from autoscaler.evaluation.report.verdict import Verdict, verdict
from autoscaler.evaluation.whole_file import whole_file


def render(comparison: Comparison) -> str:
    """The report as HTML, byte-equal for an equal comparison. Raises ValueError where no tick lies in the scored part.

    In this order: title, verdict, table of strategies, notes, then a section a workload and a section a pool.
    """
    seen = outcomes(comparison)
    sections = [
        *(workload_section(comparison, list(runs), place) for place, runs in enumerate(zip(*seen, strict=True))),
        *(pool_section(comparison, place) for place in range(len(comparison.runs[0].pools))),
    ]
    body = [
        element("h1", text(comparison.title)),
        _verdict(verdict(comparison, seen)),
        table("The strategies over the scored part", comparison.headings, comparison.rows),
        paragraphs([*comparison.notes, _span(comparison)], class_="note"),
        _chooser([run.strategy for run in comparison.runs]),
        element("p", text(_guide(comparison, seen[0][0].bins if seen[0] else None)), class_="note"),
        *(section.html for section in sections),
    ]
    return document(comparison.title, "\n".join(body), [section.chart for section in sections])


def write_report(path: str | Path, comparison: Comparison) -> None:
    """Writes the report in place of whatever `path` held; the file appears whole or not at all.

    Raises FileNotFoundError where the folder does not exist, ValueError where no tick lies in the scored part.
    """
    page = render(comparison)
    with whole_file(path) as out:
        out.write(page)


def _verdict(said: Verdict) -> str:
    """How the first strategy fared, at the top of the page."""
    parts = [element("p", text(said.first), class_="lead")]
    if said.others:
        items = "".join(element("li", text(phrase)) for phrase in said.others)
        parts += [element("p", "Compared with the others it had,"), element("ul", items), element("p", text(said.kept))]
    return "\n".join(parts)


def _span(comparison: Comparison) -> str:
    """Which part of the replay is scored."""
    first_s, until_s = comparison.scored_from_s, comparison.scored_until_s
    warmup = f" after {duration(first_s)} of warm-up" if first_s > 0 else ""
    return (
        f"Scored: {duration(until_s - first_s)}{warmup}, from day {day(first_s)} to day {day(until_s - 1e-6)}; "
        f"a decision every {duration(comparison.tick_s)}."
    )


def _chooser(strategies: Sequence[str]) -> str:
    """The list from which the charts' strategy is chosen; nothing where there is one only."""
    if len(strategies) < 2:
        return ""
    options = "".join(element("option", text(name)) for name in strategies)
    label = element("label", "Strategy in the charts", for_=RUN_CHOOSER)
    return element("div", label + element("select", options, id=RUN_CHOOSER, autocomplete="off"), class_="chooser")


def _guide(comparison: Comparison, bins: Bins | None) -> str:
    """How to read the charts."""
    span = duration((bins.ticks if bins else 1) * comparison.tick_s)
    when = "at the time that it is for" if comparison.forecast_ahead_s else "at the time when it was made"
    return (
        f"A point of a line covers {span}: the mean of demand, forecasts, ready replicas and nodes, the highest floor, "
        "all late requests. Forecast p90 is the demand that is not exceeded nine times in ten, "
        f"drawn {when}. A triangle is a change of the floor; its reasons show when you point at it. "
        "With a mouse: drag to zoom, double-click to go back. A click on a name in the legend hides or shows it."
    )
