"""Reading traces: what is accepted, and that each refusal says the place and the way out."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from autoscaler.evaluation import trace as trace_module
from autoscaler.evaluation.trace import Trace, TraceError, offered_replicas, read_trace


def written(tmp_path: Path, text: str, name: str = "t.csv") -> Path:
    path = tmp_path / name
    data = text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def trace_of(values: list[float], step_s: float = 60.0) -> Trace:
    return Trace("t", None, step_s, 0.0, np.array(values, dtype=np.float64))


NAN = float("nan")


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_minutes_with_an_empty_value_and_absent_rows(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, "series,minute,requests,other\na,5,1,x\na,6,,x\na,7,3,x\na,9,4,x\nb,5,9,x\n", name)
    trace = read_trace(path, "a")
    assert (trace.name, trace.series, trace.step_s, trace.start_s) == ("a", "a", 60.0, 300.0)
    assert_array_equal(trace.values, [1, NAN, 3, NAN, 4])


def test_seconds_without_a_series_column(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, "\ufefftime_s, requests\r\n0,1\r\n15,2\r\n"))
    assert (trace.name, trace.series, trace.step_s) == ("t.csv", None, 15.0)
    assert_array_equal(trace.values, [1, 2])


def test_timestamps_count_from_midnight(tmp_path: Path) -> None:
    text = "timestamp,requests\n2026-01-01T02:00:00+01:00,1\n2026-01-01T01:05:00Z,2\n"
    trace = read_trace(written(tmp_path, text))
    assert (trace.start_s, trace.step_s) == (3600.0, 300.0)


def test_the_only_series_need_not_be_named(tmp_path: Path) -> None:
    assert read_trace(written(tmp_path, "series,minute,requests\na,0,1\na,1,2\n")).series == "a"


def test_damage_in_another_series_does_not_matter(tmp_path: Path) -> None:
    path = written(tmp_path, "series,minute,requests\na,0,1\nb,0,-5\na,1,2\nb,0,x\n")
    assert_array_equal(read_trace(path, "a").values, [1, 2])


BAD = {
    "empty file": ("", None, 1, "an empty file"),
    "no requests": ("minute,count\n0,1\n", None, 1, "`requests` missing, found minute, count"),
    "no time": ("when,requests\n0,1\n", None, 1, "`minute`, `time_s` or `timestamp`"),
    "no data": ("minute,requests\n", None, 1, "no data rows"),
    "one row": ("minute,requests\n0,1\n", None, 2, "only one row"),
    "all empty": ("minute,requests\n0,\n1,\n", None, 2, "every value of `requests` is empty"),
    "unsorted": ("minute,requests\n0,1\n2,1\n1,1\n", None, 4, "earlier than line 3; sort"),
    "duplicate": ("minute,requests\n0,1\n1,1\n1,2\n", None, 4, "the same time as line 3"),
    "negative": ("minute,requests\n0,1\n1,-1\n", None, 3, "requests -1 is negative"),
    "literal nan": ("minute,requests\n0,1\n1,nan\n", None, 3, "'nan' is not a finite number; leave it empty"),
    "infinite": ("minute,requests\n0,inf\n1,1\n", None, 2, "'inf' is not a finite number"),
    "a word": ("minute,requests\n0,1\n1,many\n", None, 3, "'many' is not a finite number"),
    "bad minute": ("minute,requests\n0,1\nx,1\n", None, 3, "minute 'x' is not a finite number; correct"),
    "bad timestamp": ("timestamp,requests\nnoon,1\n", None, 2, "not RFC 3339"),
    "naive timestamp": ("timestamp,requests\n2026-01-01T00:00:00,1\n", None, 2, "no time zone; append Z"),
    "short row": ("minute,requests\n0,1\n1\n", None, 3, "1 fields where the header has 2"),
    "off the grid": ("minute,requests\n0,1\n1,1\n2,1\n2.5,1\n", None, 5, "not a whole number of steps (60 s"),
    "vast gap": ("minute,requests\n0,1\n1,1\n90000000,1\n", None, 4, "more than 50000000; check the times"),
    "not text": ("minute,requests\n0,\x001\n1,1\n", None, 2, ""),
    "several series": ("series,minute,requests\na,0,1\nb,0,1\n", None, 1, "holds 2 series; name one of a, b"),
    "unknown series": ("series,minute,requests\nzz,0,1\nabc,0,1\n", "abd", 1, "no series 'abd'; choose one of abc, zz"),
    "no series column": ("minute,requests\n0,1\n", "a", 1, "no `series` column"),
    "series without rows": ("series,minute,requests\n", "a", 1, "no data rows"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_traces_say_file_line_and_way_out(tmp_path: Path, case: str) -> None:
    text, series, line, said = BAD[case]
    path = written(tmp_path, text)
    with pytest.raises(TraceError) as caught:
        read_trace(path, series)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match=r"none\.csv:1: no such file"):
        read_trace(tmp_path / "none.csv")
    with pytest.raises(TraceError, match=":1: cannot be read"):
        read_trace(tmp_path)
    plain = tmp_path / "plain.csv.gz"
    plain.write_text("minute,requests\n0,1\n1,1\n")
    with pytest.raises(TraceError, match=r"plain\.csv\.gz:1: named \.gz but not gzip"):
        read_trace(plain)
    cut = tmp_path / "cut.csv.gz"
    whole = gzip.compress("".join(["minute,requests\n", *(f"{i},{i * i % 97}\n" for i in range(5000))]).encode())
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TraceError, match=r"cut\.csv\.gz:\d+: damaged or cut off"):
        read_trace(cut)
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"minute,requests\n\xff\xfe\x80,1\n")
    with pytest.raises(TraceError, match=r"binary\.csv:\d+: not CSV in UTF-8"):
        read_trace(binary)


def test_gap_note_counts_gaps() -> None:
    assert trace_of([1, 2]).gap_note() is None
    note = trace_of([1, NAN, 2, NAN, NAN, NAN, 3, 4]).gap_note()
    assert note is not None
    assert "2 gaps" in note
    assert "longest 3 min at 3 min" in note
    assert "50 %" in note


@pytest.mark.parametrize(
    ("values", "tick_s", "expected"),
    [
        ([4, 8, NAN], 30.0, [2, 2, 4, 4, NAN, NAN]),
        ([4, 8, NAN, 1, 2], 120.0, [12, NAN]),
        ([6, 12, NAN, 6], 90.0, [12, NAN]),
        ([6, 12, 6], 40.0, [4, 6, 8, 4]),
        ([3, 3], 60.0, [3, 3]),
    ],
)
def test_per_tick_shares_by_overlap(values: list[float], tick_s: float, expected: list[float]) -> None:
    assert_allclose(trace_of(values).per_tick(tick_s), expected)


def test_per_tick_keeps_the_total() -> None:
    values = np.random.default_rng(0).uniform(0, 50, 700)
    for tick_s in (7.0, 15.0, 42.0, 60.0, 100.0, 140.0):
        ticks = Trace("t", None, 60.0, 0.0, values).per_tick(tick_s)
        assert_allclose(ticks.sum(), values.sum(), rtol=1e-9)


def test_poisson_draws_have_the_mean_and_keep_gaps() -> None:
    ticks = trace_of([6000.0] * 50 + [NAN]).per_tick(15.0, np.random.default_rng(1))
    assert np.isnan(ticks[-4:]).all()
    assert_array_equal(ticks[:-4] % 1, 0)
    assert ticks[:-4].mean() == pytest.approx(1500, rel=0.01)
    assert ticks[:-4].std() == pytest.approx(1500**0.5, rel=0.25)


@pytest.mark.parametrize("tick_s", [0.0, -1.0, NAN, float("inf"), 1e9, 1e-6])
def test_unusable_ticks_are_refused(tick_s: float) -> None:
    with pytest.raises(TraceError, match="tick"):
        trace_of([1, 2]).per_tick(tick_s)


def test_offered_peak_is_the_fleet_peak() -> None:
    requests = np.random.default_rng(2).gamma(2.0, 100.0, 5000)
    requests[100:200] = np.nan
    offered, capacity = offered_replicas(requests, 30.0)
    assert np.nanpercentile(offered, 99.5) == pytest.approx(30.0)
    assert_allclose(offered * capacity, requests)


def test_a_peak_of_nothing_is_refused() -> None:
    with pytest.raises(TraceError, match=r"99\.5th percentile of requests a tick is 0"):
        offered_replicas(np.array([0.0] * 1000 + [1.0]), 30.0)
    with pytest.raises(TraceError, match="no tick with data"):
        offered_replicas(np.array([NAN]), 30.0)
    with pytest.raises(ValueError, match="fleet peak"):
        offered_replicas(np.array([1.0]), 0.0)


def test_steps_are_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trace_module, "MAX_STEPS", 10)
    with pytest.raises(TraceError, match="11 steps, more than 10"):
        read_trace(written(tmp_path, "minute,requests\n0,1\n1,1\n10,1\n"))
