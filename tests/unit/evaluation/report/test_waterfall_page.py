"""The page of waterfalls: it says what to fix first, its figures are those of the starts, and names are only text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.domain.lead_time import StartEnd
from autoscaler.evaluation.report.waterfall_chart import LAST
from autoscaler.evaluation.report.waterfall_page import render_waterfall, write_waterfall
from autoscaler.evaluation.waterfall.segment import By
from tests.unit.evaluation.waterfall.seen_starts import known, node, replica, seen

HOSTILE = """<script>alert("x")</script> & 'q' %{y}"""


def charts(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S)
    assert found is not None
    read: dict[str, Any] = json.loads(found[1])
    return read


def numbers(packed: dict[str, str]) -> Floats:
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype=f"<{packed['dtype']}").astype(np.float64)


def body(page: str) -> str:
    """Its text, without what is drawn."""
    found = page[page.index("<main>") : page.index("</main>")]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found)).replace("\u00a0", " "))


def bars(chart: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """(row, begin, seconds) of each bar of a waterfall."""
    for trace in chart["data"][0]:
        if trace["type"] == "bar":
            yield from zip(trace["y"], numbers(trace["base"]).tolist(), numbers(trace["x"]).tolist(), strict=True)


def test_the_stage_to_fix_first_comes_first_with_what_to_do() -> None:
    said = body(render_waterfall(known(), By.WORKLOAD))
    first = said.index("Fix first: weights, 104 s of 229 s (45 %), the slowest stage of chat, pool h100, cold node.")
    assert first < 200
    assert first < said.index("Shorten it: keep it on the node") < said.index("2 starts did not come through")


def test_bars_follow_one_another_and_the_slowest_is_marked() -> None:
    drawn = charts(render_waterfall(known(), By.WORKLOAD))["waterfall-0-cold_node"]
    found = sorted(bars(drawn), key=lambda bar: bar[1])
    assert [row for row, *_ in found] == drawn["layout"]["yaxis"]["categoryarray"]
    assert [begin for _, begin, _ in found] == pytest.approx([0.0, 22.5, 62.5, 75.0, 105.0, 209.0, 217.0])
    assert [seconds for *_, seconds in found] == pytest.approx([22.5, 40.0, 12.5, 30.0, 104.0, 8.0, 12.0])
    assert [row for row, *_ in found if row.startswith("<b>\u25b6 ")] == ["<b>\u25b6 weights</b><br>104 s (45 %)"]


def test_a_long_line_to_a_p90_leaves_the_bars_their_width() -> None:
    usual = [replica(str(n), 30.0, 90.0) for n in range(8)]
    page = render_waterfall(seen([*usual, *(replica(f"x{n}", 30.0, 7000.0) for n in range(2))]), By.WORKLOAD)
    shown = charts(page)["waterfall-0-cold_node"]["layout"]["xaxis"]["range"][1]
    assert 120.0 < shown < 240.0


def test_the_last_starts_are_drawn_one_by_one() -> None:
    drawn = charts(render_waterfall(known(), By.WORKLOAD))["last-0"]
    rows = drawn["layout"]["yaxis"]["categoryarray"]
    assert len(rows) == LAST
    assert rows[:3] == ["1 replica<br>goes on", "2 replica<br>goes on", "3 node<br>8\u00a0min ago, failed"]
    whole = np.sum([numbers(trace["x"]) for trace in drawn["data"][0]], axis=0)
    assert whole[:3].tolist() == [701.0, 21.0, 900.0]


def test_what_did_not_come_through_is_listed_with_where_and_why() -> None:
    said = body(render_waterfall(known(), By.WORKLOAD))
    assert "stuck in weights reads s3://models at 2 MB/s 1 701 s 351 s replica ml/chat-8, zone a now" in said
    assert "failed in node ordered InsufficientCapacity in zone b 1 900 s - node n9 8 min ago" in said
    assert "Did not come through" not in body(render_waterfall(seen([replica("a", 1.0, 2.0)]), By.WORKLOAD))


def test_whatever_is_in_names_stays_text() -> None:
    given: dict[str, Any] = {"policy": HOSTILE, "pool": HOSTILE, "zone": HOSTILE, "pod": HOSTILE, "why": HOSTILE}
    starts = [replica("a", 1.0, 2.0, **given), node("b", 900.0, end=StartEnd.FAILED, **given)]
    page = render_waterfall(seen(starts), By.WORKLOAD)
    assert "<script>alert" not in page
    assert f"the slowest stage of {HOSTILE}, pool {HOSTILE}" in body(page)
    drawn = json.dumps(charts(page))
    assert "<script>alert" not in drawn
    assert "&lt;script" in drawn


def test_each_chart_has_its_box_and_many_groups_are_folded() -> None:
    starts = [replica(str(n), 1.0, 2.0, policy=f"p{n}") for n in range(7)]
    page = render_waterfall(seen(starts), By.WORKLOAD)
    assert all(f'id="{name}"' in page for name in charts(page))
    assert (page.count("<details"), page.count('<details open=""')) == (7, 4)


def test_equal_starts_make_an_equal_page_that_is_written_whole(tmp_path: Path) -> None:
    page = render_waterfall(known(), By.ZONE)
    assert page == render_waterfall(known(), By.ZONE)
    write_waterfall(tmp_path / "page.html", known(), By.ZONE)
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    with pytest.raises(FileNotFoundError):
        write_waterfall(tmp_path / "none" / "page.html", known(), By.ZONE)


def test_what_could_not_be_read_is_said() -> None:
    there = seen([])
    page = render_waterfall(type(there)((), {}, {}, 0.0, ("Prometheus does not answer",)), By.WORKLOAD)
    assert "Could not be read: Prometheus does not answer" in body(page)
    assert "No start is known." in body(page)
