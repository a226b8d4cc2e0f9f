"""Worlds that several folders of tests look at."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from autoscaler.domain.pool import CapacityType
from autoscaler.evaluation.comparison import Comparison, PoolTimeline, StrategyRun
from autoscaler.evaluation.timeline import COLUMNS, Timeline

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
    """Nodes come in a ramp of one a hundred ticks; one is warm all the time."""
    ramp = np.arange(ticks, dtype=np.float64) // 100
    return PoolTimeline(
        "h100", CapacityType.SPOT, TICK_S * np.arange(ticks, dtype=np.float64), ramp + 1.0, ramp % 3, np.ones(ticks)
    )


def comparison(ticks: int = 3000, warmup: int = 60) -> Comparison:
    """`ours` with a fifth more than the demand and forecasts, against `<i>lean</i>` with less and none."""
    strategies = (("ours", 1.2, True), ("<i>lean</i>", 0.9, False))
    names = ("chat", HOSTILE)
    runs = tuple(
        StrategyRun(strategy, tuple(timeline(name, ticks, headroom, known) for name in names), (pool(ticks),))
        for strategy, headroom, known in strategies
    )
    return Comparison(
        title=f"Test {HOSTILE}",
        notes=(f"Licence: {HOSTILE}",),
        headings=("strategy", "GPU-hours", "remark"),
        rows=(("ours", "1,234", "good"), ("<i>lean</i>", "-", "less")),
        runs=runs,
        late_target=dict.fromkeys(names, 0.01),
        tick_s=TICK_S,
        scored_from_s=warmup * TICK_S,
        scored_until_s=ticks * TICK_S,
        forecast_ahead_s={"chat": 300.0},
    )


@pytest.fixture(scope="session")
def compared() -> Callable[..., Comparison]:
    """Builds a comparison of two strategies on two workloads and a pool; `ticks` and `warmup` as numbers of ticks."""
    return comparison
