"""The trace contract: what the summary says can be recomputed from the timeline and the trace by a second, plain
implementation; and by the referee that judges runs from outside, where it is there.

`TRACES` and `REFEREE` name the folders of the shared traces and of the referee.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from autoscaler.cli import main

SHARED = Path(__file__).parents[4] / "shared"
TRACES = Path(os.environ.get("TRACES", SHARED / "traces"))
REFEREE = Path(os.environ.get("REFEREE", SHARED / "referee"))
BURSTGPT = Path(__file__).parents[3] / "autoscaler" / "evaluation" / "data" / "burstgpt_hourly.csv.gz"
DAYS = 2
PRICE = 2.5
TICKS_AN_HOUR = 60.0
START_COST_TICKS = 5.0
LATE = 0.01
EXACT = 1e-3


class Case(NamedTuple):
    """A series of a file, and the days before anything is scored."""

    file: Path
    series: str
    warmup_days: int = 7


RECORDED = (
    Case(TRACES / "servegen_1min.csv.gz", "servegen-m-small"),
    Case(TRACES / "crane_1min.csv.gz", "crane-0", warmup_days=3),
    Case(TRACES / "webtraffic_15min.csv.gz", "web-R2"),
    Case(TRACES / "crane_1min.csv.gz", "crane-11"),
)
ABSENT = [case.series for case in RECORDED if not case.file.exists()]
CASES = [case for case in (Case(BURSTGPT, "burstgpt-conversation"), *RECORDED) if case.series not in ABSENT]


class Seen(NamedTuple):
    """Columns of a timeline, one number a tick: NaN where nothing is known."""

    time_s: list[float]
    offered: list[float]
    ready: list[float]
    starting: list[float]
    billed: list[float]


def simulate(case: Case, timeline: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    with pytest.raises(SystemExit) as ended:
        main([
            "simulate", "--trace", str(case.file), "--series", case.series, "--warmup", f"{case.warmup_days}d",
            "--score", f"{DAYS}d", "--gpu-price", str(PRICE), "--timeline", str(timeline), "--format", "json",
        ])  # fmt: skip
    assert ended.value.code == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def seen(timeline: Path) -> Seen:
    with timeline.open() as lines:
        rows = list(csv.DictReader(lines))
    column = {
        name: [float(row[name] or "nan") for row in rows] for name in rows[0] if name not in ("workload", "reason")
    }
    return Seen(
        time_s=column["time_s"],
        offered=column["offered_replicas"],
        ready=column["ready_replicas"],
        starting=column["starting_replicas"],
        billed=[sum(pair) for pair in zip(column["billed_gpus_primary"], column["billed_gpus_burst"], strict=True)],
    )


def cheapest(demand: list[float], price: float) -> float:
    """Least replica-ticks of any plan where a replica-tick that is missing costs `price`: layer by layer, on or off."""
    least = 0.0
    for layer in range(math.ceil(max(demand))):
        on, off = 0.0, 0.0
        for offered in demand:
            part = min(max(offered - layer, 0.0), 1.0)
            on, off = min(on, off + START_COST_TICKS) + 1.0, min(off, on) + price * part
        least += min(on, off)
    return least


def optimum(demand: list[float], late_share: float) -> float:
    """Least replica-ticks with at most `late_share` of the demand missing: the best price found by golden section.

    The bound is concave in the price, so that its one peak is narrowed down; the summary sweeps fixed prices instead.
    """
    budget, part = late_share * sum(demand), (math.sqrt(5.0) - 1.0) / 2.0

    def bound(log_price: float) -> float:
        price = math.exp(log_price)
        return cheapest(demand, price) - price * budget

    low, high = 0.0, math.log(400.0)
    left, right = high - part * (high - low), low + part * (high - low)
    at_left, at_right = bound(left), bound(right)
    while high - low > 0.01:
        if at_left < at_right:
            low, left, at_left = left, right, at_right
            right = low + part * (high - low)
            at_right = bound(right)
        else:
            high, right, at_right = right, left, at_left
            left = high - part * (high - low)
            at_left = bound(left)
    return max(at_left, at_right)


def offered_by_the_trace(case: Case) -> dict[int, float]:
    """Replicas in each scored minute that was captured, so that the 99.5th percentile of all minutes needs 30."""
    with gzip.open(case.file, "rt") as lines:
        rows = [(float(r["minute"]), r["requests"]) for r in csv.DictReader(lines) if r["series"] == case.series]
    gaps = [b[0] - a[0] for a, b in itertools.pairwise(rows)]
    step, start = int(max(set(gaps), key=gaps.count)), rows[0][0]
    minutes = {int(m - start) + k: float(v) / step for m, v in rows if v for k in range(step)}
    ordered = sorted(minutes.values())
    at = 0.995 * (len(ordered) - 1)
    below, above = ordered[int(at)], ordered[min(int(at) + 1, len(ordered) - 1)]
    peak = below + (at - int(at)) * (above - below)
    first = case.warmup_days * 1440
    return {m: minutes[m] * 30.0 / peak for m in range(first, first + DAYS * 1440) if m in minutes}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.series for case in CASES])
def test_the_summary_follows_from_the_timeline_and_the_trace(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = simulate(case, tmp_path / "t.csv", capsys)
    all_ticks, first = seen(tmp_path / "t.csv"), case.warmup_days * 1440
    scored = [t for t in range(first, len(all_ticks.time_s)) if math.isfinite(all_ticks.offered[t])]
    assert [all_ticks.time_s[t] for t in scored] == [60.0 * t for t in scored]
    demand = offered_by_the_trace(case)
    assert scored == list(demand)
    assert [all_ticks.offered[t] for t in scored] == pytest.approx(list(demand.values()), rel=EXACT)

    hours = sum(all_ticks.billed[t] for t in scored) / TICKS_AN_HOUR
    late = sum(max(demand[t] - all_ticks.ready[t], 0.0) for t in scored) / sum(demand.values())
    replicas = [all_ticks.ready[t] + all_ticks.starting[t] for t in range(first - 1, len(all_ticks.time_s))]
    best = optimum(list(demand.values()), LATE) / TICKS_AN_HOUR
    recomputed = {
        "gpu_hours": hours,
        "dollars": PRICE * hours,
        "late_share": late,
        "offered_replica_hours": sum(demand.values()) / TICKS_AN_HOUR,
        "clairvoyant_gpu_hours": best,
        "ratio_at_target": hours / best,
        "ratio_at_achieved": hours * TICKS_AN_HOUR / optimum(list(demand.values()), late),
        "starts": sum(max(b - a, 0.0) for a, b in itertools.pairwise(replicas)),
    }
    assert {name: said[name] for name in recomputed} == pytest.approx(recomputed, rel=EXACT)
    assert said["starts"] > 0
    assert (said["strategy"], said["seed"]) == ("ours", 1)


def test_which_traces_are_left_out() -> None:
    if ABSENT:
        pytest.skip(f"left out: {', '.join(ABSENT)}: not in {TRACES}; name their folder with TRACES")
    assert len(CASES) == 1 + len(RECORDED)


@pytest.mark.slow
def test_the_referee_agrees(tmp_path: Path) -> None:
    if not (REFEREE / "judge.py").exists():
        pytest.skip(f"left out: the referee, not in {REFEREE}; name its folder with REFEREE")
    program = Path(sys.executable).with_name("autoscaler")
    command = [
        sys.executable, str(REFEREE / "judge.py"), "--autoscaler", str(program), "--trace", str(BURSTGPT),
        "--series", "burstgpt-conversation", "--score-days", "2", "--keep", str(tmp_path / "t.csv"),
    ]  # fmt: skip
    judged = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    assert judged.returncode == 0, judged.stdout + judged.stderr
    verdict = json.loads(judged.stdout)
    assert verdict["agrees"] is True
    assert verdict["offered_off_by"] < EXACT
    assert verdict["summary_late"] == pytest.approx(verdict["late_share"], abs=1e-5)  # it rounds to as much
    assert verdict["summary_gpu_hours"] == pytest.approx(verdict["gpu_hours"], abs=0.06)
    assert verdict["summary_ratio"] == pytest.approx(verdict["ratio_at_achieved"], rel=EXACT)
