"""A silence in a log: a true zero or a gap, by the rule or by the limit that the user sets; said in either case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from autoscaler.evaluation.trace_import.importer import Imported, import_trace
from autoscaler.evaluation.trace_import.request import Request

Write = Callable[..., Path]
HOUR = 3600


def log(*hours: float, series: str = "a") -> str:
    return "time_s,model\n" + "".join(f"{round(hour * HOUR)},{series}\n" for hour in hours)


def missing(imported: Imported, name: str = "") -> list[int]:
    """Hours without data."""
    return [int(place) for place in np.flatnonzero(np.isnan(imported.grid.series[name]))]


def request(*sources: Path, **more: object) -> Request:
    return Request(sources, step_s=float(HOUR), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("gap_after_h", "hours"),
    [
        pytest.param(None, [], id="zero without a limit"),
        pytest.param(7.0, [], id="zero below the limit"),
        pytest.param(6.0, [], id="zero at the limit"),
        pytest.param(5.0, [3, 4, 5, 6, 7, 8], id="gap above it"),
        pytest.param(0.5, [1, 3, 4, 5, 6, 7, 8], id="every silence"),
    ],
)
def test_inside_a_source(write: Write, gap_after_h: float | None, hours: list[int]) -> None:
    gap_after_s = None if gap_after_h is None else gap_after_h * HOUR
    imported = import_trace(request(write(log(0, 2, 9, 10)), gap_after_s=gap_after_s))
    assert missing(imported) == hours
    said = [note for note in imported.notes if "silence" in note]
    assert any("longest silence taken as zero" in note for note in said) == (len(hours) < 7)
    assert any("taken as not captured, not as zero" in note for note in said) == bool(hours)


def test_between_sources_a_gap_where_longer_than_any_inside(write: Write) -> None:
    first, second = write(log(0, 3, 4), "1.csv"), write(log(9, 10), "2.csv")
    third = write(log(13, 14), "3.csv")
    imported = import_trace(request(first, third, second))
    assert missing(imported) == [5, 6, 7, 8]
    assert "1 silence between sources taken as not captured, not as zero" in imported.notes
    assert missing(import_trace(request(first, second, third, gap_after_s=24.0 * HOUR))) == []


def test_a_quiet_series_is_zero_while_others_are_alive(write: Write) -> None:
    text = log(0, 1, 2, 3, 4, 5) + "0,b\n" + f"{5 * HOUR},b\n"
    imported = import_trace(request(write(text), series_by=("model",), gap_after_s=2.0 * HOUR))
    assert missing(imported, "b") == []


def test_zeros_in_counts_become_gaps_on_request_only(write: Write) -> None:
    path = write("time_s,requests\n" + "".join(f"{hour * HOUR},{0 if 2 <= hour < 6 else 5}\n" for hour in range(9)))
    assert missing(import_trace(Request((path,)))) == []
    assert missing(import_trace(Request((path,), gap_after_s=3.0 * HOUR))) == [2, 3, 4, 5]
