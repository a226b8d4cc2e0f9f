"""Two runs side by side: the numbers follow from the files, and what cannot be compared is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autoscaler.cli import main
from autoscaler.evaluation.comparison import Comparison
from autoscaler.evaluation.report.two_runs_page import render_two, verdict_of_two, write_two
from autoscaler.evaluation.timeline import Timeline, TimelineError, write_timeline
from autoscaler.evaluation.two_runs import TwoRuns, read_two

Build = Callable[..., Comparison]


@pytest.fixture
def files(compared: Build, tmp_path: Path) -> tuple[Path, Path]:
    """`ours` and `<i>lean</i>`, written as two runs; the second lists its workloads the other way round."""
    built = compared(ticks=2000)
    a, b = tmp_path / "a.csv", tmp_path / "<b>.csv"
    write_timeline(a, built.runs[0].timelines)
    write_timeline(b, built.runs[1].timelines[::-1])
    return a, b


def plain(path: Path, workload: str, from_s: float) -> dict[str, float]:
    """The measures of a workload, row by row from the file."""
    found = dict.fromkeys(("requests", "late", "gpu_hours", "floor_changes"), 0.0)
    before = None
    with path.open(newline="") as lines:
        for row in csv.DictReader(lines):
            if row["workload"] != workload:
                continue
            if float(row["time_s"]) >= from_s:
                found["requests"] += float(row["arrivals"] or 0.0)
                found["late"] += float(row["late"])
                if row["arrivals"]:
                    found["gpu_hours"] += float(row["billed_gpus_primary"]) / 60.0
                found["floor_changes"] += before is not None and row["floor"] != before
            before = row["floor"]
    return found


@pytest.mark.parametrize("warmup_s", [0.0, 36_000.0])
def test_the_numbers_follow_from_the_files(files: tuple[Path, Path], warmup_s: float) -> None:
    two = read_two(*files, warmup_s=warmup_s)
    assert two.same_traffic
    assert two.names == ("A: a.csv", "B: <b>.csv")
    for one in two.workloads:
        for path, measured in zip(files, (one.a, one.b), strict=True):
            wanted = plain(path, one.name, warmup_s)
            assert {name: getattr(measured, name) for name in wanted} == pytest.approx(wanted, rel=1e-6)
            assert measured.late_share == pytest.approx(wanted["late"] / wanted["requests"], rel=1e-6)
    parts = [one.b.gpu_hours for one in two.workloads]
    assert two.fleet.b.gpu_hours == pytest.approx(sum(parts))
    assert two.fleet.to_dict()["late"]["difference"] == pytest.approx(two.fleet.b.late - two.fleet.a.late)


def test_a_part_of_the_span(files: tuple[Path, Path]) -> None:
    two = read_two(*files, warmup_s=600.0, score_s=1200.0)
    assert (two.from_s, two.until_s) == (600.0, 1800.0)
    with pytest.raises(TimelineError, match=r"--warmup 1e\+06s: nothing is left of the 120000s"):
        read_two(*files, warmup_s=1e6)


def test_other_requests_are_told(files: tuple[Path, Path], compared: Build) -> None:
    first, *others = compared(ticks=2000).runs[1].timelines
    more = replace(first, arrivals=np.asarray(first.arrivals, dtype=np.float64) + 1.0)
    write_timeline(files[1], [more, *others])
    two = read_two(*files)
    assert not two.same_traffic
    assert "did not see the same requests" in render_two(two)


Change = Callable[[list[Timeline]], list[Timeline]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda ts: ts[:1], "cannot be compared: only .*a.csv has .*Compare runs of the same workloads",
                     id="a workload less"),
        pytest.param(lambda ts: [replace(t, time_s=np.arange(2000) * 30.0) for t in ts],
                     "cannot be compared: steps of 60 s and of 30 s", id="steps"),
        pytest.param(lambda ts: [replace(t, time_s=np.arange(2000) * 60.0 + 60.0) for t in ts],
                     "cannot be compared: 0 s to 119940 s and 60 s to 120000 s", id="span"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared(files: tuple[Path, Path], compared: Build, change: Change, said: str) -> None:
    write_timeline(files[1], change(list(compared(ticks=2000).runs[1].timelines)))
    with pytest.raises(TimelineError, match=said):
        read_two(*files)


def figures(page: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.split('id="figures">')[1].split("</script>")[0])
    return found


def test_the_page(files: tuple[Path, Path], tmp_path: Path) -> None:
    two = read_two(*files)
    page = render_two(two)
    assert list(figures(page)) == ["fleet", "workload-0", "workload-1", "ledger"]
    assert "<b>.csv" not in page.split("</style>")[1].split("<script")[0]
    names = [trace["name"] for trace in figures(page)["workload-0"]["data"][0]]
    assert names == ["demand", *["A: a.csv", "B: &lt;b&gt;.csv"] * 4]
    dashes = {trace["line"]["dash"] for trace in figures(page)["workload-0"]["data"][0]}
    assert len(dashes) == 3
    assert 'scope="col">run</th>' in page
    assert verdict_of_two(two).startswith("Against A, B had ")
    write_two(tmp_path / "two.html", two)
    assert (tmp_path / "two.html").read_text() == page


def test_equal_runs_have_no_difference(files: tuple[Path, Path]) -> None:
    two = read_two(files[0], files[0])
    assert two.names == (f"A: {files[0]}", f"B: {files[0]}")
    assert all(cell["difference"] == 0.0 for cell in two.fleet.to_dict().values())
    assert isinstance(two, TwoRuns)


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["simulate", *arguments])
    said = capsys.readouterr()
    assert isinstance(end.value.code, int)
    return end.value.code, said.out, said.err


def test_the_command(files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair, page = ["--compare", *map(str, files)], tmp_path / "two.html"
    code, out, err = ended(capsys, *pair, "--report", str(page))
    assert code == 0
    assert "Against A, B had" in out
    assert f"report: {page}" in err
    assert page.exists()
    code, out, _ = ended(capsys, *pair, "--format", "json", "--warmup", "10h")
    found = json.loads(out)
    assert (code, found["a"], found["b"], found["from_s"]) == (0, "a.csv", "<b>.csv", 36_000.0)
    assert set(found["workloads"]) == {one.name for one in read_two(*files).workloads}


def test_wrong_use_is_one_line_and_exit_code_2(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    pair = ["--compare", *map(str, files)]
    for arguments, said in (
        ([*pair, "--seed", "2"], "--compare with --seed: it replays nothing; leave it out"),
        ([*pair, "--tick", "60s", "--poisson"], "--compare with --tick, --poisson: it replays nothing; leave them out"),
        ([*pair, "--report", str(files[0])], "is one of the files to compare; name another file"),
        ([*pair[:2], "none.csv"], "none.csv: No such file or directory"),
        ([*pair, "--warmup", "9d"], "nothing is left"),
    ):
        code, _, err = ended(capsys, *arguments)
        assert code == 2
        assert said in err
        assert err.count("\n") == 1
