"""What a query reads: every selector, with its window and offset, and nothing that only looks like one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from autoscaler.adapters.prometheus.aged import age_query, stale_query, with_samples
from autoscaler.adapters.prometheus.answer import QueryState
from autoscaler.adapters.prometheus.selectors import seconds, selection
from tests.prometheus.server import Prometheus

if TYPE_CHECKING:
    from tests.prometheus.conftest import Connect, StartPast

CASES = [
    ("x", ["x"], 0.0),
    ("job:x:rate5m", ["job:x:rate5m"], 0.0),
    ('x{a="b"}', ['x{a="b"}'], 0.0),
    ('x {a="}"}', ['x{a="}"}'], 0.0),
    ('{__name__=~"a|b"}', ['{__name__=~"a|b"}'], 0.0),
    (
        r'x{a=~"\"(sum|by)\\{", b=\'[5m]\', c=`\`}'.replace(r"\'", "'"),
        [r"""x{a=~"\"(sum|by)\\{", b='[5m]', c=`\`}"""],
        0.0,
    ),
    ("sum(rate(x[1m]))", ["x"], 60.0),
    ("sum by (a, b) (rate(x[1m])) / on (a) group_left (c) sum(y) by (a)", ["x", "y"], 60.0),
    ("sum without() (x) * ignoring(x, y) z", ["x", "z"], 0.0),
    ("x and on(a) y or z unless w", ["x", "y", "z", "w"], 0.0),
    ("x > bool 5 and x < Inf", ["x"], 0.0),
    ("topk(3, x)", ["x"], 0.0),
    ('count_values("v", x)', ["x"], 0.0),
    ('histogram_quantile(0.9, sum by (le) (rate(x_bucket{le!="+Inf"}[5m])))', ['x_bucket{le!="+Inf"}'], 300.0),
    ('label_replace(x, "a", "$1", "b", "(.*)")', ["x"], 0.0),
    ("max_over_time(sum(rate(x[1m]))[1h:30s])", ["x"], 3660.0),
    ("x[5m:]", ["x"], 300.0),
    ("x # y\n+ z", ["x", "z"], 0.0),
    ("x @ 1700000000 + y", ["y"], 0.0),
    ("rate(x[5m] @ end() offset 1m) + y", ["y"], 300.0),
    ("0x1F + 1e3 + .5 + 1.5e-3 + NaN + -inf", [], 0.0),
    ("vector(time())", [], 0.0),
    ("sum_total + by_zone + on_duty + count", ["sum_total", "by_zone", "on_duty", "count"], 0.0),
    ("clamp_min(x - x, 0)", ["x"], 0.0),
]
ODD = ["", "(", "sum(", 'x{a="', "x[", "x offset", "x offset -", "x @", "by (", "by (a", "}", "'", "x offset [5m]", "☃"]


@pytest.fixture(scope="module")
def empty(start_past: StartPast) -> Prometheus:
    """A real server that knows nothing."""
    return start_past([])


@pytest.mark.parametrize(("query", "selectors", "window_s"), CASES, ids=[case[0] for case in CASES])
def test_every_selector_and_nothing_else(query: str, selectors: list[str], window_s: float) -> None:
    read = selection(query)
    assert [selector.text for selector in read.selectors] == selectors
    assert read.window_s == window_s


@pytest.mark.parametrize(("query", "selectors", "window_s"), CASES, ids=[case[0] for case in CASES])
def test_the_server_takes_what_is_asked_about_each(
    empty: Prometheus, connect: Connect, query: str, selectors: list[str], window_s: float
) -> None:
    ages, stale = age_query(query), stale_query(query, 60.0)
    assert (ages is None) == (stale is None) == (selectors == [])
    if ages is None or stale is None:
        return
    assert connect(empty.url).answer(stale, 1_700_000_000.0).state is QueryState.EMPTY
    assert connect(empty.url).answer(ages, 1_700_000_000.0).state is QueryState.EMPTY
    if not query.startswith("x[5m:]"):
        assert connect(empty.url).answer(with_samples(query, ages), 1_700_000_000.0).state is QueryState.EMPTY


@pytest.mark.parametrize("query", ODD)
def test_what_is_no_query_is_refused_by_the_server_and_not_by_the_scanner(
    empty: Prometheus, connect: Connect, query: str
) -> None:
    answer = connect(empty.url).answer(query, 1_700_000_000.0)
    assert answer.state is QueryState.INVALID
    assert answer.problem is not None
    assert "parse error" in answer.problem or "error" in answer.problem


@pytest.mark.parametrize(
    ("query", "offset_s"),
    [
        ("x offset 5m", 300.0), ("x offset -1h30m", -5400.0), ("rate(x[1m] offset 1w)", 604800.0),
        ("x{a='b'} offset 500ms", 0.5), ("x", 0.0),
    ],
)  # fmt: skip
def test_offsets(query: str, offset_s: float) -> None:
    assert [selector.offset_s for selector in selection(query).selectors] == [offset_s]


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("90s", 90.0), ("1h30m", 5400.0), ("250ms", 0.25), ("1y2w3d", 33004800.0), ("300", 300.0), ("$window", 0.0)],
)
def test_durations(duration: str, expected: float) -> None:
    assert seconds(duration) == expected
