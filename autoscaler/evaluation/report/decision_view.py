"""Every decision of a run as a table that can be searched: when, for which workload, from what to what, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autoscaler.evaluation.page.days import clock
from autoscaler.evaluation.page.markup import element, region, text
from autoscaler.evaluation.report.decisions import JOINED, largest_places, placeholder_decisions
from autoscaler.evaluation.report.outcome import Outcome
from autoscaler.evaluation.report.section import Section

MOST_ROWS = 4_000
HEADINGS = ("when", "workload", "what", "from", "to", "reasons")
EXAMPLE = "day 2, 09"
"""Of what can be searched for."""
FLOOR, PLACEHOLDERS = "floor", "placeholders"


@dataclass(frozen=True, slots=True)
class Row:
    """One change: at `at_s` (seconds), of `what` from `before` to `after`."""

    at_s: float
    run: str
    workload: str
    what: str
    before: float
    after: float
    reasons: str


def rows_of(outcomes: Sequence[Outcome], most: int = MOST_ROWS) -> tuple[list[Row], int]:
    """(the `most` largest changes of floors and placeholders in the order of time, how many there are in all)."""
    every = [
        Row(at_s, one.strategy, one.timeline.workload, what, before, after, reasons)
        for one in outcomes
        for what, found in (
            (FLOOR, one.decisions),
            (PLACEHOLDERS, placeholder_decisions(one.timeline, one.bins.first, one.bins.end)),
        )
        for at_s, before, after, reasons in zip(
            found.at_s.tolist(), found.before.tolist(), found.after.tolist(), found.reasons, strict=True
        )
    ]
    every.sort(key=lambda row: row.at_s)
    kept = largest_places(np.array([abs(row.after - row.before) for row in every]), most)
    return [every[i] for i in kept.tolist()], len(every)


def decision_section(outcomes: Sequence[Outcome], note: str) -> Section:
    """The decisions of outcomes of one run, or of several, which a column then tells apart. note: whose they are."""
    rows, total = rows_of(outcomes)
    names = list(dict.fromkeys(one.strategy for one in outcomes))
    parts = [element("p", text(f"{note} {_said(len(rows), total)}"), class_="note")]
    if rows:
        parts += [_form(rows), _table(rows, with_run=len(names) > 1)]
    return Section("the-decisions", "Decisions", region("the-decisions", "Decisions", parts), ())


def _said(shown: int, total: int) -> str:
    if not total:
        return "No floor and no placeholder changed."
    if shown < total:
        return f"The {shown:,} largest of {total:,} changes are listed; {total - shown:,} smaller ones are left out."
    return f"All {total:,} changes are listed."


def _form(rows: Sequence[Row]) -> str:
    workloads = sorted({row.workload for row in rows})
    reasons = sorted({reason for row in rows for reason in row.reasons.split(JOINED) if reason})
    words = element("label", "Search the rows", for_="words") + element(
        "input", "", type="search", id="words", name="words", placeholder=f"such as {EXAMPLE}", autocomplete="off",
        aria_controls="searched",
    ).removesuffix("</input>")  # fmt: skip
    found = element("output", "", name="found", for_="words workload reason", aria_live="polite")
    fields = [words, _choice("workload", "Workload", workloads), _choice("reason", "Reason", reasons), found]
    inner = "".join(element("div", field, class_="field") for field in fields)
    return element("form", inner, id="search", role="search", aria_label="Decisions", class_="search")


def _choice(name: str, words: str, values: Sequence[str]) -> str:
    options = element("option", "all", value="") + "".join(element("option", text(v), value=v) for v in values)
    select = element("select", options, id=name, name=name, autocomplete="off", aria_controls="searched")
    return element("label", words, for_=name) + select


def _table(rows: Sequence[Row], with_run: bool) -> str:
    headings = [HEADINGS[0], *(["run"] if with_run else []), *HEADINGS[1:]]
    numbers = {"from", "to"}
    head = "".join(
        element("th", words, scope="col", **({"class_": "number"} if words in numbers else {})) for words in headings
    )
    caption = element("caption", "Changes of floors and placeholders")
    body = "\n".join(_row(row, with_run) for row in rows)
    inner = caption + element("thead", element("tr", head)) + element("tbody", body)
    whole = element("table", inner, id="searched")
    return element(
        "div", whole, class_="scroll long", tabindex="0", role="region", aria_label="Changes of floors and placeholders"
    )  # fmt: skip


def _row(row: Row, with_run: bool) -> str:
    cells = [
        element("th", text(clock(row.at_s)), scope="row"),
        element("td", text(row.run)) if with_run else "",
        element("td", text(row.workload), class_="workload"),
        element("td", text(row.what)),
        element("td", f"{row.before:g}", class_="number"),
        element("td", f"{row.after:g}", class_="number"),
        element("td", text(row.reasons), class_="reasons"),
    ]
    return element("tr", "".join(cells))
