"""`trace import`: the file it writes is replayed, the summary is right, and a mistake is one message and no file."""

from __future__ import annotations

import errno
import gzip
import json
import math
import os
from pathlib import Path

import pytest

from autoscaler.cli import main
from autoscaler.evaluation.trace import read_trace

BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"


def ended(*said: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(("trace", "import", *said))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two days of two models, a request every 30 s to 90 s, nothing from hour 20 to 28."""
    path, at_s = tmp_path / "BurstGPT.csv", 0.0
    rows: list[str] = []
    while at_s < 48 * 3600:
        if not 20 * 3600 < at_s < 28 * 3600:
            rows.append(f"{at_s:.0f},{'GPT-4' if len(rows) % 4 == 0 else 'ChatGPT'},1,1,2,API log\n")
        at_s += 60 + 30 * math.sin(at_s / 7000)
    path.write_text(BURST + "".join(rows))
    return path


def test_a_log_becomes_a_trace_that_simulate_replays(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "trace.csv.gz"
    said = (str(log), "--to", str(out), "--series-by", "Model", "--gap-after", "6h", "--step", "5m", "--format", "json")
    assert ended(*said) == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert (summary["source_format"], summary["step_s"], summary["time_column"]) == ("burstgpt", 300.0, "minute")
    assert [(s["series"], s["steps"], s["gaps"]) for s in summary["series"]] == [("ChatGPT", 576, 1), ("GPT-4", 576, 1)]
    assert sum(s["requests"] for s in summary["series"]) == len(log.read_text().splitlines()) - 1
    lines = printed.err.splitlines()
    assert lines[0].startswith("read as burstgpt (")
    assert any(line.startswith("ChatGPT: 1 gap without data, longest ") for line in lines)
    trace = read_trace(out, "ChatGPT")
    assert (trace.step_s, trace.values.size) == (300.0, 576)
    with pytest.raises(SystemExit) as end:
        main(("simulate", "--trace", str(out), "--series", "ChatGPT", "--warmup", "1d", "--fleet-peak", "3",
              "--strategy", "reactive", "--format", "json"))  # fmt: skip
    assert end.value.code == 0
    assert json.loads(capsys.readouterr().out)["strategy"] == "reactive"


def test_the_command_that_is_named_replays_the_trace(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my trace.csv"
    assert ended(str(log), "--to", str(out), "--series", "chat") == 0
    printed = capsys.readouterr().out
    assert f"{out}: steps of 60 s, from 0 min until 2880 min" in printed
    assert printed.splitlines()[-1] == f"Replay it: autoscaler simulate --trace '{out}' --warmup 86400s"
    assert "\x1b" not in printed
    assert out.read_text().splitlines()[:2] == ["series,minute,requests", "chat,0,1"]


def test_dates_gaps_and_numbers_as_written(tmp_path: Path) -> None:
    source, out = tmp_path / "s.csv", tmp_path / "t.csv"
    source.write_text("Time,hits\n2026-01-01 00:00:15Z,1.25\n2026-01-01 00:00:30Z,\n2026-01-01 00:01:00Z,3\n"
                      "2026-01-01 00:01:15Z,3\n")  # fmt: skip
    assert ended(str(source), "--to", str(out), "--value-column", "hits") == 0
    assert out.read_text() == (
        "timestamp,requests\n2026-01-01T00:00:15Z,1.25\n2026-01-01T00:00:30Z,\n2026-01-01T00:00:45Z,\n"
        "2026-01-01T00:01:00Z,3\n2026-01-01T00:01:15Z,3\n"
    )
    again = tmp_path / "again.csv.gz"
    assert ended(str(out), "--to", str(again)) == 0
    assert gzip.decompress(again.read_bytes()) == out.read_bytes()
    first = again.read_bytes()
    assert ended(str(out), "--to", str(again)) == 0
    assert again.read_bytes() == first


def test_steps_that_are_no_minutes_and_series_of_their_own_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, out = tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "t.csv"
    first.write_text("t_s\n0\n31\n")
    second.write_text("t_s\n45\n61\n")
    assert ended(str(first), str(second), "--to", str(out), "--series-by", "file", "--step", "30s") == 0
    assert out.read_text() == "series,time_s,requests\na,0,1\na,30,1\nb,30,1\nb,60,1\n"
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["a", "0", "s", "60", "s"] in rows
    assert ["b", "30", "s", "90", "s"] in rows


def test_many_series_are_cut_short_on_the_terminal_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "s.csv", tmp_path / "t.csv"
    names = [f"a tenant with a rather long name, number {number}" for number in range(25)]
    source.write_text("t_s;who\n" + "".join(f"{at};{name}\n" for at in (0, 60) for name in names))
    assert ended(str(source), "--to", str(out), "--series-by", "who") == 0
    printed = capsys.readouterr().out
    assert "and 5 series with fewer requests" in printed
    assert "a tenant with ...ame, number 24" in printed
    assert max(len(line) for line in printed.splitlines() if str(out) not in line) <= 80
    assert sum(name in out.read_text() for name in names) == 25


BAD = [
    pytest.param(["none.csv", "--to", "t.csv"], ["none.csv:1:", "check the path"], id="no such source"),
    pytest.param(["s.csv", "--to", "t.csv", "--from", "azur"], ["--from", "choose auto, burstgpt"], id="format"),
    pytest.param(["s.csv", "--to", "t.csv", "--step", "soon"], ["--step", "90s"], id="not a duration"),
    pytest.param(["s.csv", "--to", "t.csv", "--step", "0s"], ["--step", "longer than nothing"], id="no step"),
    pytest.param(["s.csv", "--to", "t.csv", "--gap-after", "0h"], ["--gap-after"], id="no silence"),
    pytest.param(["s.csv", "--to", "t.csv", "--series-by", "a,,b"], ["--series-by", "commas"], id="an empty part"),
    pytest.param(["s.csv", "--to", "t.csv", "--timezone", "Berlin"], ["--timezone", "no time zone"], id="zone"),
    pytest.param(["s.csv", "--to", "t.csv", "--timezone", "Europe/Berln"], ["did you mean"], id="misspelt zone"),
    pytest.param(["s.csv", "--to", "t.json"], ["--to", ".csv.gz"], id="another ending"),
    pytest.param(["s.csv", "--to", "s.csv"], ["--to s.csv", "is a source"], id="over the source"),
    pytest.param(["s.csv", "--to", "none/t.csv"], ["--to", "create it"], id="no such folder"),
    pytest.param(["s.csv", "--to", "."], ["--to", "a folder"], id="a folder"),
    pytest.param(["s.csv", "--to", "t.csv", "--value-column", "n"], ["no column 'n'"], id="column"),
    pytest.param(["bad.csv", "--to", "t.csv"], ["bad.csv:3:", "cannot be used"], id="a bad row"),
]


@pytest.mark.parametrize(("said", "words"), BAD)
def test_a_mistake_is_one_message_exit_code_2_and_no_file(
    said: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("s.csv").write_text("ts\n1\n100\n")
    Path("bad.csv").write_text("ts\n1\n-1\n")
    assert ended(*said) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert len(out.err.strip().splitlines()) == 1
    assert all(word in out.err for word in words), out.err
    assert sorted(path.name for path in Path().iterdir()) == ["bad.csv", "s.csv"]


def test_a_failed_write_is_exit_code_3_and_leaves_what_was_there(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "t.csv"
    out.write_text("before")
    monkeypatch.setattr(os, "replace", full)
    assert ended(str(log), "--to", str(out)) == 3
    assert capsys.readouterr().err.splitlines()[-1] == f"autoscaler: {out}: No space left on device"
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["BurstGPT.csv", "t.csv"]
