"""`autoscaler policy`: what a platform team sees of its files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autoscaler.cli import main

POLICIES = Path(__file__).parents[3] / "policies"
EIGHT = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: steady}
spec:
  capacityType: spott
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 8
  pricePerGpuHour: -4
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: chat}
spec:
  mode: actt
  workload: {namespace: inference, name: chat}
  demand:
    arrivals: {query: requests}
    perReplica: {arrivals: 4}
    staleAfter: 90
  objective: {lateRequest: 2%}
  pools: {primary: [steady]}
  replicas: {min: 9, max: 8}
  schedules:
    - {name: m, start: "0 25 * * *", duration: 3h, timezone: Europe/Berln, atLeast: {replicas: 2}}
"""
FIXES = [
    (5, 17, "did you mean `spot`?", "spott", "on-demand"),
    (8, 20, "write `0` or more", "-4", "4"),
    (14, 9, "did you mean `act`?", "actt", "act"),
    (19, 17, "write `90s` if seconds are meant", "staleAfter: 90", "staleAfter: 90s"),
    (20, 15, "did you mean `lateRequests`?", "lateRequest:", "lateRequests:"),
    (22, 19, "write `8` or less, or raise max", "min: 9", "min: 8"),
    (24, 24, "write minute hour day month weekday, for example `0 9 * * mon-fri`", "0 25 * * *", "0 9 * * mon-fri"),
    (24, 62, "did you mean `Europe/Berlin`?", "Berln", "Berlin"),
]
LINE = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+):(?P<column>\d+)  (?P<path>\S+)  (?P<message>.+)  (?P<hint>.+)$")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["policy", *arguments])
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_eight_mistakes_give_eight_lines_and_hints_that_fix_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(EIGHT)
    code, out, _ = run(capsys, "check", str(file))
    *lines, verdict = out.splitlines()
    found = [LINE.match(line) for line in lines]
    assert code == 1
    assert verdict.endswith("8 problems")
    assert [(int(m["line"]), int(m["column"]), m["hint"]) for m in found if m] == [fix[:3] for fix in FIXES]
    text = EIGHT
    for *_, old, new in FIXES:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text)
    assert run(capsys, "check", str(file))[:2] == (0, "1 policy, 1 pool, 0 budgets: nothing wrong\n")


def test_problems_between_files_come_with_those_within(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = EIGHT
    for *_, old, new in FIXES:
        good = good.replace(old, new)
    pool, policy = good.split("---\n")
    (tmp_path / "a.yaml").write_text(policy.replace("[steady]", "[steady, stedy]"))
    (tmp_path / "pool.yaml").write_text(pool.replace("gpusPerNode: 8", "gpusPerNode: eight"))
    code, out, _ = run(capsys, "check", str(tmp_path), "--format", "json")
    assert code == 1
    found = json.loads(out)["problems"]
    assert [(Path(p["file"]).name, p["line"], p["path"]) for p in found] == [
        ("a.yaml", 12, "spec.pools.primary.1"),
        ("pool.yaml", 7, "spec.gpusPerNode"),
    ]


def test_the_shipped_examples_have_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "check", str(POLICIES))
    assert (code, err) == (0, "")
    assert out == "17 policies, 21 pools, 2 budgets: nothing wrong\n"


@pytest.mark.parametrize("name", ["nothing.yaml", "empty"])
def test_nothing_to_check(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = run(capsys, "check", str(tmp_path / name))
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert str(tmp_path / name) in err


def test_watching_a_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.yaml").write_text(EIGHT)
    code, _, err = run(capsys, "check", "--watch", str(tmp_path / "p.yaml"))
    assert code == 2
    assert "name a folder" in err


def test_watching_a_folder_tells_each_edit_until_it_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(EIGHT)
    os.utime(tmp_path / "p.yaml", (1.0, 1.0))
    command = [sys.executable, "-m", "autoscaler", "policy", "check", "--watch", str(tmp_path), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert len(json.loads(running.stdout.readline())["problems"]) == 8
        (tmp_path / "next").write_text(EIGHT.replace("actt", "act"))
        os.utime(tmp_path / "next", (2.0, 2.0))
        (tmp_path / "next").rename(tmp_path / "p.yaml")
        assert len(json.loads(running.stdout.readline())["problems"]) == 7
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err == "autoscaler: interrupted\n"


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "schema")
    assert code == 0
    assert json.loads(out) == json.loads((POLICIES / "schema.json").read_text())
