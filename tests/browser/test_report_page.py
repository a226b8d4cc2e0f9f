"""The report in a real browser: it draws, it fits, it tells, and it asks nothing of anybody."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.report.comparison_page import write_report

pytestmark = pytest.mark.slow

Open = Callable[..., AbstractContextManager[Page]]

TICKS = 2000
CHARTS = ["fleet", "workload-0", "workload-1", "pool-0", "starts", "ledger"]
SIZES = [
    pytest.param(width, scheme, id=f"{width} {scheme}") for width in (1280, 390) for scheme in ("light", "dark")
]  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, compared: Callable[..., Comparison]) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, compared(ticks=TICKS))
    return path


def drawn(page: Page) -> None:
    """Waits until there is a line or bar in every chart. The page's policy forbids waiting by a script of our own."""
    for chart in CHARTS:
        expect(page.locator(f"#{chart} :is(.scatterlayer, .barlayer) .trace path").first).to_be_attached()


def colour(page: Page, selector: str, attribute: str) -> str:
    found: str = page.locator(selector).first.evaluate(f"node => getComputedStyle(node).{attribute}")
    return found


@pytest.mark.parametrize(("width", "scheme"), SIZES)
def test_it_draws_and_fits(opened: Open, report: Path, width: int, scheme: Literal["light", "dark"]) -> None:
    with opened(report, width, color_scheme=scheme) as page:
        drawn(page)
        assert [chart.get_attribute("id") for chart in page.locator(".chart").all()] == CHARTS
        assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        ground = {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 23, 29)"}[scheme]
        assert colour(page, "body", "backgroundColor") == ground
        assert colour(page, "#workload-0 .main-svg", "backgroundColor") == ground
        if width == 390:
            assert page.locator(".scroll").nth(1).evaluate("box => box.scrollWidth > box.clientWidth")


def test_the_plots_follow_a_change_of_scheme(opened: Open, report: Path) -> None:
    line = "#workload-0 .tracedemand-0 .js-line >> nth=0"
    with opened(report, color_scheme="light") as page:
        drawn(page)
        assert colour(page, line, "stroke") == "rgb(27, 31, 36)"
        page.emulate_media(color_scheme="dark")
        expect(page.locator(line)).to_have_css("stroke", "rgb(242, 244, 246)")


def test_pointing_at_a_decision_tells_its_reason(
    opened: Open, report: Path, compared: Callable[..., Comparison]
) -> None:
    floor = compared(ticks=TICKS).runs[0].timelines[0].floor
    first = next(t for t in range(61, TICKS) if floor[t] > floor[t - 1])
    moment = f"day {first // 1440 + 1}, {first // 60 % 24:02}:{first % 60:02}"
    with opened(report) as page:
        drawn(page)
        page.locator("#workload-0").scroll_into_view_if_needed()
        page.locator("#workload-0 .traceraised-0 .point").first.hover(force=True)
        said = page.locator("#workload-0 .hoverlayer .legendtext")
        said.first.wait_for()
        lines = [text or "" for text in said.all_text_contents()]
        wanted = f"floor raised {moment}, {floor[first - 1]:g} → {floor[first]:g}: forecast + <b><script>alert("
        assert any(line.startswith(wanted) for line in lines), lines
        assert any(line.startswith("demand ") and line.endswith(" replicas") for line in lines)
        assert any(line.startswith("late 0 of ") and line.endswith(" requests") for line in lines)


def test_the_chosen_strategy_is_shown(opened: Open, report: Path) -> None:
    with opened(report) as page:
        drawn(page)
        assert page.locator("#workload-0 .traceforecast-p50-0").count() == 1
        assert not page.get_by_text("The charts need JavaScript").is_visible()
        ours = ["ours"] * 4 + ["ours, cold", "ours, warm"] + ["ours"] * 4
        assert page.locator("tr.shown").evaluate_all("rows => rows.map(r => r.cells[0].innerText)") == ours
        page.get_by_label("Strategy in the charts").select_option("<i>lean</i>")
        expect(page.locator("#workload-0 .traceforecast-p50-0")).to_have_count(0)
        shown = page.locator("tr.shown").evaluate_all("rows => rows.map(r => r.cells[0].innerText)")
        assert shown == [name.replace("ours", "<i>lean</i>") for name in ours]
        late = page.evaluate("Math.max(...document.getElementById('workload-0')._fullData.at(-1).y.filter(isFinite))")
        assert late > 10
        drawn(page)


def test_the_legend_hides_a_line_and_keeps_it_hidden(opened: Open, report: Path) -> None:
    with opened(report) as page:
        drawn(page)
        page.locator("#workload-0 .legendtoggle").first.click()
        expect(page.locator("#workload-0 .tracedemand-0")).to_have_count(0)
        page.get_by_label("Strategy in the charts").select_option("<i>lean</i>")
        expect(page.locator("#workload-0 .traceforecast-p50-0")).to_have_count(0)
        assert page.locator("#workload-0 .tracedemand-0").count() == 0
        assert page.locator("#workload-0 .traceready-0").count() == 1


def test_no_button_sends_a_chart_away(opened: Open, report: Path) -> None:
    with opened(report) as page:
        drawn(page)
        page.locator("#workload-0").hover()
        buttons = page.locator("#workload-0 .modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
        assert buttons == ["Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"]
        assert page.locator(".plotlyjsicon").count() == 0


def test_without_script_the_tables_remain(opened: Open, report: Path) -> None:
    with opened(report, java_script_enabled=False) as page:
        assert page.get_by_text("The charts need JavaScript").is_visible()
        assert not page.locator(".chart").first.is_visible()
        assert page.get_by_role("table").count() == 9
        assert not page.get_by_role("search").is_visible()


def test_search_filters_the_decisions(opened: Open, report: Path) -> None:
    with opened(report) as page:
        rows = page.locator("#searched tbody tr:visible")
        found, total = page.locator("output"), page.locator("#searched tbody tr").count()
        expect(found).to_have_text(f"{total} of {total} rows")
        page.get_by_label("Search the rows").fill("DAY  2,")
        page.get_by_label("Workload", exact=True).select_option("chat")
        assert 0 < rows.count() < total
        assert all(text.startswith("day 2") and "chat" in text for text in rows.all_inner_texts())
        expect(found).to_have_text(f"{rows.count()} of {total} rows")
        page.get_by_label("Reason").select_option("forecast")
        assert rows.count() > 0
        page.get_by_label("Search the rows").press("Enter")  # nothing is sent
        page.get_by_label("Search the rows").fill("nobody wrote this")
        expect(rows).to_have_count(0)
        expect(found).to_have_text(f"0 of {total} rows")


def test_a_folded_part_is_drawn_when_it_is_opened_by_keyboard(opened: Open, report: Path) -> None:
    with opened(report) as page:
        drawn(page)
        heading = page.locator("summary", has_text="Workload chat")
        heading.press("Enter")
        expect(page.locator("#workload-0")).not_to_be_visible()
        page.get_by_label("Strategy in the charts").select_option("<i>lean</i>")
        heading.press("Enter")
        expect(page.locator("#workload-0")).to_be_visible()
        expect(page.locator("#workload-0 .traceforecast-p50-0")).to_have_count(0)
        assert page.locator("#workload-0 .tracedemand-0").count() == 1


def test_links_lead_to_the_parts(opened: Open, report: Path) -> None:
    with opened(report) as page:
        drawn(page)
        page.get_by_role("navigation").get_by_role("link", name="Decisions").click()
        expect(page.get_by_role("heading", name="Decisions")).to_be_in_viewport()
        names = [link.inner_text() for link in page.get_by_role("navigation").get_by_role("link").all()]
        assert names == ["Fleet", "Workloads", "Faults", "Pools", "Starts", "Ledger", "Decisions"]
