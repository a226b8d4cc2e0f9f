"""The weather of a scenario in the terms of the simulator: numbers in place of names, and the ends of times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.domain.pool import Pool
from autoscaler.domain.rollout import allowance
from autoscaler.domain.signal import SignalKind
from autoscaler.evaluation.scenario import weather
from autoscaler.evaluation.scenario.weather import Moment, Weather
from autoscaler.simulator.settings import (
    CounterReset,
    CrashingReplicas,
    Fault,
    LostNodes,
    LowReturn,
    MetricsOutage,
    NewImage,
    ScrapeGap,
    SlowStarts,
    StockOut,
    StuckReplicas,
    WrongAnswers,
    ZoneLoss,
)

SIGNALS = {
    "arrivals": SignalKind.ARRIVALS,
    "queue": SignalKind.QUEUE,
    "running": SignalKind.RUNNING,
    "served": SignalKind.SERVED,
    "gpuUtilization": SignalKind.GPU_UTILIZATION,
    "lateShare": SignalKind.LATE_SHARE,
}
ANSWERS = {"empty": float("nan"), "nan": float("nan"), "infinite": float("inf"), "negative": -1.0}


@dataclass(frozen=True, slots=True)
class Named:
    """Workloads by policy and pools, in the order of the fleet; end_s: of the replay."""

    workloads: Sequence[str]
    pools: Sequence[Pool]
    end_s: float

    def workload(self, name: str | None) -> int | None:
        """Its number; None for all."""
        return None if name is None else list(self.workloads).index(name)

    def pool(self, name: str | None) -> int | None:
        """Its number; None for all."""
        return None if name is None else [p.name for p in self.pools].index(name)

    def place(self, pool: str, zone: str | None) -> tuple[int, int | None]:
        """Numbers of a pool and its zone; None for no zone in particular."""
        number = [p.name for p in self.pools].index(pool)
        return number, None if zone is None else self.pools[number].zones.index(zone)


def faults_of(listed: Weather, named: Named) -> tuple[Fault, ...]:
    """Every fault, in the order of the file."""
    return tuple(_fault(fault, named) for _, _, fault in listed.listed())


def _fault(fault: Moment, named: Named) -> Fault:
    if isinstance(fault, weather.Outage):
        return _metrics(fault, named)
    if isinstance(fault, weather.CounterReset):
        return CounterReset(named.workload(fault.policy), fault.at_s)
    if isinstance(fault, weather.NoStock):
        return StockOut(*named.place(fault.pool, fault.zone), fault.at_s, fault.at_s + fault.duration_s)
    if isinstance(fault, weather.LostZone):
        return ZoneLoss(*named.place(fault.pool, fault.zone), fault.at_s)
    if isinstance(fault, weather.LostStarts | weather.Crashes):
        return _starts(fault, named)
    if isinstance(fault, weather.SlowStarts):
        until_s = named.end_s if fault.duration_s is None else fault.at_s + fault.duration_s
        return SlowStarts(frozenset(fault.stages), fault.factor, fault.at_s, until_s)
    assert isinstance(fault, weather.Rollout)
    return _rollout(fault, named)


def _metrics(fault: weather.Outage, named: Named) -> MetricsOutage | ScrapeGap | WrongAnswers:
    low = None if fault.low_after is None else LowReturn(fault.low_after.duration_s, fault.low_after.share)
    end_s = fault.at_s + fault.duration_s
    if not isinstance(fault, weather.ScrapeGap):
        return MetricsOutage(fault.at_s, end_s, low)
    workload, signal = named.workload(fault.policy), None if fault.signal is None else SIGNALS[fault.signal]
    if not isinstance(fault, weather.WrongAnswers):
        return ScrapeGap(workload, signal, fault.at_s, end_s, low)
    value, is_empty = ANSWERS[fault.answer], fault.answer == "empty"
    return WrongAnswers(workload, signal, fault.at_s, end_s, value, is_empty, low)


def _rollout(fault: weather.Rollout, named: Named) -> NewImage:
    more, fewer = allowance(fault.max_surge, rounds_up=True), allowance(fault.max_unavailable, rounds_up=False)
    return NewImage(list(named.workloads).index(fault.policy), fault.at_s, more, fewer)


def _starts(fault: weather.LostStarts | weather.Crashes, named: Named) -> LostNodes | StuckReplicas | CrashingReplicas:
    end_s = fault.at_s + fault.duration_s
    if isinstance(fault, weather.Crashes):
        return CrashingReplicas(named.workload(fault.policy), fault.share, fault.at_s, end_s, fault.times)
    if fault.what == "nodes":
        return LostNodes(named.pool(fault.pool), fault.share, fault.at_s, end_s)
    return StuckReplicas(named.workload(fault.policy), fault.share, fault.at_s, end_s, fault.stage)
