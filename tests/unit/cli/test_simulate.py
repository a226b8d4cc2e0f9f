"""The trace contract: what the summary says can be recomputed from the timeline by a second, plain implementation."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import os
from pathlib import Path

import pytest

from autoscaler.cli import main

TRACES = Path(os.environ.get("TRACES", Path(__file__).parents[4] / "shared" / "traces"))
SHARED = [
    pytest.param("servegen_1min.csv.gz", "servegen-m-small", "7d", id="servegen-m-small"),
    pytest.param("crane_1min.csv.gz", "crane-0", "3d", id="crane-0"),
    pytest.param("webtraffic_15min.csv.gz", "web-R2", "7d", id="web-R2"),
    pytest.param("crane_1min.csv.gz", "crane-11", "7d", id="crane-11"),
]
BURSTGPT = Path(__file__).parents[3] / "autoscaler" / "evaluation" / "data" / "burstgpt_hourly.csv.gz"


def simulate(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, float]:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *arguments, "--format", "json"])
    assert ended.value.code == 0
    found: dict[str, float] = json.loads(capsys.readouterr().out)
    return found


def optimum(demand: list[float], start_cost: float, late_share: float) -> float:
    """Lagrangian bound, layer by layer, in plain loops."""
    budget, best = late_share * sum(demand), 0.0
    for step in range(40):
        price = 1.02 * (400.0 / 1.02) ** (step / 39)
        value = -price * budget
        for layer in range(int(max(demand)) + 1):
            on, off = 0.0, 0.0
            for d in demand:
                part = min(max(d - layer, 0.0), 1.0)
                on, off = min(on, off + start_cost) + 1.0, min(off, on) + price * part
            value += min(on, off)
        best = max(best, value)
    return best


def check(capsys: pytest.CaptureFixture[str], out: Path, file: Path, series: str, warmup: str, days: float) -> None:
    said = simulate(
        capsys, "--trace", str(file), "--series", series, "--warmup", warmup, "--score", f"{days}d",
        "--timeline", str(out),
    )  # fmt: skip
    first = float(warmup[:-1]) * 86_400
    with out.open() as lines:
        rows = [r for r in csv.DictReader(lines) if float(r["time_s"]) >= first and r["offered_replicas"]]
    offered = [float(r["offered_replicas"]) for r in rows]
    ready = [float(r["ready_replicas"]) for r in rows]
    billed = sum(float(r["billed_gpus_primary"]) + float(r["billed_gpus_burst"]) for r in rows) / 60.0
    late = sum(max(o - r, 0.0) for o, r in zip(offered, ready, strict=True)) / sum(offered)
    assert said["late_share"] == pytest.approx(late, rel=1e-3)
    assert said["gpu_hours"] == pytest.approx(billed, rel=1e-3)
    assert said["ratio_at_target"] == pytest.approx(billed * 60 / optimum(offered, 5.0, 0.01), rel=1e-3)
    assert said["ratio_at_achieved"] == pytest.approx(billed * 60 / optimum(offered, 5.0, late), rel=1e-3)
    assert offered == pytest.approx(recomputed_offered(file, series, first, days), rel=1e-3)


def recomputed_offered(file: Path, series: str, first_s: float, days: float) -> list[float]:
    with gzip.open(file, "rt") as lines:
        rows = [(float(r["minute"]), r["requests"]) for r in csv.DictReader(lines) if r["series"] == series]
    gaps = [b[0] - a[0] for a, b in itertools.pairwise(rows)]
    step = int(max(set(gaps), key=gaps.count))
    start = rows[0][0]
    minutes = {int(m - start) + k: float(v) / step for m, v in rows if v for k in range(step)}
    ordered = sorted(minutes.values())
    at = 0.995 * (len(ordered) - 1)
    peak = ordered[int(at)] + (at - int(at)) * (ordered[min(int(at) + 1, len(ordered) - 1)] - ordered[int(at)])
    span = range(int(first_s / 60), int(first_s / 60 + days * 1440))
    return [minutes[m] * 30.0 / peak for m in span if m in minutes]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "series", "warmup"), SHARED)
def test_summary_follows_from_the_timeline(
    file: str, series: str, warmup: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (TRACES / file).exists():
        pytest.skip(f"left out: {series}, no trace folder at {TRACES} (set TRACES)")
    check(capsys, tmp_path / "t.csv", TRACES / file, series, warmup, 2)


@pytest.mark.slow
def test_summary_follows_from_the_timeline_on_the_traffic_that_ships(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(capsys, tmp_path / "t.csv", BURSTGPT, "burstgpt-conversation", "2d", 1)


BAD = [
    pytest.param(["--trace", "none.csv"], "none.csv", id="missing file"),
    pytest.param(["--trace", str(BURSTGPT), "--series", "chat"], "burstgpt-conversation", id="no such series"),
    pytest.param(["--trace", str(BURSTGPT)], "burstgpt-api", id="series not named"),
    pytest.param(["--trace", str(BURSTGPT), "--series", "burstgpt-api", "--warmup", "90d"], "--warmup", id="too short"),
    pytest.param(
        ["--trace", str(BURSTGPT), "--series", "burstgpt-api", "--strategy", "best"], "holt-winters", id="strategy"
    ),
    pytest.param(["--trace", str(BURSTGPT), "--series", "burstgpt-api", "--late", "200%"], "--late", id="late"),
    pytest.param(["--trace", str(BURSTGPT), "--series", "burstgpt-api", "--tick", "0s"], "--tick", id="tick"),
    pytest.param(["--trace", str(BURSTGPT), "--series", "burstgpt-api", "--warmup", "soon"], "90s", id="duration"),
    pytest.param(["--trace", str(BURSTGPT), "--series", "burstgpt-api", "--signals", "cpu"], "queue,gpu", id="signals"),
    pytest.param(["--trace", str(BURSTGPT), "--series", "burstgpt-api", "--fleet-peak", "0"], "peak", id="peak"),
]


@pytest.mark.parametrize(("arguments", "way_out"), BAD)
def test_bad_input_is_one_message_and_exit_code_2(
    arguments: list[str], way_out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *arguments])
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert way_out in said
    assert "Traceback" not in said
