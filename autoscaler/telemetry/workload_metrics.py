"""Metrics of each policy, as one tick saw, forecast and planned it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from prometheus_client.core import Metric

from autoscaler.controller.cycle import CycleReport
from autoscaler.domain.arrays import Ints
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import Forecast
from autoscaler.domain.lead_time import Part, StageQuantile
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Plan
from autoscaler.domain.signal import SignalKind, SignalReadings, SignalState
from autoscaler.domain.usage import Use, UseQuantile
from autoscaler.telemetry import names
from autoscaler.telemetry.decisions import reason_words
from autoscaler.telemetry.judge import HORIZONS, PERCENTILES, percentiles
from autoscaler.telemetry.samples import Numbers, Sample, by_policy, gauge, known, labelled
from autoscaler.telemetry.seats import Seats

SIGNALS = tuple(kind.name.lower() for kind in SignalKind)
STATES = tuple(state.name.lower() for state in SignalState)
MODES = ("act", "observe")
PLACEHOLDER_STATES = ("bound", "pending")
CODES = np.array([int(state) for state in SignalState])


def of_fleet(fleet: Fleet) -> Iterator[Metric]:
    """What policies say, whatever was seen."""
    acting = int(np.count_nonzero(fleet.acts))
    counts = (acting, fleet.size - acting)
    yield gauge(names.POLICIES, [((mode,), float(count)) for mode, count in zip(MODES, counts, strict=True)])
    yield gauge(names.ACTS, by_policy(fleet.acts.astype(np.float64), fleet))
    yield gauge(names.LATE_OBJECTIVE, by_policy(fleet.late_target, fleet))
    leads = {Part.NODE: fleet.node_lead_s, Part.REPLICA: fleet.replica_lead_s}
    of_parts = ((part.value, by_policy(lead_s, fleet)) for part, lead_s in leads.items())
    yield gauge(names.PLANNED_LEAD, [((*policy, part), lead_s) for part, each in of_parts for policy, lead_s in each])


def of_lead_times(found: Sequence[StageQuantile]) -> Metric:
    """As learned by now."""
    samples = [((q.policy, q.pool, q.stage.value, f"{100.0 * q.quantile:g}"), q.seconds) for q in found]
    return gauge(names.LEAD_TIME, samples)


def of_uses(found: Sequence[UseQuantile]) -> Iterator[Metric]:
    """What replicas use of their GPUs, as known by now."""
    for use, name in ((Use.COMPUTE, names.GPU_USED), (Use.MEMORY, names.GPU_MEMORY_USED)):
        yield gauge(name, [((q.policy, f"{100.0 * q.quantile:g}"), q.share) for q in found if q.use is use])


def of_observation(observation: Observation, seats: Seats, bound: Ints, pending: Ints) -> Iterator[Metric]:
    """What was seen; bound, pending: placeholders [W, P]."""
    fleet, inventory, demand = seats.fleet, observation.inventory, observation.demand
    with np.errstate(invalid="ignore", divide="ignore"):
        late = np.where(demand > 0.0, observation.late / demand, observation.late * 0.0)
    rows: tuple[tuple[names.Name, Numbers], ...] = (
        (names.DEMAND, demand),
        (names.READY, inventory.ready.sum(axis=1)),
        (names.STARTING, inventory.starting.sum(axis=1) + inventory.pending),
        (names.FLOOR, inventory.floor),
        (names.LATE_SHARE, late),
        (names.LATE_MEASURED, observation.late_is_measured.astype(np.float64)),
    )
    for name, values in rows:
        yield gauge(name, by_policy(values, fleet))
    counts = np.stack([count[seats.rows, seats.pools] for count in (bound, pending)], axis=1)
    yield gauge(names.PLACEHOLDERS, labelled(seats.names, PLACEHOLDER_STATES, counts))
    warm = (counts[:, 0] * fleet.gpus_per_replica[seats.rows]).tolist()
    yield gauge(names.WARM_GPUS, zip(seats.names, warm, strict=True))


def of_signals(observation: Observation, readings: SignalReadings | None, fleet: Fleet) -> Iterator[Metric]:
    """States, ages and values of signals."""
    is_state = (observation.states[:, :, None] == CODES).astype(np.float64).tolist()
    states: list[Sample] = [
        ((policy, signal, state), value)
        for policy, row in zip(fleet.names, is_state, strict=True)
        for signal, each in zip(SIGNALS, row, strict=True)
        for state, value in zip(STATES, each, strict=True)
    ]
    yield gauge(names.SIGNAL_STATE, states)
    yield gauge(names.SIGNAL_VALUE, _by_signal(observation.values, fleet))
    if readings is not None:
        yield gauge(names.SIGNAL_AGE, _by_signal(readings.age_s, fleet))


def of_forecast(forecast: Forecast | None, fleet: Fleet) -> Iterator[Metric]:
    """Percentiles at both horizons; nothing where the planner that leads does not forecast."""
    if forecast is None:
        return
    samples: list[Sample] = [
        ((policy, horizon, percentile), value)
        for policy, row in zip(fleet.names, percentiles(forecast, fleet).tolist(), strict=True)
        for horizon, each in zip(HORIZONS, row, strict=True)
        for percentile, value in zip(PERCENTILES, each, strict=True)
        if known(value)
    ]
    yield gauge(names.FORECAST, samples)


def of_plan(plan: Plan, fleet: Fleet) -> Iterator[Metric]:
    """What is wanted, and why."""
    yield gauge(names.PLANNED, by_policy(plan.floor, fleet))
    yield gauge(names.KNOB, by_policy(plan.level, fleet))
    reasons: list[Sample] = [
        ((policy, word), 1.0)
        for policy, bits in zip(fleet.names, plan.reasons.tolist(), strict=True)
        for word in reason_words(bits)
    ]
    yield gauge(names.PLAN_REASONS, reasons)


def of_report(report: CycleReport, readings: SignalReadings | None, seats: Seats) -> Iterator[Metric]:
    """All that a tick tells of policies, beside what it tells of pools."""
    if report.observation is None:
        return
    bound, pending = report.observation.inventory.placeholder_counts()
    yield from of_observation(report.observation, seats, bound, pending)
    yield from of_signals(report.observation, readings, seats.fleet)
    yield from of_forecast(report.forecast, seats.fleet)
    if report.plan is not None:
        yield from of_plan(report.plan, seats.fleet)


def _by_signal(values: Numbers, fleet: Fleet) -> list[Sample]:
    """One sample a workload and signal of values [W, S], those that are no number left out."""
    return [
        ((policy, signal), value)
        for policy, row in zip(fleet.names, values.tolist(), strict=True)
        for signal, value in zip(SIGNALS, row, strict=True)
        if known(value)
    ]
