"""What `simulate` prints and writes: JSON for programs, tables for 80 columns, files, errors where they cannot be."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from autoscaler.cli import main
from autoscaler.cli.tables import table
from autoscaler.evaluation.score import HEADINGS, Summary, cells

FIELDS = (
    "strategy", "gpu_hours", "dollars", "late_share", "offered_replica_hours", "clairvoyant_gpu_hours",
    "ratio_at_target", "ratio_at_achieved", "starts", "ticks_per_second", "seed",
)  # fmt: skip
HOURS = ("warmup: 12h", "warmup: 2h"), ("score: 12h", "score: 1h")

Write = Callable[..., Path]


@pytest.fixture
def on_trace(trace: Callable[..., Path], tmp_path: Path) -> list[str]:
    """Arguments of a short replay of a trace."""
    return ["--trace", str(trace(tmp_path, 0.5)), "--warmup", "6h", "--score", "6h", "--fleet-peak", "8"]


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["simulate", *arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_one_strategy_is_one_object_with_the_fields_of_the_contract(
    on_trace: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*on_trace, "--strategy", "reactive", "--seed", "5", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert tuple(found) == FIELDS
    assert (found["strategy"], found["seed"]) == ("reactive", 5)
    assert 0.0 < found["late_share"] < 1.0
    assert found["dollars"] == found["gpu_hours"] > 0.0


def test_several_strategies_are_a_list_in_order(on_trace: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    names = ["static-peak", "reactive", "hpa-50"]
    assert ended(*on_trace, "--strategy", ",".join([*names, "reactive"]), "--format", "json") == 0
    out = capsys.readouterr()
    assert [row["strategy"] for row in json.loads(out.out)] == names
    assert "\x1b" not in out.err  # no progress in a pipe


def test_a_ratio_to_nothing_is_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quiet = tmp_path / "quiet.csv"
    quiet.write_text("\n".join(["minute,requests", *(f"{m},{60 if m < 180 else 0}" for m in range(300)), ""]))
    options = ("--warmup", "4h", "--score", "1h", "--strategy", "static-peak")
    assert ended("--trace", str(quiet), *options, "--format", "json") == 0
    text = capsys.readouterr().out
    assert json.loads(text)["ratio_at_target"] is None
    assert "Infinity" not in text


def test_the_strategies_of_a_scenario_are_a_list(
    scenario: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = scenario(tmp_path, *HOURS)
    assert ended(str(path), "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["strategy"] for row in rows] == ["ours", "hpa-70"]
    assert [w["workload"] for w in rows[0]["workloads"]] == ["chat", "batch"]
    assert {row["seed"] for row in rows} == {3}
    assert ended(str(path), "--format", "json", "--strategy", "hpa-70", "--seed", "9") == 0
    row = json.loads(capsys.readouterr().out)
    assert (row["strategy"], row["seed"]) == ("hpa-70", 9)


LONGEST = ("hpa-placeholders+loop", "seasonal-naive+loop", "ours")


def test_the_table_of_a_trace_fits_80_columns(
    on_trace: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert ended(*on_trace, "--strategy", ",".join(LONGEST)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    rows = [line.split() for line in lines if line.strip().startswith(LONGEST)]
    assert [row[0] for row in rows] == list(LONGEST)
    assert {len(row) for row in rows} == {8}  # a share and its sign are two words; no cell is broken or cut
    assert "…" not in "".join(lines)


def test_figures_of_a_large_fleet_fit_80_columns() -> None:
    large = Summary(
        strategy=LONGEST[0], gpu_hours=123_456.0, dollars=123_456.0, late_share=0.1234, offered_replica_hours=1.0,
        clairvoyant_gpu_hours=1.0, ratio_at_target=12.345, ratio_at_achieved=12.345, starts=123_456,
        ticks_per_second=1.0, seed=1,
    )  # fmt: skip
    out = io.StringIO()
    Console(width=80, file=out).print(table("Large", HEADINGS, [cells(large)]))
    [row] = [line for line in out.getvalue().splitlines() if LONGEST[0] in line]
    assert row.split() == [*LONGEST[:1], "123,456", "123,456", "12.34", "%", "12.345", "12.345", "123,456"]
    assert "…" not in out.getvalue()


def test_the_tables_of_a_scenario_fit_80_columns(
    scenario: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert ended(str(scenario(tmp_path, *HOURS)), "--strategy", ",".join(LONGEST)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert [line.split()[0] for line in lines if line.strip().startswith(LONGEST)] == [*LONGEST, *LONGEST]
    assert "…" not in "".join(lines)
    heads = " ".join(" ".join(lines).split())
    assert "Scenario small, seed 3" in heads
    assert "Late requests by workload" in heads


def test_what_is_written_and_what_is_said_of_it(
    on_trace: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    timeline, report = tmp_path / "t.csv", tmp_path / "r.html"
    files = ("--timeline", str(timeline), "--report", str(report))
    assert ended(*on_trace, "--strategy", "hpa-70,ours", *files) == 0
    said = capsys.readouterr().err.splitlines()
    assert said == [f"timeline of hpa-70: {timeline}", f"report: {report}"]
    with timeline.open() as lines:
        rows = list(csv.DictReader(lines))
    assert [row["time_s"] for row in rows] == [str(60 * tick) for tick in range(720)]
    page = report.read_text()
    assert page.startswith("<!doctype html>")
    assert "hpa-70" in page


def test_the_timeline_of_a_scenario_has_every_workload(scenario: Write, tmp_path: Path) -> None:
    timeline = tmp_path / "t.csv"
    assert ended(str(scenario(tmp_path, *HOURS)), "--strategy", "hpa-70", "--timeline", str(timeline)) == 0
    with timeline.open() as lines:
        rows = [row["workload"] for row in csv.DictReader(lines)]
    assert rows == ["chat"] * 180 + ["batch"] * 180


@pytest.mark.parametrize("option", ["--timeline", "--report"])
def test_a_file_that_cannot_be_written_is_exit_code_3_after_the_table(
    option: str, on_trace: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(*on_trace, "--strategy", "reactive", option, "/dev/full") == 3
    out = capsys.readouterr()
    assert "reactive" in out.out
    assert out.err == "autoscaler: /dev/full: No space left on device\n"


def test_a_folder_that_is_a_file_is_exit_code_3_before_any_work(
    on_trace: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert ended(*on_trace, "--timeline", str(tmp_path / "file" / "t.csv")) == 3
    out = capsys.readouterr()
    assert out.out == ""
    assert "is a file, not a folder" in out.err
    assert len(out.err.splitlines()) == 1
