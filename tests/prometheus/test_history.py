"""The past of a real server on a fixed grid: every point once, gaps as gaps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from autoscaler.adapters.prometheus.history import LARGEST_POINTS
from autoscaler.ports.errors import Invalid
from tests.prometheus.desk import Asked, Reply
from tests.prometheus.server import Prometheus, Sample

if TYPE_CHECKING:
    from tests.prometheus.conftest import Connect, OpenDesk, StartPast

END_S = 1_700_000_000.0
BEGIN_S = END_S - 6 * 3600.0
STALE_S = 120.0
GAP = (END_S - 7200.0, END_S - 5400.0)


@pytest.fixture(scope="module")
def store(start_past: StartPast) -> Prometheus:
    """Six hours each 15 s: `ramp` says how many seconds have passed, with a gap of half an hour; `two` pods; a pod that
    follows another."""
    samples: list[Sample] = []
    for n in range(6 * 240 + 1):
        at_s = BEGIN_S + 15.0 * n
        if not GAP[0] < at_s < GAP[1]:
            samples.append(("ramp", at_s - BEGIN_S, at_s))
        if n < 100:
            samples += [('two{pod="a"}', 1.0, at_s), ('two{pod="b"}', 2.0, at_s)]
        samples.append(('next{pod="a"}' if n < 500 else 'next{pod="b"}', float(n), at_s))
    return start_past(samples)


@pytest.mark.parametrize("piece_points", [LARGEST_POINTS, 1000, 7])
def test_pieces_make_one_grid(store: Prometheus, connect: Connect, piece_points: int) -> None:
    until_s = BEGIN_S + 3600.0
    grid = connect(store.url).history(piece_points=piece_points).history("sum(ramp)", BEGIN_S, until_s, 15.0, STALE_S)
    assert grid.values == pytest.approx(15.0 * np.arange(241))
    assert grid.warnings == ()


def test_more_points_than_the_server_answers_at_once(store: Prometheus, connect: Connect) -> None:
    grid = connect(store.url).history().history("sum(ramp)", BEGIN_S, BEGIN_S + 3.5 * 3600.0, 1.0, STALE_S)
    assert grid.values.size == 12_601
    assert grid.values == pytest.approx(np.arange(12_601) // 15 * 15)


@pytest.mark.parametrize(
    ("query", "stale_after_s", "kept_s"),
    [
        pytest.param("sum(ramp)", 120.0, 120.0, id="level"),
        pytest.param("sum(ramp)", 3600.0, 300.0, id="level, as long as Prometheus has it"),
        pytest.param("sum(rate(ramp[20m]))", 240.0, 240.0, id="rate over a long window"),
        pytest.param("sum(rate(ramp[1m]))", 240.0, 45.0, id="rate over a short window"),
        pytest.param("scalar(sum(ramp))", 120.0, 120.0, id="scalar"),
        pytest.param("sum(ramp) / sum(next)", 120.0, 120.0, id="quotient with one that goes on"),
        pytest.param("sum(never) or sum(ramp)", 120.0, 120.0, id="beside one without samples"),
    ],
)
def test_old_samples_make_a_gap(
    store: Prometheus, connect: Connect, query: str, stale_after_s: float, kept_s: float
) -> None:
    step_s = 5.0
    grid = connect(store.url).history().history(query, GAP[0], GAP[1] - step_s, step_s, stale_after_s)
    known = np.flatnonzero(np.isfinite(grid.values))
    assert known.tolist() == list(range(known.size))
    assert known[-1] * step_s == pytest.approx(kept_s, abs=step_s)  # at its very border, servers differ


def test_fractions_of_a_second_are_kept(store: Prometheus, connect: Connect) -> None:
    grid = connect(store.url).history().history("time()", BEGIN_S + 30.25, BEGIN_S + 31.8, 0.5, STALE_S)
    assert grid.values - BEGIN_S == pytest.approx([30.25, 30.75, 31.25, 31.75])


def test_series_may_follow_one_another_and_not_stand_side_by_side(store: Prometheus, connect: Connect) -> None:
    history = connect(store.url).history()
    change_s = BEGIN_S + 500 * 15.0
    grid = history.history("last_over_time(next[14s])", change_s - 150.0, change_s + 150.0, 15.0, STALE_S)
    assert grid.values == pytest.approx(np.arange(490.0, 511.0))
    with pytest.raises(Invalid, match="2 series that differ in pod: aggregate over them"):
        history.history("two", BEGIN_S, BEGIN_S + 60.0, 15.0, STALE_S)


def test_nothing_is_a_grid_of_gaps(store: Prometheus, connect: Connect) -> None:
    history = connect(store.url).history()
    grid = history.history("nothing", BEGIN_S, BEGIN_S + 60.0, 15.0, STALE_S)
    assert np.isnan(grid.values).all()
    assert history.history("ramp", END_S, BEGIN_S, 15.0, STALE_S).values.size == 0
    with pytest.raises(ValueError, match="step_s"):
        history.history("ramp", BEGIN_S, END_S, 0.0, STALE_S)
    with pytest.raises(Invalid, match="parse error"):
        history.history("ramp(", BEGIN_S, END_S, 15.0, STALE_S)


def test_warnings_come_with_the_grid_each_once_and_borders_are_not_doubled(
    open_desk: OpenDesk, connect: Connect
) -> None:
    def reply(asked: Asked) -> Reply:
        begin_s, end_s = float(asked.form["start"]), float(asked.form["end"])
        points = [[begin_s - 10.0, "9"], [begin_s, "1"], [end_s, "1"], [end_s + 10.0, "9"]]  # more than was asked
        result = [{"metric": {}, "values": points[:3] if begin_s == end_s else points}]
        return Reply(200, json.dumps({"data": {"result": result[:1]}, "warnings": ["a store is away"]}).encode())

    desk = open_desk(reply)
    grid = connect(desk.url).history(piece_points=2).history("up", 0.0, 30.0, 10.0, STALE_S)
    assert grid.values.tolist() == [1.0, 1.0, 1.0, 1.0]
    assert grid.warnings == ("a store is away",)
    assert [(asked.form["start"], asked.form["end"]) for asked in desk.asked] == [
        ("0.000", "10.000"), ("20.000", "30.000"),
    ]  # fmt: skip
