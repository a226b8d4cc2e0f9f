"""The benchmark of the planner: groups of traces in one run, each scored on its own."""

from __future__ import annotations

import gzip
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "simulations" / "bench_planner.py"
DAY = 1440


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    short = ("--warmup", "1d", "--score", "1d", "--workers", "1")
    return subprocess.run([sys.executable, str(SCRIPT), *short, *arguments], capture_output=True, text=True)


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """Two days and a half of two of the traces, one of them shorter."""
    rng = np.random.default_rng(5)
    lines = ["series,minute,requests"]
    for series, minutes in (("crane-1", 5 * DAY // 2), ("crane-8", 2 * DAY)):
        counts = rng.poisson(400.0 + 300.0 * (np.arange(minutes) % 120 < 30))
        lines += [f"{series},{minute},{count}" for minute, count in enumerate(counts.tolist())]
    with gzip.open(tmp_path / "crane_1min.csv.gz", "wt") as out:
        out.write("\n".join(lines) + "\n")
    return tmp_path


def test_each_trace_is_scored_by_itself_and_each_group_has_its_mean(traces: Path) -> None:
    done = bench("--traces", str(traces), "--strategies", "reactive,static-peak", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("left out: servegen-m-large, ")
    told = json.loads(done.stdout)
    assert [(row["lead_s"], row["strategy"], row["series"]) for row in told["runs"]] == [
        (lead_s, strategy, series)
        for lead_s in (180.0, 300.0)
        for strategy in ("reactive", "static-peak")
        for series in ("crane-8", "crane-1")
    ]
    by = {(row["strategy"], row["lead_s"], row["group"]): row["ratio_at_achieved"] for row in told["runs"]}
    for mean in told["groups"]:
        alone = by[mean["strategy"], mean["lead_s"], mean["group"]]
        assert mean["geometric_mean"] == pytest.approx(alone)
    assert all(math.isfinite(row["gpu_hours"]) for row in told["runs"])
    late = {row["strategy"]: row["late"] for row in told["runs"] if row["lead_s"] == 300.0 and row["group"] == "steady"}
    assert late["static-peak"] < 0.01 < late["reactive"]


def test_people_read_a_table_and_mistakes_are_one_line(traces: Path) -> None:
    done = bench("--traces", str(traces), "--strategies", "reactive")
    assert "all scheduled" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    wrong = bench("--traces", str(traces), "--strategies", "best")
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
