"""Starts in a report: quantiles by stage and path, and the longest ones, against a plain recomputation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.report.starts_view import longest, stage_quantiles, starts_section
from autoscaler.evaluation.starts import Starts, starts_of
from autoscaler.simulator.journal import Journal, ReplicaStart

Build = Callable[..., Comparison]


def plain_quantile(values: list[float], level: float) -> float:
    ordered = sorted(values)
    at = level * (len(ordered) - 1)
    low = int(at)
    return ordered[low] + (at - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def scored(comparison: Comparison) -> Starts:
    starts = comparison.runs[0].starts
    assert starts is not None
    return starts.between(comparison.scored_from_s, comparison.scored_until_s)


def test_quantiles_of_each_stage_and_path(compared: Build) -> None:
    there = scored(compared())
    assert len(there.workload) == 54  # six began in the warm-up
    for cold in (True, False):
        rows = [
            row for row, is_cold in zip(there.seconds.tolist(), there.cold.tolist(), strict=True) if is_cold is cold
        ]
        columns = [list(column) for column in zip(*rows, strict=True)]
        columns.append([sum(row) for row in rows])
        wanted = [[plain_quantile(column, level) for column in columns] for level in (0.5, 0.9)]
        assert np.allclose(stage_quantiles(there, cold), wanted)


def test_the_longest_come_first(compared: Build) -> None:
    there = scored(compared())
    found = longest(there, 4)
    assert found.whole_s.tolist() == sorted(there.whole_s.tolist(), reverse=True)[:4]


def test_the_tables_say_so(compared: Build) -> None:
    built = compared()
    section, there = starts_section(built), scored(built)
    assert section is not None
    first = longest(there, 1)
    assert f'<td class="number">{first.whole_s[0]:,.0f}</td>' in section.html
    median, p90 = stage_quantiles(there, cold=True)
    cell = f"{median[-1]:,.0f}\u00a0/\u00a0{p90[-1]:,.0f}"
    assert f"<td>{cell}</td>" in section.html or f'<td class="number">{cell}</td>' in section.html
    assert section.html.count('data-row="0"') == section.html.count('data-row="1"') == 2 + 3


def test_no_start_no_section_and_a_path_that_nobody_went(compared: Build) -> None:
    built = compared()
    assert starts_section(replace(built, runs=tuple(replace(run, starts=None) for run in built.runs))) is None
    there = scored(built)
    warm = there.chosen([i for i, cold in enumerate(there.cold.tolist()) if not cold])
    section = starts_section(replace(built, runs=tuple(replace(run, starts=warm) for run in built.runs)))
    assert section is not None
    assert "NaN" not in str(section.charts[0].runs).replace("'", "")
    assert section.html.count('<td class="number">-</td>') == 2 * 5


def journal(*starts: ReplicaStart) -> Journal:
    kept = Journal(1)
    for start in starts:
        kept.add_start(start)
    return kept


def test_stages_have_their_usual_names_or_are_summed_up() -> None:
    usual = starts_of(
        journal(
            ReplicaStart(0, 0, 0, 5.0, False, 1.0, (60.0, 30.0), 7.0, (20.0, 10.0, 5.0)),
            ReplicaStart(0, 0, 0, 9.0, True, 0.5, (), 0.0, (20.0, 10.0, 5.0), lost_s=12.0),
        ),
        ["chat"], ["h100"],
    )  # fmt: skip
    assert usual is not None
    assert usual.stages == ("wait", "node", "driver", "image", "weights", "CUDA", "transfer")
    assert usual.seconds.tolist() == [[1, 60, 30, 7, 20, 10, 5], [12.5, 0, 0, 0, 20, 10, 5]]
    assert usual.cold.tolist() == [True, False]
    other = starts_of(journal(ReplicaStart(0, 0, 0, 5.0, False, 1.0, (60.0,), 0.0, (20.0,))), ["chat"], ["h100"])
    assert other is not None
    assert other.stages == ("wait", "node", "image", "replica")
    assert other.seconds.tolist() == [[1, 60, 0, 20]]
    assert starts_of(Journal(1), ["chat"], ["h100"]) is None
