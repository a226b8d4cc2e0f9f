"""The timeline file: columns, missing values, precision, and that it appears whole or not at all."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.timeline import COLUMNS, Timeline, TimelineError, read_timelines, write_timeline

HEADER = (
    "workload,time_s,arrivals,offered_replicas,ready_replicas,starting_replicas,queue,served,late,billed_gpus_primary,"
    "billed_gpus_burst,placeholders_bound,placeholders_pending,warm_gpus,floor,forecast_p50,forecast_p90,forecast_p99,"
    "reason"
)


def timeline(ticks: int = 3) -> Timeline:
    numbers: dict[str, Floats] = {name: np.zeros(ticks, dtype=np.float64) for name in COLUMNS[1:-1]}
    numbers["time_s"] = 60.0 * np.arange(ticks, dtype=np.float64)
    return Timeline("chat", **numbers, reason=["hold, steady"] * ticks)


def test_columns_and_missing_values(tmp_path: Path) -> None:
    shown = replace(timeline(), offered_replicas=np.array([1.25, np.nan, 1 / 3]), ready_replicas=np.array([2, 3, 4]))
    write_timeline(tmp_path / "t.csv", shown)
    assert (tmp_path / "t.csv").read_text().splitlines()[0] == HEADER
    with (tmp_path / "t.csv").open(newline="") as f:
        rows = list(csv.DictReader(f))
    assert [row["offered_replicas"] for row in rows] == ["1.25", "", "0.33333333"]
    assert [row["ready_replicas"] for row in rows] == ["2", "3", "4"]
    assert [row["time_s"] for row in rows] == ["0", "60", "120"]
    assert rows[0]["reason"] == "hold, steady"


def test_several_workloads_follow_one_another(tmp_path: Path) -> None:
    write_timeline(tmp_path / "t.csv", [timeline(), replace(timeline(), workload="code")])
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["workload", *["chat"] * 3, *["code"] * 3]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_timeline(path, timeline())
    before = path.read_bytes()
    broken = replace(timeline(), reason=["\ud800", "", ""])
    with pytest.raises(UnicodeEncodeError):
        write_timeline(path, broken)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_and_uneven_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none does not exist; create it"):
        write_timeline(tmp_path / "none" / "t.csv", timeline())
    with pytest.raises(ValueError, match="differ in length"):
        replace(timeline(), late=np.zeros(2))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    first = replace(
        timeline(),
        offered_replicas=np.array([1.25, np.nan, 1 / 3]),
        floor=np.array([2, 3, 4]),
        reason=["hold; forecast", "", 'a "b", c'],
    )
    write_timeline(tmp_path / "t.csv", [first, replace(timeline(), workload="code")])
    read = read_timelines(tmp_path / "t.csv")
    assert [one.workload for one in read] == ["chat", "code"]
    for column in COLUMNS[1:-1]:
        wanted = np.asarray(getattr(first, column), dtype=np.float64)
        assert getattr(read[0], column) == pytest.approx(wanted, rel=1e-7, nan_ok=True)
    assert read[0].reason == first.reason


def rows(*cells: str) -> str:
    """A file of rows that begin with these cells, zeros behind them."""
    wide = [f"{start},{','.join(['0'] * (len(COLUMNS) - 2 - start.count(',')))},hold" for start in cells]
    return "\n".join([HEADER, *wide, ""])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "is no timeline; name a file that --timeline wrote", id="empty"),
        pytest.param("minute,requests\n0,1\n", "is no timeline", id="a trace"),
        pytest.param(f"{HEADER}\n", "holds no row", id="no row"),
        pytest.param(f"{HEADER}\nchat,0,1\n", r"t\.csv:2: 3 cells where there are 19", id="short row"),
        pytest.param(rows("chat,0", "chat,soon"), r"t\.csv:3: could not convert string to float: 'soon'", id="a word"),
        pytest.param(rows("chat,0", "chat,60", "chat,180"), "times of chat do not rise by even steps", id="uneven"),
        pytest.param(rows("chat,60", "chat,0"), "times of chat do not rise", id="backwards"),
        pytest.param(rows("chat,", "chat,60"), "times of chat do not rise", id="no time"),
        pytest.param(rows("chat,0", "code,60"), "code has not the times of chat", id="workloads apart"),
        pytest.param(f"{HEADER}\n\x00\ud800", "name a file that --timeline wrote", id="not text"),
    ],
)
def test_what_is_no_timeline_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode("utf-8", errors="surrogatepass"))
    with pytest.raises(TimelineError, match=said):
        read_timelines(tmp_path / "t.csv")


def test_a_file_that_is_not_there_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(TimelineError, match="name a file that --timeline wrote"):
            read_timelines(path)
