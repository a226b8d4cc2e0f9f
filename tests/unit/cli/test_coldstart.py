"""`autoscaler coldstart waterfall`: what it prints of starts that are known, and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
from rich.console import Console

from autoscaler.cli import main
from autoscaler.cli.waterfall_text import WIDTH, show
from autoscaler.domain.lead_time import Start, StartEnd
from autoscaler.evaluation.waterfall.segment import By
from autoscaler.evaluation.waterfall.stored import written
from tests.unit.evaluation.waterfall.seen_starts import known, replica, seen

GOLDEN = Path(__file__).with_name("waterfall")
ROOT = Path(__file__).parents[3]


def ended(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main(["coldstart", "waterfall", *map(str, arguments)])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Path]:
    """A file of starts."""

    def write(*starts: Start) -> Path:
        path = tmp_path / "starts.json"
        path.write_text(json.dumps(written(seen(starts) if starts else known())))
        return path

    return write


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))


def is_golden(name: str, found: str) -> None:
    """As it was written down; REWRITE_GOLDEN=1 writes it down anew, to be read over."""
    path = GOLDEN / name
    if os.environ.get("REWRITE_GOLDEN"):
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_the_text(stored: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--starts", stored()) == 1
    said = capsys.readouterr().out
    is_golden("waterfall.txt", said)
    assert all(len(line) <= WIDTH for line in said.splitlines())
    assert "\x1b" not in said


def test_the_json(stored: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--starts", stored(), "--format", "json") == 1
    is_golden("waterfall.json", json.dumps(json.loads(capsys.readouterr().out), indent=1) + "\n")


def test_without_utf8_bars_are_plain() -> None:
    file = TextIOWrapper(BytesIO(), encoding="ascii")
    show(Console(file=file, width=WIDTH), known(), By.WORKLOAD)
    file.seek(0)
    said = file.read()
    assert "####" in said


def test_all_well_is_exit_code_0(stored: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--starts", stored(replica("a", 30.0, 94.0, 12.0, 35.0))) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "Fix first: weights, 94 s of 171 s (55 %), the slowest stage of chat, pool h100,"


def test_what_processes_say_does_not_command_the_terminal(
    stored: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    said = "\x1b]0;mine\x07"
    failed = replica("a", 30.0, 94.0, end=StartEnd.FAILED)
    path = stored(replace(failed, model_format=said, why=said))
    assert ended("--starts", path, "--by", "format") == 0
    out = capsys.readouterr().out
    assert "mine" in out
    assert all(letter.isprintable() or letter == "\n" for letter in out)


def test_one_policy_alone(stored: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = stored()
    assert ended("--starts", path, "--policy", "search", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [group["group"]["workload"] for group in found["groups"]] == ["search"]
    assert {start["policy"] for start in found["starts"]} == {"search"}
    assert ended("--starts", path, "--policy", "serch") == 2
    assert "--policy 'serch': no such policy; there are: chat, search" in capsys.readouterr().err


def test_no_start_is_no_error_and_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "none.json", tmp_path / "page.html"
    path.write_text(json.dumps(written(seen([]))))
    assert ended("--starts", path, "--report", page) == 0
    assert "No start is known." in capsys.readouterr().out
    assert "No start is known." in page.read_text(encoding="utf-8")
    assert ended("--starts", path, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["first"], found["groups"]) == (None, [])


def test_the_report_is_written_beside_the_output(stored: Callable[..., Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert ended("--starts", stored(), "--by", "zone", "--report", page) == 1
    assert "chat, zone not known" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--starts", "/none.json"], "--starts /none.json: no such file; write one", id="no file"),
        pytest.param(["--starts", "BAD"], "bad.json: not what --format json writes: no 'starts' in it", id="bad file"),
        pytest.param(["--starts", "TEXT"], "text.json: not what --format json writes: Expecting value", id="no JSON"),
        pytest.param(["--starts", "BAD", "--simulate", "x.yaml"], "give one of the two", id="two sources"),
        pytest.param(["--starts", "BAD", "--report", "BAD"], "is the file of --starts; name another", id="same file"),
        pytest.param(["--starts", "BAD", "--report", "/none/x.html"], "folder /none does not exist", id="no folder"),
        pytest.param(["--simulate", "/none.yaml"], "/none.yaml", id="no scenario"),
        pytest.param(["--policies", "/none"], "/none: no such file or folder", id="no policies"),
        pytest.param(["--policies", "POLICIES"], "setting prometheus", id="no store"),
    ],
)
def test_what_cannot_be_used(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], said: str
) -> None:  # fmt: skip
    (tmp_path / "bad.json").write_text("{}")
    (tmp_path / "text.json").write_text("starts")
    there = {
        "BAD": tmp_path / "bad.json", "TEXT": tmp_path / "text.json", "POLICIES": ROOT / "policies" / "smallest.yaml"
    }  # fmt: skip
    assert ended(*(there.get(word, word) for word in arguments)) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""


@pytest.mark.slow
def test_a_simulated_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    scenario = ROOT / "simulations" / "scenarios" / "starts-that-never-come.yaml"
    assert ended("--simulate", scenario, "--format", "json") == 0  # what failed is history
    found = json.loads(capsys.readouterr().out)
    (group,) = found["groups"]
    cold = next(track for track in group["tracks"] if track["path"] == "cold_node")
    assert [stage["stage"] for stage in cold["parts"]["node"]["stages"]] == ["ordered", "joined", "gpu"]
    assert cold["parts"]["node"]["complete"] > 0
    assert found["unfinished"]
    assert len({start["uid"] for start in found["starts"]}) == len(found["starts"])
