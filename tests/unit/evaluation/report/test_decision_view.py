"""The table of decisions: every change of a floor and of placeholders, or the largest and how many are left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.report.decision_view import decision_section, rows_of
from autoscaler.evaluation.report.outcome import Outcome, outcomes

Build = Callable[..., Comparison]


def with_placeholders(compared: Build) -> list[Outcome]:
    """`chat` has two placeholders for ten ticks, first pending, then bound."""
    built = compared(ticks=300, warmup=60)
    run = built.runs[0]
    at = np.arange(300)
    chat = replace(
        run.timelines[0],
        placeholders_pending=np.where((at >= 100) & (at < 105), 2.0, 0.0),
        placeholders_bound=np.where((at >= 105) & (at < 110), 2.0, 0.0),
    )
    changed = replace(run, timelines=(chat, *run.timelines[1:]))
    return outcomes(replace(built, runs=(changed, *built.runs[1:])))[0]


def test_every_change_is_a_row(compared: Build) -> None:
    seen = with_placeholders(compared)
    rows, total = rows_of(seen)
    assert total == len(rows) == sum(len(one.decisions) for one in seen) + 2
    placeholders = [(r.at_s, r.workload, r.before, r.after) for r in rows if r.what == "placeholders"]
    assert placeholders == [(6000.0, "chat", 0.0, 2.0), (6600.0, "chat", 2.0, 0.0)]
    assert [row.at_s for row in rows] == sorted(row.at_s for row in rows)
    for row in (row for row in rows if row.what == "floor"):
        floor = next(one.timeline for one in seen if one.timeline.workload == row.workload).floor
        tick = round(row.at_s / 60.0)
        assert (row.before, row.after) == (floor[tick - 1], floor[tick])


def test_the_largest_are_kept_and_the_rest_is_counted(compared: Build) -> None:
    rows, total = rows_of(with_placeholders(compared), most=2)
    assert len(rows) == 2
    assert total > 2
    assert [row.what for row in rows] == ["placeholders"] * 2


def test_what_can_be_searched(compared: Build) -> None:
    section = decision_section(with_placeholders(compared), "Whose they are.")
    assert section.html.count("<tr>") == 1 + len(rows_of(with_placeholders(compared))[0])
    assert 'role="search"' in section.html
    assert 'aria-live="polite"' in section.html
    for name in ("words", "workload", "reason"):
        assert f'for="{name}"' in section.html
    assert '<option value="chat">chat</option>' in section.html
    assert '<option value="forecast">forecast</option>' in section.html
    assert '<th scope="col">run</th>' not in section.html


def test_nothing_changed(compared: Build) -> None:
    still = [
        replace(one, timeline=replace(one.timeline, floor=np.ones(300))) for one in with_placeholders(compared)[1:]
    ]
    still = [replace(one, decisions=one.decisions.largest(0)) for one in still]
    section = decision_section(still, "Whose they are.")
    assert "No floor and no placeholder changed." in section.html
    assert "<form" not in section.html
