"""How fast the simple fidelity runs: one workload, then many in one run, each with its scoring.

The traffic is drawn here from a seed, so no file is needed: a day and a week in minutes, with gamma noise and bursts.
Times are processor seconds of this process, which other work on the machine hardly changes; the best of `--repeat`
counts. The bar: 14 days of minutes for one workload in 10 s, 100 workloads in one run at most 10 times that.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from autoscaler.compose.trace import replay_traffic
from autoscaler.compose.trace_run import DAY_S, TraceRun
from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.replay import Recording
from autoscaler.evaluation.score import score
from autoscaler.evaluation.trace import Trace, offered_replicas
from autoscaler.evaluation.traffic import Traffic

TICK_S = 60.0
REQUESTS_A_MINUTE = 900.0
NOISE_SHAPE = 40.0
BURST_SHARE = 0.002
BURST_MINUTES = 20


class Output(StrEnum):
    """What is printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Speed:
    """Processor seconds of one run of some workloads, and ticks (of every workload) a second of the replay."""

    workloads: int
    ticks: int
    replay_s: float
    scoring_s: float
    ticks_per_second: float

    @staticmethod
    def of(workloads: int, ticks: int, replay_s: float, scoring_s: float) -> Speed:
        """The rate follows from the rest."""
        return Speed(workloads, ticks, replay_s, scoring_s, workloads * ticks / max(replay_s, 1e-9))


def traffic(number: int, days: float, seed: int) -> Traffic:
    """One workload's traffic, half of it warm-up; the same for the same number and seed."""
    rng = np.random.default_rng([seed, number])
    minute = np.arange(round(days * DAY_S / TICK_S))
    day = 2.0 * np.pi * minute * TICK_S / DAY_S + rng.uniform(0.0, 2.0 * np.pi)
    usual = 1.0 + 0.6 * np.sin(day) + 0.15 * np.sin(day / 7.0)
    noise = rng.gamma(NOISE_SHAPE, 1.0 / NOISE_SHAPE, minute.size)
    begun = (rng.random(minute.size) < BURST_SHARE).astype(np.float64)
    burst = np.convolve(begun, np.ones(BURST_MINUTES))[: minute.size]
    requests: Floats = np.rint(REQUESTS_A_MINUTE * usual * noise * (1.0 + 0.5 * np.minimum(burst, 1.0)))
    offered, capacity = offered_replicas(requests, TraceRun(Path("generated")).fleet_peak)
    trace = Trace(f"generated-{number}", None, TICK_S, 0.0, requests)
    return Traffic(trace, TICK_S, requests, offered, capacity, minute.size // 2, minute.size)


def measure(workloads: int, days: float, strategy: str, seed: int) -> Speed:
    """Replays the workloads in one run, then scores each against its optimum."""
    traffics = [traffic(number, days, seed) for number in range(workloads)]
    request = TraceRun(Path("generated"), strategy=strategy, warmup_s=days * DAY_S / 2.0, tick_s=TICK_S)
    began = time.process_time()
    recording = replay_traffic(traffics, request)
    replayed = time.process_time()
    _score(recording, traffics, request)
    return Speed.of(workloads, traffics[0].offered.size, replayed - began, time.process_time() - replayed)


def _score(recording: Recording, traffics: list[Traffic], request: TraceRun) -> None:
    start_cost_ticks = (request.node_lead_s + request.replica_lead_s) / request.tick_s
    for w, one in enumerate(traffics):
        scored = slice(one.first, one.end)
        ready, billed = recording.columns["ready_replicas"][scored, w], recording.billed_gpus[scored, w].sum(axis=1)
        score(one.offered[scored], ready, billed, request.tick_s, start_cost_ticks, request.late_share)


def table(speeds: list[Speed], ratio: float) -> Table:
    """One row a run."""
    drawn = Table(title=f"replay of {speeds[-1].workloads} workloads in one run: {ratio:.1f} times that of one")
    for heading in ("workloads", "ticks", "replay, s", "scoring, s", "ticks/s"):
        drawn.add_column(heading, justify="right")
    for s in speeds:
        seconds = (f"{s.replay_s:.2f}", f"{s.scoring_s:.2f}")
        drawn.add_row(f"{s.workloads}", f"{s.ticks:,}", *seconds, f"{s.ticks_per_second:,.0f}")
    return drawn


def bench(
    workloads: Annotated[int, typer.Option(min=1, help="Workloads of the second run.")] = 100,
    days: Annotated[float, typer.Option(min=0.1, help="Days of one-minute ticks; half is warm-up.")] = 14.0,
    strategy: Annotated[str, typer.Option(help="Strategy that is replayed.")] = "ours",
    repeat: Annotated[int, typer.Option(min=1, help="Times that each run is measured; the best counts.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the traffic.")] = 1,
    output: Annotated[Output, typer.Option("--format", help="Output.")] = Output.TEXT,
) -> None:
    """Measures one workload and many in one run, and prints both with their ratio."""
    speeds = [
        min((measure(n, days, strategy, seed) for _ in range(repeat)), key=lambda s: s.replay_s) for n in (1, workloads)
    ]
    ratio = speeds[1].replay_s / max(speeds[0].replay_s, 1e-9)
    if output is Output.JSON:
        print(json.dumps({"runs": [asdict(s) for s in speeds], "ratio": ratio}))
    else:
        Console().print(table(speeds, ratio))


if __name__ == "__main__":
    typer.run(bench)
