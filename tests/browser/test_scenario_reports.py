"""Reports of the Monday and the spot-zone scenarios, and of two runs compared, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from autoscaler.compose.scenario import compare, run_scenario
from autoscaler.evaluation.report.comparison_page import write_report
from autoscaler.evaluation.report.two_runs_page import write_two
from autoscaler.evaluation.scenario.prepare import read_scenario
from autoscaler.evaluation.timeline import write_timeline
from autoscaler.evaluation.two_runs import read_two

pytestmark = pytest.mark.slow

Open = Callable[..., AbstractContextManager[Page]]

SCENARIOS = Path(__file__).parents[2] / "simulations" / "scenarios"
SIZES = [
    pytest.param(width, scheme, id=f"{width} {scheme}") for width in (1280, 390) for scheme in ("light", "dark")
]  # fmt: skip
NAMES = ["monday-morning", "spot-zone-lost"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page of each scenario, and one that compares two strategies on the second by their files."""
    folder = tmp_path_factory.mktemp("reports")
    for name in NAMES:
        prepared = read_scenario(SCENARIOS / f"{name}.yaml")
        built = compare(prepared, run_scenario(prepared, ["ours", "hpa-70"], workers=1))
        write_report(folder / f"{name}.html", built)
    ours, hpa = folder / "ours.csv", folder / "hpa.csv"
    for file, run in zip((ours, hpa), built.runs, strict=True):
        write_timeline(file, run.timelines)
    write_two(folder / "two.html", read_two(ours, hpa, warmup_s=built.scored_from_s))
    return folder


def looked_at(page: Page, charts: list[str]) -> None:
    """Every chart has something drawn in it, and nothing is wider than the page."""
    for chart in charts:
        expect(page.locator(f"#{chart} :is(.scatterlayer, .barlayer) .trace path").first).to_be_attached()
    assert sorted(chart.get_attribute("id") or "" for chart in page.locator(".chart").all()) == sorted(charts)
    assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_monday(opened: Open, written: Path, width: int, scheme: Literal["light", "dark"]) -> None:
    with opened(written / "monday-morning.html", width, color_scheme=scheme) as page:
        looked_at(page, ["fleet", "workload-0", "pool-0", "starts", "ledger"])
        rows = page.locator("#searched tbody tr:visible")
        before = rows.count()
        page.get_by_label("Reason").select_option("schedule atLeast")
        assert 0 < rows.count() <= before
        assert all("schedule atLeast" in text for text in rows.all_inner_texts())


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_a_lost_spot_zone(opened: Open, written: Path, width: int, scheme: Literal["light", "dark"]) -> None:
    with opened(written / "spot-zone-lost.html", width, color_scheme=scheme) as page:
        looked_at(page, ["fleet", "workload-0", "pool-0", "pool-1", "starts", "ledger"])
        assert page.get_by_role("heading", name="Faults").is_visible()
        spot = page.locator(".chart[id^=pool-]", has=page.locator(".tracemark-0 .point"))
        assert spot.locator(".tracemark-0 .point").count() > 0  # spot notices
        assert spot.locator(".tracemark-1 .point").count() == 1  # the zone that was called back
        assert page.locator("#workload-0 .shapelayer path").count() > 0


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_two_runs(opened: Open, written: Path, width: int, scheme: Literal["light", "dark"]) -> None:
    with opened(written / "two.html", width, color_scheme=scheme) as page:
        looked_at(page, ["fleet", "workload-0", "ledger"])
        expect(page.locator(".lead")).to_contain_text("Against A, B had")
        assert page.locator("#workload-0 .legendtext").all_text_contents() == ["A: ours.csv", "B: hpa.csv", "demand"]
        page.get_by_label("Search the rows").fill("hpa.csv")
        assert all("B: hpa.csv" in text for text in page.locator("#searched tbody tr:visible").all_inner_texts())
