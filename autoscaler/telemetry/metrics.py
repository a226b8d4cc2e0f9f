"""Metrics of the loop, from its newest tick: what is gone from the policies is gone from the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from autoscaler.controller.tick import Tick
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.lead_time import StageQuantile, Start
from autoscaler.domain.usage import UseQuantile
from autoscaler.telemetry import names
from autoscaler.telemetry.first_waits import FirstWaits
from autoscaler.telemetry.judge import Judge
from autoscaler.telemetry.meter import Meter
from autoscaler.telemetry.pool_metrics import of_budgets, of_pools, of_queue, queued_gpus
from autoscaler.telemetry.samples import Sample, gauge
from autoscaler.telemetry.seats import Seats
from autoscaler.telemetry.start_counts import StartCounts
from autoscaler.telemetry.start_metrics import in_force, of_loading, of_models, of_starts
from autoscaler.telemetry.start_pages import KnownStarts
from autoscaler.telemetry.tallies import Tallies
from autoscaler.telemetry.waking import wake_ups
from autoscaler.telemetry.workload_metrics import of_fleet, of_lead_times, of_report, of_uses

TICK_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)
DISTRIBUTION = "gpu-autoscaler"


@dataclass(frozen=True, slots=True)
class _Learned:
    """What is made in the tick's own thread, since what it is made of is learned there."""

    lead_times: tuple[StageQuantile, ...] = ()
    wake_ups: tuple[Sample, ...] = ()
    starts: tuple[Start, ...] = ()
    uses: tuple[UseQuantile, ...] = ()


class LoopMetrics(Collector):
    """An outlet with a registry of its own; scraped by any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            names.TICK_SECONDS.text, names.TICK_SECONDS.help, buckets=TICK_BUCKETS_S, registry=self.registry
        )
        self._version = version(DISTRIBUTION)
        self._newest: tuple[Tick | None, Seats | None, _Learned] = (None, None, _Learned())
        self._tallies, self._meter, self._judge = Tallies(), Meter(), Judge()
        self._starts, self._waits = StartCounts(), FirstWaits()
        self.registry.register(self)

    def tell(self, tick: Tick) -> None:
        self._seconds.observe(tick.took_s)
        _, seats, learned = self._newest
        if tick.in_force is not None:
            fleet = tick.in_force.policies.fleet
            if seats is None or seats.fleet is not fleet:
                seats = Seats.of(fleet)
            self._meter.add(tick, seats)
            self._judge.add(tick, fleet)
            starts = () if tick.in_force.leads is None else tuple(tick.in_force.leads.starts())
            self._starts.add(starts, seats, tick.now_s, tick.leads)
            self._waits.add(None if tick.report is None else tick.report.observation, seats, tick.now_s, tick.leads)
            learned = _Learned(_lead_times(tick, fleet), tuple(_wake_ups(tick)), starts, _uses(tick, fleet))
        self._tallies.add(tick, seats)
        self._newest = (tick, seats, learned)

    def starts(self) -> KnownStarts | None:
        """What the newest tick knew of starts; None before policies are in force."""
        _, seats, learned = self._newest
        return None if seats is None else KnownStarts(seats.fleet, learned.starts)

    def collect(self) -> Iterator[Metric]:
        """Everything but the histogram, as of the newest tick."""
        yield gauge(names.BUILD, [((self._version,), 1.0)])
        yield from self._tallies.collect()
        yield from self._meter.collect()
        yield from self._judge.collect()
        yield from self._starts.collect()
        yield from self._waits.collect()
        tick, seats, learned = self._newest
        if tick is None:
            return
        yield gauge(names.LAST_TICK, [((), tick.now_s)])
        yield gauge(names.LEADER, [((), float(tick.leads))])
        yield gauge(names.POLICY_PROBLEMS, [((), float(len(tick.policy_problems)))])
        yield gauge(names.PROBLEMS, [((), float(len(tick.problems)))])
        if tick.in_force is not None and seats is not None:
            yield from _of_policies(tick, seats)
            yield of_lead_times(learned.lead_times)
            yield from _of_starts(tick, seats, learned.starts)
            yield from of_uses(learned.uses)
            yield gauge(names.WAKE_UP, learned.wake_ups)

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance."""
        return iter(())


def _of_policies(tick: Tick, seats: Seats) -> Iterator[Metric]:
    assert tick.in_force is not None
    policies, fleet, report = tick.in_force.policies, seats.fleet, tick.report
    yield from of_fleet(fleet)
    if report is None or report.observation is None:
        return
    yield from of_report(report, tick.readings, seats)
    inventory = report.observation.inventory
    bound, _ = inventory.placeholder_counts()
    yield from of_pools(inventory, fleet, bound, queued_gpus(report.queue, fleet))
    yield from of_budgets(report, inventory, policies)
    yield from of_queue(report, policies)


def _of_starts(tick: Tick, seats: Seats, known: tuple[Start, ...]) -> Iterator[Metric]:
    starts = in_force(known, seats)
    yield from of_starts(starts, seats)
    yield of_loading(starts)
    if tick.report is not None and tick.report.observation is not None:
        yield of_models(starts, tick.report.observation.inventory, seats.fleet)


def _wake_ups(tick: Tick) -> Iterator[Sample]:
    for policy, one in wake_ups(tick).items():
        yield (policy, "50"), one.expected_s
        yield (policy, "90"), one.p90_s


def _lead_times(tick: Tick, fleet: Fleet) -> tuple[StageQuantile, ...]:
    """As learned by now; of policies and pools in force."""
    if tick.in_force is None or tick.in_force.leads is None:
        return ()
    policies, pools = set(fleet.names), {pool.name for pool in fleet.pools}
    return tuple(one for one in tick.in_force.leads.quantiles() if one.policy in policies and one.pool in pools)


def _uses(tick: Tick, fleet: Fleet) -> tuple[UseQuantile, ...]:
    """As learned by now; of policies in force."""
    if tick.in_force is None or tick.in_force.uses is None:
        return ()
    policies = set(fleet.names)
    return tuple(one for one in tick.in_force.uses.quantiles() if one.policy in policies)
