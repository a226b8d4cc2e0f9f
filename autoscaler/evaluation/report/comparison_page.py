"""The report of a comparison: one HTML file that opens offline, readable with and without script."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.page.days import days, duration
from autoscaler.evaluation.page.document import RUN_CHOOSER, document
from autoscaler.evaluation.page.markup import element, paragraphs, region, table, text
from autoscaler.evaluation.report.bins import Bins
from autoscaler.evaluation.report.decision_view import decision_section
from autoscaler.evaluation.report.faults_view import faults_section
from autoscaler.evaluation.report.fleet_view import accounts, fleet_chart, ledger_section
from autoscaler.evaluation.report.outcome import Outcome, outcomes
from autoscaler.evaluation.report.pool_view import pool_section
from autoscaler.evaluation.report.section import Section
from autoscaler.evaluation.report.starts_view import starts_section
from autoscaler.evaluation.report.verdict import Verdict, verdict
from autoscaler.evaluation.report.workload_view import workload_section
from autoscaler.evaluation.whole_file import whole_file

OPEN = 4
"""So many workloads, and pools, are open at first; others are folded."""


def render(comparison: Comparison) -> str:
    """The report as HTML, byte-equal for an equal comparison. Raises ValueError where no tick lies in the scored part.

    In this order: verdict, fleet, workloads, faults, pools, starts, ledger, decisions.
    """
    seen = outcomes(comparison)
    kept, grid = accounts(comparison)
    chart = fleet_chart(kept, grid, comparison.faults)
    sections = [section for section in (
        _workloads(comparison, seen),
        faults_section(comparison),
        _pools(comparison),
        starts_section(comparison),
        ledger_section(comparison, kept, grid),
        decision_section(seen[0], _whose(comparison)),
    ) if section is not None]  # fmt: skip
    fleet = [
        _verdict(verdict(comparison, seen)),
        table("The strategies over the scored part", comparison.headings, comparison.rows),
        chart.box(),
        paragraphs([*comparison.notes, _span(comparison)], class_="note"),
    ]
    body = [
        element("h1", text(comparison.title)),
        contents([("the-fleet", "Fleet"), *((section.name, section.heading) for section in sections)]),
        region("the-fleet", "Fleet", fleet),
        _chooser([run.strategy for run in comparison.runs]),
        *(section.html for section in sections),
    ]
    charts = [chart, *(chart for section in sections for chart in section.charts)]
    return document(comparison.title, "\n".join(body), charts)


def write_report(path: str | Path, comparison: Comparison) -> None:
    """Writes the report in place of whatever `path` held; the file appears whole or not at all.

    Raises FileNotFoundError where the folder does not exist, ValueError where no tick lies in the scored part.
    """
    page = render(comparison)
    with whole_file(path) as out:
        out.write(page)


def contents(parts: Sequence[tuple[str, str]]) -> str:
    """Links to the parts of a page, each (name, heading)."""
    links = "".join(element("li", element("a", text(heading), href=f"#{name}")) for name, heading in parts)
    return element("nav", element("ul", links), aria_label="On this page", class_="contents")


def _workloads(comparison: Comparison, seen: list[list[Outcome]]) -> Section:
    views = [
        workload_section(comparison, list(runs), place, is_open=place < OPEN)
        for place, runs in enumerate(zip(*seen, strict=True))
    ]
    guide = element("p", text(_guide(comparison, seen[0][0].bins if seen[0] else None)), class_="note")
    return gathered("the-workloads", "Workloads", [guide], views)


def _pools(comparison: Comparison) -> Section | None:
    views = [
        pool_section(comparison, place, is_open=place < OPEN) for place in range(len(comparison.runs[0].pools))
    ]  # fmt: skip
    return gathered("the-pools", "Pools", [], views) if views else None


def gathered(name: str, heading: str, before: list[str], views: Sequence[Section]) -> Section:
    """Several views under one heading, after `before`, which is HTML."""
    html = region(name, heading, [*before, *(view.html for view in views)])
    return Section(name, heading, html, tuple(chart for view in views for chart in view.charts))


def _verdict(said: Verdict) -> str:
    """How the first strategy fared, at the top of the page."""
    parts = [element("p", text(said.first), class_="lead")]
    if said.others:
        items = "".join(element("li", text(phrase)) for phrase in said.others)
        parts += [element("p", "Compared with the others it had,"), element("ul", items), element("p", text(said.kept))]
    return "\n".join(parts)


def _whose(comparison: Comparison) -> str:
    """Whose decisions are listed, and what they are."""
    name, *others = [run.strategy for run in comparison.runs]
    elsewhere = " Those of the other strategies show in the charts; name one first to have it listed." if others else ""
    return (
        f"Decisions of {name}. Reasons are those of the plan of that tick; placeholders are counted at its end, so a "
        f"replica that took the room of one shows here too.{elsewhere}"
    )


def _span(comparison: Comparison) -> str:
    """Which part of the replay is scored."""
    first_s, until_s = comparison.scored_from_s, comparison.scored_until_s
    warmup = f" after {duration(first_s)} of warm-up" if first_s > 0 else ""
    return (
        f"Scored: {duration(until_s - first_s)}{warmup}, {days(first_s, until_s)}; "
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
