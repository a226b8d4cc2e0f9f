"""Decisions: every change of the floor in the scored part, the largest of them, the commonest reasons."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoscaler.evaluation.report.decisions import decisions
from autoscaler.evaluation.timeline import COLUMNS, Timeline

NOTHING = {name: np.zeros(8) for name in COLUMNS[1:-1]}
REASONS = ["forecast", "forecast", "hold", "forecast; hold", "hold", "hold", "forecast; hold", "maximum"]
SEEN = replace(
    Timeline("chat", **NOTHING, reason=REASONS),
    time_s=60.0 * np.arange(8, dtype=np.float64),
    floor=np.array([2.0, 3.0, 3.0, 7.0, 6.0, 6.0, 5.0, 9.0]),
)


@pytest.mark.parametrize(
    ("first", "end", "at_s"),
    [
        pytest.param(0, 8, [60, 180, 240, 360, 420], id="all"),
        pytest.param(3, 7, [180, 240, 360], id="the first against the tick before it"),
        pytest.param(4, 4, [], id="nothing"),
    ],
)
def test_changes_in_the_scored_part(first: int, end: int, at_s: list[float]) -> None:
    found = decisions(SEEN, first, end)
    assert found.at_s.tolist() == at_s
    assert len(found) == len(at_s)


def test_from_to_and_reasons() -> None:
    found = decisions(SEEN, 3, 7)
    assert list(zip(found.before, found.after, found.reasons, strict=True)) == [
        (3.0, 7.0, "forecast + hold"),
        (7.0, 6.0, "hold"),
        (6.0, 5.0, "forecast + hold"),
    ]
    assert found.commonest_reasons(1) == [("forecast + hold", 2)]


def test_the_largest_changes_stay_in_the_order_of_time() -> None:
    found = decisions(SEEN, 0, 8).largest(3)
    assert found.at_s.tolist() == [180, 240, 420]
    assert found.reasons == ("forecast + hold", "hold", "maximum")
    assert decisions(SEEN, 0, 8).largest(5).at_s.tolist() == [60, 180, 240, 360, 420]


def test_of_equal_changes_some_are_kept_all_along() -> None:
    still = Timeline("chat", **{name: np.zeros(1001) for name in NOTHING}, reason=["hold"] * 1001)
    restless = replace(still, time_s=np.arange(1001), floor=np.arange(1001) % 2)
    found = decisions(restless, 0, 1001).largest(10)
    assert found.at_s.tolist() == [51.0 + 100.0 * i for i in range(10)]


def test_an_unknown_floor_is_no_change() -> None:
    floor = SEEN.floor.astype(np.float64)
    floor[4] = np.nan
    assert decisions(replace(SEEN, floor=floor), 0, 8).at_s.tolist() == [60, 180, 360, 420]
