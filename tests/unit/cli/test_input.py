"""Bad input to `simulate`: one message with the place and the way out, exit code 2, and nothing on standard output."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from autoscaler.cli import main

BURSTGPT = Path(__file__).parents[3] / "autoscaler" / "evaluation" / "data" / "burstgpt_hourly.csv.gz"
API = ("--trace", str(BURSTGPT), "--series", "burstgpt-api")

Write = Callable[..., Path]


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["simulate", *arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that is said."""
    assert ended(*arguments) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert "Traceback" not in out.err
    [line] = out.err.splitlines()
    assert line.startswith("autoscaler: ")
    return line.removeprefix("autoscaler: ")


TRACES = [
    pytest.param("minute,requests\n0,1\n2,1\n1,1\n", "t.csv:4: earlier than line 3; sort the rows", id="unsorted"),
    pytest.param("minute,requests\n0,1\n1,1\n1,2\n", "t.csv:4: the same time as line 3; keep one row", id="duplicate"),
    pytest.param("minute,requests\n0,1\n1,-3\n", "t.csv:3: requests -3 is negative; leave the field empty",
                 id="negative"),
    pytest.param("minute,requests\n0,1\n1,NaN\n", "t.csv:3: requests 'NaN' is not a finite number; leave it empty",
                 id="NaN"),
    pytest.param("minute,requests\n", "t.csv:1: no data rows; a trace needs at least two rows", id="no rows"),
    pytest.param("minute,requests\n0,\n1,\n", "t.csv:2: every value of `requests` is empty; give a series with data",
                 id="no data"),
    pytest.param("minute,count\n0,1\n1,1\n", "t.csv:1: `requests` missing, found minute, count; rename or add",
                 id="no requests"),
    pytest.param("when,requests\n0,1\n1,1\n", "t.csv:1: a time column (`minute`, `time_s` or `timestamp`) missing",
                 id="no time"),
    pytest.param("", "t.csv:1: a time column (`minute`, `time_s` or `timestamp`) and `requests` missing, found an",
                 id="an empty file"),
    pytest.param("minute,requests\n0,5\n1,5\n2,5\n",
                 "t.csv: the trace is 0.00208 days long, the warm-up 7; choose a shorter --warmup", id="too short"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), TRACES)
def test_a_trace_that_cannot_be_used(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(text)
    assert refused(capsys, "--trace", "t.csv").startswith(said)


def test_it_is_said_once_for_several_strategies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("minute,requests\n0,1\n1,-3\n")
    assert refused(capsys, "--trace", "t.csv", "--strategy", "ours,hpa-70").startswith("t.csv:3: requests -3 is negat")


def test_files_that_are_no_traces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, "--trace", "none.csv") == "none.csv:1: no such file; check the path of the trace"
    assert refused(capsys, "--trace", ".").startswith(".:1: cannot be read (Is a directory); give a readable .csv")
    Path("plain.csv.gz").write_text("minute,requests\n0,1\n1,1\n")
    assert refused(capsys, "--trace", "plain.csv.gz").startswith("plain.csv.gz:1: named .gz but not gzip data; unpack")
    text = "".join(["minute,requests\n", *(f"{i},{i * i % 97}\n" for i in range(5000))])
    Path("cut.csv.gz").write_bytes(gzip.compress(text.encode())[:4000])
    assert "damaged or cut off" in (said := refused(capsys, "--trace", "cut.csv.gz"))
    assert said.startswith("cut.csv.gz:")
    assert said.endswith("copy the file again")


ONE_SOURCE = "give one of the two"
OPTIONS = [
    pytest.param([], ["nothing to replay", "name a scenario file, or a trace with --trace FILE"], id="nothing"),
    pytest.param(["s.yaml", "--trace", "t.csv"], ["s.yaml and --trace t.csv", ONE_SOURCE], id="scenario and trace"),
    pytest.param(["s.yaml", "--late", "1%"], ["--late: for traces only"], id="a scenario and an option of traces"),
    pytest.param(["s.yaml", "--poisson", "--tick", "5s"], ["--tick, --poisson: for traces only"], id="two of them"),
    pytest.param(["s.yaml"], ["s.yaml:1:1", "no such file", "name a YAML file"], id="no such scenario"),
    pytest.param([*API, "--series", "chat"], [":1: no series 'chat'", "burstgpt-conversation"], id="no such series"),
    pytest.param(["--trace", str(BURSTGPT)], ["holds 2 series", "name one of burstgpt-"], id="series not named"),
    pytest.param([*API, "--warmup", "90d"], ["burstgpt_hourly.csv.gz", "choose a shorter --warmup"], id="too short"),
    pytest.param([*API, "--strategy", "best"], ["--strategy 'best'", "holt-winters"], id="no such strategy"),
    pytest.param([*API, "--strategy", "ours,"], ["--strategy 'ours,'", "parted by commas"], id="an empty name"),
    pytest.param([*API, "--strategy", "clairvoyant", "--fidelity", "full"],
                 ["--strategy clairvoyant", "--fidelity simple only"], id="clairvoyant in full fidelity"),
    pytest.param([*API, "--fidelity", "half"], ["--fidelity 'half'", "simple or full"], id="fidelity"),
    pytest.param([*API, "--signals", "cpu"], ["--signals 'cpu'", "arrivals or queue,gpu"], id="signals"),
    pytest.param([*API, "--late", "200%"], ["--late '200%'", "between 0 and 100 %"], id="late"),
    pytest.param([*API, "--late", "0%"], ["--late '0%'", "for example 1%"], id="never late"),
    pytest.param([*API, "--tick", "0s"], ["--tick '0s'", "for example 60s"], id="tick"),
    pytest.param([*API, "--tick", "2h", "--score", "1h"], ["--tick 7200s", "3600s of --score", "a shorter one"],
                 id="a tick longer than the score"),
    pytest.param([*API, "--warmup", "soon"], ["--warmup 'soon'", "90s, 5m, 2h, 1d"], id="duration"),
    pytest.param([*API, "--node-lead-time", "180"], ["--node-lead-time '180'", "90s"], id="a number without a unit"),
    pytest.param([*API, "--fleet-peak", "0"], ["--fleet-peak 0", "above 0"], id="peak"),
    pytest.param([*API, "--gpu-price", "nan"], ["--gpu-price nan", "dollars a GPU-hour"], id="price"),
    pytest.param([*API, "--seed", "-1"], ["--seed -1", "a whole number from 0"], id="seed"),
    pytest.param([*API, "--timeline", "no/t.csv"], ["--timeline no/t.csv", "the folder no does not exist; create it"],
                 id="no folder for the timeline"),
    pytest.param([*API, "--report", "no/r.html"], ["--report no/r.html", "the folder no does not exist; create it"],
                 id="no folder for the report"),
    pytest.param([*API, "--report", "."], ["--report .", "is a folder; name a file in it"], id="a folder"),
    pytest.param([*API, "--timeline", "x", "--report", "x"],
                 ["--report x", "is the file of --timeline; name another file"], id="one file for both"),
    pytest.param(["--trace", "t.csv", "--timeline", "t.csv"], ["--timeline t.csv", "is the trace; name another file"],
                 id="the timeline in place of the trace"),
    pytest.param(["s.yaml", "--report", "./s.yaml"], ["--report s.yaml", "is the scenario"],
                 id="the report in place of the scenario"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), OPTIONS)
def test_options_that_make_no_sense(
    arguments: list[str],
    said: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refused(capsys, *arguments)
    assert all(words in line for words in said), line
    assert list(tmp_path.iterdir()) == []


def test_an_option_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(*API, "--lead", "5s") == 2
    said = capsys.readouterr().err
    assert "No such option: --lead" in said
    assert "Traceback" not in said


def test_all_mistakes_of_a_scenario_are_said_one_a_line(
    scenario: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = scenario(tmp_path, ("hpa-70]", "hpa-7]"), ("gpusPerReplica: 2", "gpusPerReplica: 9"))
    assert ended(str(path)) == 2
    out = capsys.readouterr()
    assert out.out == ""
    first, second = out.err.splitlines()
    assert first.startswith(f"autoscaler: {path}:57:22  spec.strategies.1  no strategy of this name  did you mean")
    assert second.startswith(f"autoscaler: {path}:76:23  spec.workloads.1.gpusPerReplica  a node of cheap has 8 GPUs")


@pytest.mark.parametrize("name", ["clairvoyant", "best"])
def test_a_strategy_that_a_scenario_cannot_run(
    name: str, scenario: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert name in refused(capsys, str(scenario(tmp_path)), "--strategy", f"ours,{name}")
