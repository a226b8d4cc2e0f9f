"""The page of waterfalls in a real browser: whoever sees it for the first time can say which stage to fix first."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from autoscaler.evaluation.report.waterfall_page import write_waterfall
from autoscaler.evaluation.waterfall.segment import By
from tests.unit.evaluation.waterfall.seen_starts import known

pytestmark = pytest.mark.slow

Open = Callable[..., AbstractContextManager[Page]]
CHART = "#waterfall-0-cold_node"
SIZES = [
    pytest.param(width, scheme, id=f"{width} {scheme}") for width in (1280, 390) for scheme in ("light", "dark")
]  # fmt: skip


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("waterfall") / "waterfall.html"
    write_waterfall(path, known(), By.WORKLOAD)
    return path


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_the_stage_to_fix_first_is_read_without_scrolling(
    opened: Open, page_file: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    with opened(page_file, width, color_scheme=scheme) as page:
        first = page.get_by_text("Fix first: weights, 104 s of 229 s (45 %)")
        expect(first).to_be_in_viewport(ratio=1.0)
        expect(page.get_by_text("Shorten it: keep it on the node").first).to_be_in_viewport(ratio=1.0)
        expect(page.get_by_text("2 starts did not come through: 1 failed, 1 stuck.")).to_be_in_viewport(ratio=1.0)
        expect(page.locator(f"{CHART} .barlayer .point path").first).to_be_attached()
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


@pytest.mark.parametrize("width", [1280, 390])
def test_bars_go_down_like_stairs_and_the_marked_one_is_the_longest(opened: Open, page_file: Path, width: int) -> None:
    with opened(page_file, width) as page:
        bars = page.locator(f"{CHART} .barlayer .point path")
        expect(bars).to_have_count(7)
        boxes = [bar.bounding_box() for bar in bars.all()]
        found = sorted((box["y"], box["x"], box["width"]) for box in boxes if box is not None)
        assert len(found) == 7
        ends = [x + length for _, x, length in found]
        assert [x for _, x, _ in found][1:] == pytest.approx(ends[:-1], abs=2.0)
        labels = [(row.bounding_box(), row.text_content() or "") for row in page.locator(f"{CHART} .ytick text").all()]
        rows = sorted((box["y"], box["x"], said) for box, said in labels if box is not None)
        longest = max(range(7), key=lambda place: found[place][2])
        assert [place for place, (*_, said) in enumerate(rows) if "\u25b6" in said] == [longest]
        assert "weights" in rows[longest][2]
        plot = page.locator(CHART).bounding_box()
        assert plot is not None
        assert min(x for _, x, _ in rows) >= plot["x"] - 1.0
        assert ends[-1] <= plot["x"] + plot["width"]


def test_pointing_at_a_bar_tells_its_quantiles(opened: Open, page_file: Path) -> None:
    with opened(page_file) as page:
        page.locator(CHART).scroll_into_view_if_needed()
        page.locator(f"{CHART} .traceslowest-stage .point, {CHART} .barlayer .trace").first.hover(force=True)
        said = page.locator(f"{CHART} .hoverlayer .hovertext")
        expect(said).to_contain_text("weights: 104 s of the middle start, p50 104 s, p90 108 s")


def test_links_lead_to_what_did_not_come_through(opened: Open, page_file: Path) -> None:
    with opened(page_file, 390) as page:
        page.get_by_role("link", name="2 starts did not come through").click()
        expect(page.get_by_role("heading", name="Did not come through")).to_be_in_viewport()
        expect(page.get_by_role("table", name="Failed and stuck starts")).to_contain_text("reads s3://models at 2 MB/s")


def test_without_script_the_tables_tell_the_same(opened: Open, page_file: Path) -> None:
    with opened(page_file, java_script_enabled=False) as page:
        assert page.get_by_text("Fix first: weights").is_visible()
        assert not page.locator(CHART).is_visible()
        rows = page.get_by_role("table", name="Stages of chat, pool h100").get_by_role("row").all_inner_texts()
        assert rows[5].split("\t")[:5] == ["image", "30 s", "30 s", "30 s", "13 %"]
        assert rows[6].split("\t")[:5] == ["weights", "104 s", "108 s", "104 s", "45 %"]
