"""The benchmark of strategies runs on what ships, says what it leaves out, and refuses what it cannot use."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "simulations" / "bench_strategies.py"


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    short = ("--warmup", "1d", "--score", "12h", "--workers", "1")
    return subprocess.run([sys.executable, str(SCRIPT), *short, *arguments], capture_output=True, text=True)


def test_rows_by_trace_and_means_by_strategy(tmp_path: Path) -> None:
    done = bench("--traces", str(tmp_path), "--strategies", "static-peak,reactive", "--format", "json")
    assert done.returncode == 0
    [line] = done.stderr.splitlines()
    assert line.startswith("left out: servegen-m-small, crane-0, web-R2, crane-11, not in ")
    assert line.endswith("name their folder with --traces")
    found = json.loads(done.stdout)
    assert [(row["series"], row["strategy"]) for row in found["runs"]] == [
        (series, strategy)
        for series in ("burstgpt-conversation", "burstgpt-api")
        for strategy in ("static-peak", "reactive")
    ]
    for strategy, mean in found["geometric_means"].items():
        one, other = (row["ratio_at_achieved"] for row in found["runs"] if row["strategy"] == strategy)
        assert mean == pytest.approx(math.sqrt(one * other))
    assert list(found["geometric_means"].values()) == sorted(found["geometric_means"].values())


def test_tables_for_people_in_full_fidelity() -> None:
    options = ("--series", "burstgpt-conversation", "--strategies", "reactive,hpa-70", "--fidelity", "full")
    done = bench(*options, "--signals", "queue,gpu")
    assert done.returncode == 0
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "at 1%, full fidelity, queue,gpu, seed 1" in done.stdout
    assert max(len(line) for line in lines) <= 80
    assert sum("reactive" in line for line in lines) == sum("hpa-70" in line for line in lines) == 2
    assert "geometric mean" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--series", "mine"], "--series mine: not among the traces of this benchmark: burst", id="series"),
        pytest.param(["--strategies", "best"], "--strategies 'best': no strategy 'best'", id="strategy"),
        pytest.param(["--fidelity", "half"], "--fidelity 'half': choose simple or full", id="fidelity"),
        pytest.param(["--strategies", "clairvoyant", "--fidelity", "full"], "--strategy clairvoyant", id="clairvoyant"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = bench("--traces", str(tmp_path), "--series", "burstgpt-api", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith(said)
