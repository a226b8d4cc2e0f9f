"""Metrics of the loop, from its newest tick: what is gone from the policies is gone from the metrics."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator

import numpy as np
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from autoscaler.controller.tick import Tick
from autoscaler.domain.ending import EndFate
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Plan
from autoscaler.domain.signal import SignalKind, SignalReadings, SignalState
from autoscaler.telemetry import names
from autoscaler.telemetry.decisions import Decisions
from autoscaler.telemetry.names import Name

TICK_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0)
ACTION_WORDS = ("SetFloor", "CreatePlaceholder", "DeletePlaceholder")
ACTION_OUTCOMES = ("done", "failed", "withheld", "held_back")
TICK_OUTCOMES = ("done", "blind", "failed", "idle")

Sample = tuple[tuple[str, ...], float]


class LoopMetrics(Collector):
    """An outlet with a registry of its own; scraped by any thread."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            names.TICK_SECONDS.text, names.TICK_SECONDS.help, buckets=TICK_BUCKETS_S, registry=self.registry
        )
        self._tick: Tick | None = None
        self._decisions = Decisions()
        self._decided: Tally[tuple[str, str]] = Tally()
        self._acted: Tally[tuple[str, str]] = Tally({(a, o): 0 for a in ACTION_WORDS for o in ACTION_OUTCOMES})
        self._ended: Tally[tuple[str, str, str]] = Tally()
        self._ticks: Tally[tuple[str]] = Tally({(outcome,): 0 for outcome in TICK_OUTCOMES})
        self.registry.register(self)

    def tell(self, tick: Tick) -> None:
        self._seconds.observe(tick.took_s)
        decided, acted, ticks = self._decided.copy(), self._acted.copy(), self._ticks.copy()
        ticks[(_outcome(tick),)] += 1
        if tick.in_force is not None:
            present = set(tick.in_force.policies.fleet.names)
            decided = Tally({key: count for key, count in decided.items() if key[0] in present})
            for policy in present:
                for word in Decisions.reasons():
                    decided.setdefault((policy, word), 0)
        for change in self._decisions.changes(tick):
            decided.update((change.policy, word) for word in change.reasons)
        if tick.report is not None:
            acted.update((type(o.action).__name__, "failed" if o.error else "done") for o in tick.report.outcomes)
            acted.update((type(action).__name__, "withheld") for action in tick.report.withheld)
            acted.update((type(held.action).__name__, "held_back") for held in tick.report.held_back)
        self._ended = _ended(self._ended, tick)
        self._decided, self._acted, self._ticks, self._tick = decided, acted, ticks, tick

    def collect(self) -> Iterator[Metric]:
        """Everything but the histogram, as of the newest tick."""
        yield _counter(names.ACTIONS, self._acted.items())
        yield _counter(names.TICKS, self._ticks.items())
        yield _counter(names.ENDED, self._ended.items())
        yield _counter(names.DECISIONS, self._decided.items())
        tick = self._tick
        if tick is None:
            return
        yield _gauge(names.LAST_TICK, [((), tick.now_s)])
        yield _gauge(names.LEADER, [((), float(tick.leads))])
        yield _gauge(names.POLICY_PROBLEMS, [((), float(len(tick.policy_problems)))])
        yield _gauge(names.PROBLEMS, [((), float(len(tick.problems)))])
        if tick.in_force is not None:
            yield from _of_fleet(tick, tick.in_force.policies.fleet)

    def describe(self) -> Iterator[Metric]:
        """Nothing in advance."""
        return iter(())


def _outcome(tick: Tick) -> str:
    if tick.failure is not None:
        return "failed"
    if tick.report is None:
        return "idle"
    return "done" if tick.report.error is None else "blind"


def _ended(before: Tally[tuple[str, str, str]], tick: Tick) -> Tally[tuple[str, str, str]]:
    """Of every pool that a policy in force may use, by fate; those of other policies are nobody's any more."""
    if tick.in_force is None:
        return before
    fleet = tick.in_force.policies.fleet
    seats = [
        (policy, fleet.pools[p].name)
        for w, policy in enumerate(fleet.names)
        for p in np.flatnonzero(fleet.primary[w] | fleet.burst[w])
    ]
    found = Tally({(*seat, fate.lower()): before[(*seat, fate.lower())] for seat in seats for fate in EndFate})
    ends = ((end.policy, end.pool, end.fate.lower()) for end in tick.ended)
    found.update(end for end in ends if end in found)
    return found


def _of_fleet(tick: Tick, fleet: Fleet) -> Iterator[Metric]:
    acting = int(np.count_nonzero(fleet.acts))
    yield _gauge(names.POLICIES, [(("act",), float(acting)), (("observe",), float(fleet.size - acting))])
    report = tick.report
    if report is None or report.observation is None:
        return
    yield from _of_observation(report.observation, fleet)
    yield from _of_signals(report.observation, tick.readings, fleet)
    if report.plan is not None:
        yield from _of_plan(report.plan, fleet)


def _of_observation(observation: Observation, fleet: Fleet) -> Iterator[Metric]:
    inventory = observation.inventory
    demand = observation.demand
    with np.errstate(invalid="ignore", divide="ignore"):
        late = np.where(demand > 0.0, observation.late / demand, observation.late * 0.0)
    starting = inventory.starting.sum(axis=1) + inventory.pending
    rows = (
        (names.DEMAND, demand),
        (names.READY, inventory.ready.sum(axis=1)),
        (names.STARTING, starting),
        (names.FLOOR, inventory.floor),
        (names.LATE_SHARE, late),
    )
    for name, values in rows:
        yield _gauge(name, _by_policy(values, fleet))
    counts = dict(zip(("bound", "pending"), inventory.placeholder_counts(), strict=True))
    yield _gauge(
        names.PLACEHOLDERS,
        [
            ((policy, fleet.pools[p].name, state), float(count[w, p]))
            for state, count in counts.items()
            for w, policy in enumerate(fleet.names)
            for p in np.flatnonzero(fleet.primary[w] | fleet.burst[w])
        ],
    )


def _of_signals(observation: Observation, readings: SignalReadings | None, fleet: Fleet) -> Iterator[Metric]:
    yield _gauge(
        names.SIGNAL_STATE,
        [
            ((policy, kind.name.lower(), state.name.lower()), float(observation.states[w, kind] == state))
            for w, policy in enumerate(fleet.names)
            for kind in SignalKind
            for state in SignalState
        ],
    )
    if readings is not None:
        ages = [
            ((policy, kind.name.lower()), float(readings.age_s[w, kind]))
            for w, policy in enumerate(fleet.names)
            for kind in SignalKind
        ]
        yield _gauge(names.SIGNAL_AGE, [(labels, age_s) for labels, age_s in ages if np.isfinite(age_s)])


def _of_plan(plan: Plan, fleet: Fleet) -> Iterator[Metric]:
    yield _gauge(names.PLANNED, _by_policy(plan.floor, fleet))


def _by_policy(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]], fleet: Fleet) -> list[Sample]:
    numbers = values.astype(np.float64).tolist()
    return [((p,), number) for p, number in zip(fleet.names, numbers, strict=True) if np.isfinite(number)]


def _gauge(name: Name, samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name.text, name.help, labels=name.labels)
    for labels, value in samples:
        family.add_metric(labels, value)
    return family


def _counter(name: Name, counts: Iterable[tuple[tuple[str, ...], int]]) -> CounterMetricFamily:
    family = CounterMetricFamily(name.text, name.help, labels=name.labels)
    for labels, count in counts:
        family.add_metric(labels, float(count))
    return family
