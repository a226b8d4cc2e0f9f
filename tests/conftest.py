"""Worlds that several folders of tests look at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings

from autoscaler.domain.pool import CapacityType
from autoscaler.evaluation.comparison import Bound, Comparison, PoolTimeline, StrategyRun
from autoscaler.evaluation.incidents import Incident
from autoscaler.evaluation.ledger import Ledger
from autoscaler.evaluation.starts import Starts
from autoscaler.evaluation.timeline import COLUMNS, Timeline

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

HOSTILE = """<script>alert("x")</script> & 'q' %{y}"""
TICK_S = 60.0


def timeline(name: str, ticks: int, headroom: float, forecasts: bool) -> Timeline:
    """A day's wave with ten requests a replica and tick, a gap in the arrivals and, later, one in the forecasts."""
    at = np.arange(ticks)
    offered = 10.0 + 5.0 * np.sin(at / 1440.0 * 2.0 * np.pi)
    forecast = (
        np.where((at > 0.7 * ticks) & (at < 0.8 * ticks), np.nan, offered) if forecasts else np.full(ticks, np.nan)
    )
    ready = np.ceil(offered * headroom)
    offered[(at > 0.4 * ticks) & (at < 0.5 * ticks)] = np.nan
    short = np.nan_to_num(np.maximum(offered - ready, 0.0))
    numbers = {column: np.zeros(ticks) for column in COLUMNS[1:-1]} | {
        "time_s": at * TICK_S,
        "arrivals": 10.0 * offered,
        "offered_replicas": offered,
        "ready_replicas": ready,
        "late": 10.0 * short,
        "billed_gpus_primary": ready,
        "floor": ready,
        "forecast_p50": forecast,
        "forecast_p90": forecast + 1.0,
        "forecast_p99": forecast + 2.0,
    }
    return Timeline(name, **numbers, reason=[f"forecast; <b>{HOSTILE}</b>"] * ticks)


def pool(ticks: int) -> PoolTimeline:
    """Nodes come in a ramp of one a hundred ticks, one in three in zone a; one is warm all the time."""
    ramp = np.arange(ticks, dtype=np.float64) // 100
    first = (ramp + 1.0) // 3
    return PoolTimeline(
        "h100", CapacityType.SPOT, TICK_S * np.arange(ticks, dtype=np.float64), ramp + 1.0, ramp % 3, np.ones(ticks),
        zones=("a", HOSTILE), by_zone=np.column_stack([first, ramp + 1.0 - first]),
        incidents=tuple(
            Incident(what, tick * TICK_S, tick * TICK_S, "h100", zone, nodes)
            for what, tick, zone, nodes in (
                ("spot notice", 5, "a", 9), ("spot notice", 130, HOSTILE, 2), ("zone called back", 130, HOSTILE, 2),
                ("spot notice", 150, "a", 1), ("refused", 170, "a", 1),
            )
        ),
    )  # fmt: skip


def ledger(timelines: tuple[Timeline, ...]) -> Ledger:
    """Four dollars a GPU-hour; one GPU held all the time, a placeholder made every fifty ticks and every other one
    used, for each workload."""
    billed = np.column_stack([np.asarray(t.billed_gpus_primary, dtype=np.float64) for t in timelines])
    ticks, dollars = billed.shape[0], 4.0 * TICK_S / 3600.0
    made = np.repeat(np.arange(ticks, dtype=np.float64)[:, None] // 50, len(timelines), axis=1)
    return Ledger(billed * dollars, np.ones(ticks), np.full(ticks, dollars), made, made // 2)


def starts(count: int = 60) -> Starts:
    """One every ten ticks, each third one on a new node."""
    rng = np.random.default_rng(1)
    cold = np.arange(count) % 3 == 0
    seconds = rng.gamma(2.0, 20.0, (count, 4))
    seconds[~cold, :2] = 0.0
    where = (("chat", HOSTILE) * count)[:count]
    asked_s = TICK_S * 10.0 * np.arange(count, dtype=np.float64)
    return Starts(("wait", "node", "image", "weights"), seconds, asked_s, cold, where, ("h100",) * count)


def comparison(ticks: int = 3000, warmup: int = 60) -> Comparison:
    """`ours` with a fifth more than the demand and forecasts, against `<i>lean</i>` with less and none."""
    strategies = (("ours", 1.2, True), ("<i>lean</i>", 0.9, False))
    names = ("chat", HOSTILE)
    runs = []
    for strategy, headroom, known in strategies:
        timelines = tuple(timeline(name, ticks, headroom, known) for name in names)
        runs.append(StrategyRun(strategy, timelines, (pool(ticks),), ledger(timelines), starts()))
    return Comparison(
        title=f"Test {HOSTILE}",
        notes=(f"Licence: {HOSTILE}",),
        headings=("strategy", "GPU-hours", "remark"),
        rows=(("ours", "1,234", "good"), ("<i>lean</i>", "-", "less")),
        runs=tuple(runs),
        late_target=dict.fromkeys(names, 0.01),
        tick_s=TICK_S,
        scored_from_s=warmup * TICK_S,
        scored_until_s=ticks * TICK_S,
        forecast_ahead_s={"chat": 300.0},
        faults=(
            Incident("zone loss", 10.0 * TICK_S, 10.0 * TICK_S, "h100", HOSTILE),
            Incident("metrics outage", 140.0 * TICK_S, 160.0 * TICK_S),
            Incident("zone loss", 130.0 * TICK_S, 130.0 * TICK_S, "h100", HOSTILE),
            Incident("scrape gap", 170.0 * TICK_S, 175.0 * TICK_S, workload="chat"),
        ),
        bound=Bound(100.0, 400.0),
    )


@pytest.fixture(scope="session")
def compared() -> Callable[..., Comparison]:
    """Builds a comparison of two strategies on two workloads and a pool; `ticks` and `warmup` as numbers of ticks."""
    return comparison
