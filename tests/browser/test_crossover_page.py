"""The page of a crossover in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from autoscaler.evaluation.crossover import CrossoverRow
from autoscaler.evaluation.report.crossover_page import write_crossover
from autoscaler.evaluation.score import Summary

pytestmark = pytest.mark.slow


def row(lead_s: float, strategy: str, late: float, ratio: float) -> CrossoverRow:
    hours = 100.0 * ratio
    summary = Summary(strategy, hours, hours, late, 80.0, 90.0, ratio, ratio, starts=3, ticks_per_second=1.0, seed=1)
    return CrossoverRow(lead_s, summary)


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_draws_fits_and_tells(
    opened: Callable[..., AbstractContextManager[Page]], tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    rows = [
        row(lead_s, strategy, 0.01 + slope * lead_s, 1.1 + slope * lead_s)
        for lead_s in (0.0, 300.0, 900.0)
        for strategy, slope in (("reactive", 0.0002), ("ours", 0.00001))
    ]
    path = tmp_path / "crossover.html"
    write_crossover(path, "Where prediction pays", rows, 0.01, ["A note."])
    with opened(path, width, color_scheme=scheme) as page:
        expect(page.locator("#crossover .scatterlayer .trace")).to_have_count(5)
        expect(page.locator(".lead")).to_contain_text("ours pays from 300")
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        page.locator("#crossover").scroll_into_view_if_needed()
        page.locator("#crossover .traceratio-0 .point").nth(1).hover(force=True)
        said = page.locator("#crossover .hoverlayer .legendtext")
        said.first.wait_for()
        assert said.all_text_contents() == [
            "reactive: 1.160 times the optimum, 116 GPU-hours",
            "reactive: 7.00 % late",
            "ours: 1.103 times the optimum, 110 GPU-hours",
            "ours: 1.30 % late",
        ]
