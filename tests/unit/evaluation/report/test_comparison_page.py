"""The report: what it says follows from the data, nothing in the data becomes markup, and it is one file."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.comparison import Comparison, StrategyRun
from autoscaler.evaluation.report.comparison_page import render, write_report
from autoscaler.evaluation.timeline import COLUMNS, Timeline

Build = Callable[..., Comparison]
HOSTILE = """<script>alert("x")</script> & 'q' %{y}"""


class Page(HTMLParser):
    """Elements in their order, tables as rows of cell texts, and the text of the figures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.texts: list[str] = []
        self.figures = ""
        self._cell = self._figures = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._figures = tag == "script" and dict(attrs).get("id") == "figures"
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell = True
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._cell = self._cell and tag not in ("td", "th")
        self._figures = False

    def handle_data(self, data: str) -> None:
        if self._figures:
            self.figures += data
        elif self._cell:
            self.tables[-1][-1][-1] += data.replace("\u00a0", " ")
        if data.strip() and len(data) < 10_000:
            self.texts.append(data.strip())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.tags if found == tag]

    def charts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.figures)
        return found


def numbers(packed: dict[str, str]) -> Floats:
    return np.frombuffer(base64.b64decode(packed["bdata"]), dtype=f"<{packed['dtype']}").astype(np.float64)


def series(traces: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [trace for trace in traces if trace["name"] == name]


def test_the_order_of_the_page(compared: Build) -> None:
    page = Page(render(compared()))
    kinds = ("h1", "h2", "h3", "table", "form")
    order = [tag for tag, a in page.tags if tag in kinds or "chart " in (a.get("class") or "") or a.get("id") == "run"]
    view = ["h3", "div", "table"]
    assert order == [
        "h1", *["h2", "table", "div"], "select", *["h2", *view, *view], *["h2", "table"], *["h2", *view],
        *["h2", "div", "table", "table"], *["h2", "div", "table"], *["h2", "form", "table"],
    ]  # fmt: skip
    heads = [text for text in page.texts if text.startswith(("Workload ", "Pool "))]
    assert heads == ["Workload chat", f"Workload {HOSTILE}", "Pool h100 (spot)"]
    ids = [a["id"] for _, a in page.tags if "chart " in (a.get("class") or "")]
    assert ids == ["fleet", "workload-0", "workload-1", "pool-0", "starts", "ledger"]
    assert list(page.charts()) == ids


def test_links_lead_to_headings_and_regions_are_named_by_them(compared: Build) -> None:
    page = Page(render(compared()))
    headings = [a["id"] for a in page.named("h2")]
    assert [a["href"] for a in page.named("a")] == [f"#{name}" for name in headings]
    assert [a["aria-labelledby"] for a in page.named("section")] == headings
    assert len(page.named("main")) == len(page.named("nav")) == 1


def test_few_views_are_open_and_many_are_folded(compared: Build) -> None:
    assert ["open" in a for a in Page(render(compared())).named("details")] == [True] * 3
    many = restless(100, 6, 1)
    assert ["open" in a for a in Page(render(many)).named("details")] == [True] * 4 + [False] * 2


def test_nothing_in_the_data_becomes_markup(compared: Build) -> None:
    text = render(compared())
    page = Page(text)
    assert len(page.named("script")) == 3  # figures, Plotly, ours
    assert not page.named("i")
    assert not page.named("b")
    assert HOSTILE in page.texts[0]
    assert "<script>alert" not in text.split("</style>", 1)[1].split("plotly.js", 1)[0]
    hover = series(page.charts()["workload-0"]["data"][0], "raised")[0]["text"][0]
    assert "&lt;b&gt;&lt;script&gt;" in hover  # Plotly reads tags in its texts


def test_the_table_of_strategies_is_the_one_given(compared: Build) -> None:
    page = Page(render(compared()))
    assert page.tables[0] == [
        ["strategy", "GPU-hours", "remark"],
        ["ours", "1,234", "good"],
        ["<i>lean</i>", "-", "less"],
    ]
    right = [a.get("class") for tag, a in page.tags if tag in ("th", "td")][:9]
    assert right == [None, "number", None, None, "number", None, None, "number", None]


def test_the_numbers_beside_a_chart(compared: Build) -> None:
    built = compared(ticks=3000, warmup=60)
    row = dict(zip(*(Page(render(built)).tables[1][i] for i in (0, 2)), strict=True))
    lean = built.runs[1].timelines[0]
    arrivals, late = np.nansum(lean.arrivals[60:]), np.nansum(lean.late[60:])
    known = np.isfinite(lean.arrivals[60:])
    changes = np.count_nonzero(np.diff(lean.floor[59:]))
    assert row == {
        "strategy": "<i>lean</i>",
        "requests": f"{arrivals:,.0f}",
        "late": f"{late:,.0f}",
        "late share": f"{100 * late / arrivals:.2f} %",
        "allowed": "1 %",
        "GPU-hours": f"{lean.billed_gpus_primary[60:][known].sum() / 60:,.0f}",
        "peak demand (replicas)": f"{np.nanmax(lean.offered_replicas[60:]):,.1f}",
        "peak ready (replicas)": f"{lean.ready_replicas[60:].max():,.0f}",
        "floor changes": f"{changes:,}",
        "commonest reasons": f"forecast + <b>{HOSTILE}</b> ({changes:,})",
    }
    assert changes > 10
    assert late > 100


def test_the_numbers_beside_a_pool(compared: Build) -> None:
    built = compared(ticks=3000, warmup=60)
    pool = built.runs[0].pools[0]
    headings, ours, _ = Page(render(built)).tables[4]
    assert dict(zip(headings, ours, strict=True)) == {
        "strategy": "ours",
        "up, mean": f"{pool.nodes[60:].mean():.1f}",
        "up, peak": f"{pool.nodes[60:].max():.0f}",
        "on order, peak": "2",
        "warm, mean": "1.0",
        "warm, peak": "1",
        "spot notices": "3",  # two nodes and one; what came in the warm-up is not counted
        "zones called back": "1",
        "refused": "1",
    }
    traces = Page(render(built)).charts()["pool-0"]["data"][0]
    zones = [numbers(trace["y"]) for trace in traces if trace["uid"].startswith("zone-")]
    up = numbers(series(traces, "up")[0]["y"])
    assert zones[0] + zones[1] == pytest.approx(up, rel=1e-6)
    notices, lost, refused = (series(traces, what)[0] for what in ("spot notice", "zone called back", "refused"))
    assert numbers(notices["x"]).tolist() == [130 * 60_000, 150 * 60_000]
    assert numbers(lost["x"]).tolist() == [130 * 60_000]
    assert refused["text"] == ["a, nodes: 1"]
    assert notices["text"][0].startswith("&lt;script&gt;")


def test_lines_keep_totals_and_gaps(compared: Build) -> None:
    built = compared(ticks=5000, warmup=60)
    traces = Page(render(built)).charts()["workload-0"]["data"][1]
    lean = built.runs[1].timelines[0]
    late, demand, floor = (series(traces, name)[0] for name in ("late", "demand", "floor"))
    assert demand["dx"] == 3 * 60_000  # 4,940 ticks in bins of three: at most 2,000 points
    assert demand["x0"] == 60 * 60_000 + 90_000  # the middle of the first bin
    assert len(numbers(demand["y"])) == 1647
    assert np.nansum(numbers(late["y"])) == pytest.approx(np.nansum(lean.late[60:]), rel=1e-5)
    assert np.nansum(numbers(late["customdata"])) == pytest.approx(np.nansum(lean.arrivals[60:]), rel=1e-5)
    gap = slice((2001 - 60) // 3 + 1, (2500 - 60) // 3)
    assert np.isnan(numbers(demand["y"])[gap]).all()
    assert np.isnan(numbers(late["y"])[gap]).all()
    assert numbers(floor["y"]).tolist() == [lean.floor[t : t + 3].max() for t in range(60, 5000, 3)]


def test_a_forecast_is_drawn_at_the_time_that_it_is_for(compared: Build) -> None:
    built = compared(ticks=1500, warmup=60)
    charts = Page(render(built)).charts()
    seen = built.runs[0].timelines[0]
    for chart, ahead in (("workload-0", 5), ("workload-1", 0)):
        parts = series(charts[chart]["data"][0], "forecast p90")
        assert len(parts) == 2  # one on each side of the gap, since a fill across it would be askew
        assert numbers(parts[0]["y"])[:20] == pytest.approx(seen.forecast_p90[60 - ahead : 80 - ahead], rel=1e-6)
        assert [part["showlegend"] for part in parts] == [True, False]
        assert parts[1]["x0"] == (1200 + ahead) * 60_000 + 30_000
    assert not series(charts["workload-0"]["data"][1], "forecast p90")


def test_decisions_are_marked_with_their_reasons(compared: Build) -> None:
    built = compared(ticks=1500, warmup=60)
    traces = Page(render(built)).charts()["workload-0"]["data"][0]
    floor = built.runs[0].timelines[0].floor
    marks = [(x, y, text) for name in ("raised", "lowered") for x, y, text in _marks(series(traces, name)[0])]
    changed = [t for t in range(60, 1500) if floor[t] != floor[t - 1]]
    assert sorted(x for x, _, _ in marks) == [t * 60_000.0 for t in changed]
    for x, y, text in marks:
        t = int(x // 60_000)
        assert y == floor[t] - floor[t - 1]
        assert text.startswith(f"{floor[t - 1]:g} → {floor[t]:g}: forecast + ")


def _marks(trace: dict[str, Any]) -> list[tuple[float, float, str]]:
    return list(zip(numbers(trace["x"]).tolist(), numbers(trace["y"]).tolist(), trace["text"], strict=True))


def restless(ticks: int, workloads: int, strategies: int) -> Comparison:
    """Every column drawn, every floor another one: the largest page that so many ticks can make."""
    rng = np.random.default_rng(1)
    names = [f"workload-{w}" for w in range(workloads)]
    reasons = ["forecast; late or growing queue; hold; recurring burst", "forecast; schedule atLeast; maximum"]

    def drawn(name: str) -> Timeline:
        columns = {column: rng.random(ticks) * 100 for column in COLUMNS[1:-1]}
        columns |= {
            "time_s": 60.0 * np.arange(ticks, dtype=np.float64),
            "floor": rng.permutation(ticks).astype(np.float64),
        }
        return Timeline(name, **columns, reason=[reasons[i] for i in rng.integers(0, 2, ticks)])

    runs = tuple(StrategyRun(f"strategy-{s}", tuple(drawn(n) for n in names), ()) for s in range(strategies))
    rows = tuple((run.strategy, "1") for run in runs)
    target = dict.fromkeys(names, 0.01)
    return Comparison("Large", (), ("strategy", "cost"), rows, runs, target, 60.0, 0.0, ticks * 60.0)


def test_a_large_comparison_stays_small_and_says_what_it_leaves_out() -> None:
    text = render(restless(20_000, 3, 5))
    page = Page(text)
    assert len(text.encode()) < 9_000_000
    charts = {name: chart for name, chart in page.charts().items() if name.startswith("workload-")}
    assert len(charts) == 3
    for chart in charts.values():
        for traces in chart["data"]:
            assert sum(len(t["text"]) for t in traces if t["mode"] == "markers") == 1500
            assert max(len(numbers(t["y"])) for t in traces if t["mode"] == "lines") <= 2000
    notes = [words for words in page.texts if "largest are marked" in words]
    assert len(notes) == 3
    assert any("The 4,000 largest of 119,994 changes are listed; 115,994 smaller" in words for words in page.texts)
    assert "only the 1,500 largest are marked: there are 19,999 under strategy-0, 19,999 under strategy-1" in notes[0]


def test_figures_are_figures_for_plotly(compared: Build) -> None:
    charts = Page(render(compared())).charts()
    for chart in charts.values():
        for traces in chart["data"]:
            written = json.dumps({"data": traces, "layout": chart["layout"]})
            figure = go.Figure(json.loads(re.sub(r"var\(--[a-z-]+\)", "#123456", written)))
            assert len(figure.data) == len(traces)
            assert all(re.fullmatch("[a-z0-9-]+", trace["uid"]) for trace in traces)  # part of a CSS selector


def test_axes_carry_units_and_begin_with_the_scored_part(compared: Build) -> None:
    charts = Page(render(compared())).charts()
    axes = {name: {k: a for k, a in chart["layout"].items() if "axis" in k} for name, chart in charts.items()}
    titles = {k: a["title"]["text"].replace("\u00a0", " ") for k, a in axes["workload-0"].items() if k != "xaxis"}
    assert titles == {
        "yaxis": "replicas", "yaxis2": "floor change<br>(replicas)", "yaxis3": "late requests<br>per 2 min",
    }  # fmt: skip
    assert axes["pool-0"]["yaxis"]["title"]["text"] == "nodes"
    for name in axes.keys() - {"starts"}:
        assert axes[name]["xaxis"]["range"] == [3_600_000, 180_000_000]
        assert axes[name]["xaxis"]["tickformatstops"][1]["value"] == "day %-j"


def test_every_colour_has_a_light_and_a_dark_form(compared: Build) -> None:
    text = render(compared())
    style = text.split("<style>")[1].split("</style>")[0]
    light, dark = style.split("prefers-color-scheme: dark")
    for colour in set(re.findall(r"var\((--[a-z-]+)\)", Page(text).figures + style)):
        assert f"{colour}:" in light
        assert f"{colour}:" in dark


def test_one_file_that_asks_nothing_of_a_network(compared: Build) -> None:
    text = render(compared())
    page = Page(text)
    linked = [a for _, a in page.tags for key in ("src", "href", "action", "srcset") if key in a]
    assert all((a.get("href") or "").startswith("#") for a in linked)
    policy = next(a["content"] for a in page.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in policy.split("script-src", 1)[1].split(";")[0]
    assert text.count("plotly.js v") == 1


def test_byte_equal_from_run_to_run(compared: Build) -> None:
    assert render(compared()) == render(compared())


def test_one_strategy_needs_no_chooser_and_no_pool_no_section(compared: Build) -> None:
    built = compared()
    alone = replace(
        built, runs=(replace(built.runs[0], pools=(), ledger=None, starts=None),), rows=built.rows[:1], faults=()
    )
    page = Page(render(alone))
    assert not [a for a in page.named("select") if a["id"] == "run"]
    assert list(page.charts()) == ["fleet", "workload-0", "workload-1", "ledger"]
    assert [a["id"] for a in page.named("h2")] == ["the-fleet", "the-workloads", "the-ledger", "the-decisions"]


def test_a_run_of_years_counts_days_beyond_the_calendar(compared: Build) -> None:
    built = compared(ticks=1500)
    runs = tuple(
        replace(
            run,
            pools=(),
            timelines=tuple(
                replace(t, time_s=np.asarray(t.time_s, dtype=np.float64) + 400 * 86_400.0) for t in run.timelines
            ),
        )
        for run in built.runs
    )
    late = replace(built, runs=runs, scored_from_s=400 * 86_400.0, scored_until_s=401 * 86_400.0)
    chart = Page(render(late)).charts()["workload-0"]
    assert chart["layout"]["xaxis"]["type"] == "linear"
    assert chart["layout"]["xaxis"]["range"] == [401.0, 402.0]
    assert series(chart["data"][0], "raised")[0]["hovertemplate"].startswith("floor raised day %{x:.2f}, ")


def test_written_whole_or_not_at_all(compared: Build, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, compared(ticks=300))
    before = path.read_bytes()
    assert before.decode() == render(compared(ticks=300))
    with pytest.raises(ValueError, match="no tick"):
        write_report(path, replace(compared(ticks=300), scored_from_s=1e9, scored_until_s=2e9))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileNotFoundError, match="create it"):
        write_report(tmp_path / "none" / "report.html", compared(ticks=300))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param(lambda c: replace(c, runs=()), "no run", id="no run"),
        pytest.param(
            lambda c: replace(c, runs=(c.runs[0], replace(c.runs[1], pools=()))), "the pools of <i>lean</i>", id="pools"
        ),
        pytest.param(
            lambda c: replace(c, runs=(c.runs[0], replace(c.runs[1], timelines=c.runs[1].timelines[::-1]))),
            "the workloads of <i>lean</i>", id="workloads",
        ),
        pytest.param(lambda c: replace(c, late_target={}), "no late target for chat", id="target"),
        pytest.param(lambda c: replace(c, rows=(("ours",),)), "3 cells", id="cells"),
    ],
)  # fmt: skip
def test_runs_that_cannot_be_compared(
    change: Callable[[Comparison], Comparison], complaint: str, compared: Build
) -> None:
    with pytest.raises(ValueError, match=complaint):
        change(compared(ticks=300))
