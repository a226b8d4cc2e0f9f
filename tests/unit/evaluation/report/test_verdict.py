"""The verdict: honest words about cost and lateness, whoever wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.report.outcome import outcomes
from autoscaler.evaluation.report.verdict import change, listed, percent, verdict

Build = Callable[..., Comparison]


@pytest.mark.parametrize(
    ("ours", "theirs", "words"),
    [
        pytest.param(120.0, 100.0, "20 % more hours", id="more"),
        pytest.param(55.0, 100.0, "45 % fewer hours", id="fewer"),
        pytest.param(100.2, 100.0, "as many hours", id="the same"),
        pytest.param(0.0, 0.0, "as many hours", id="both none"),
        pytest.param(250.0, 100.0, "2.5 times as many hours", id="times"),
        pytest.param(7.0, 0.0, "7 hours where that had none", id="against none"),
        pytest.param(0.0, 1234.0, "no hours where that had 1,234", id="none against some"),
    ],
)
def test_a_difference_in_words(ours: float, theirs: float, words: str) -> None:
    assert change(ours, theirs, "hours").replace("\u00a0", " ") == words


def test_shares_and_lists() -> None:
    assert [percent(s).replace("\u00a0", " ") for s in (0.0, 0.00001, 0.0123, 1.0)] == [
        "0.00 %", "<0.01 %", "1.23 %", "100.00 %",
    ]  # fmt: skip
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def said(comparison: Comparison) -> tuple[str, tuple[str, ...], str]:
    found = verdict(comparison, outcomes(comparison))
    return found.first.replace("\u00a0", " "), found.others, found.kept


def test_one_within_and_one_above_the_objective(compared: Build) -> None:
    first, others, kept = said(compared())
    assert first.startswith("ours was billed ")
    assert first.endswith("and let 0.00 % of all requests come late, within the 1 % allowed.")
    assert len(others) == 1
    assert "against <i>lean</i>, " in others[0]
    assert "more GPU-hours and no late requests where that had " in others[0]
    assert kept == "Only ours kept every workload within its objective."


def test_the_first_may_lose(compared: Build) -> None:
    built = compared()
    first, others, kept = said(replace(built, runs=built.runs[::-1]))
    assert "come late, more than allowed for chat (" in first
    assert "where 1 % is allowed)" in first
    assert "fewer GPU-hours and " in others[0].replace("\u00a0", " ")
    assert "late requests where that had none" in others[0]
    assert kept == "Only ours kept every workload within its objective."


def test_nobody_and_everybody_within(compared: Build) -> None:
    built = compared()
    lean = replace(built, runs=(built.runs[1], replace(built.runs[1], strategy="again")))
    assert said(lean)[2] == "None of them kept every workload within its objective."
    generous = replace(built, late_target=dict.fromkeys(built.late_target, 0.5))
    assert said(generous)[2] == (
        "ours and <i>lean</i> kept every workload within its objective, <i>lean</i> with the fewest GPU-hours."
    )


def test_alone_it_is_measured_at_the_objective_only(compared: Build) -> None:
    built = compared()
    assert said(replace(built, runs=built.runs[:1], rows=built.rows[:1]))[1:] == ((), "")
