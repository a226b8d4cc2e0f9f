"""The traffic of a scenario's workloads: minutes of requests, scaled to the stated peak."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.demo_traffic import NOTE, hourly_to_minutes, load_burstgpt
from autoscaler.evaluation.scenario.generate import STEP_S, Minutes, generated
from autoscaler.evaluation.scenario.model import Scenario, SimulatedWorkload
from autoscaler.evaluation.trace import TraceError, offered_replicas, read_trace

DAY_S = 86_400.0
SERVICES = 1000
"""The published service saw two requests a minute; a fleet serves many like it, whose plain chance evens out."""


class TrafficError(ValueError):
    """Traffic that cannot be used. `field`: of `traffic`, where the way out begins."""

    def __init__(self, field: str, message: str, hint: str) -> None:
        self.field, self.message, self.hint = field, message, hint
        super().__init__(f"{message}; {hint}")


def scaled_requests(
    workload: SimulatedWorkload, per_replica_s: float, spec: Scenario, number: int, folder: Path
) -> tuple[Floats, str]:
    """(requests a minute of the whole replay, float [T]; what a reader must know of them, or nothing).

    Scaled so that the 99.5th percentile over the replay's minutes with data needs `peak` replicas, where it is said.
    per_replica_s: requests a second of one. number: of the workload in the file, for its own stream of random numbers.
    Raises TrafficError.
    """
    if workload.traffic.generate:
        return _generated(workload, per_replica_s, spec, number), ""
    source = "burstgpt" if workload.traffic.trace is None else "trace"
    assert workload.peak is not None
    try:
        minutes, note = _minutes(workload, spec, number, folder)
        part = _cut(minutes, workload, spec)
        return offered_replicas(part, workload.peak)[0] * per_replica_s * STEP_S, note
    except TraceError as error:
        raise _refused(source, error) from None


def _generated(workload: SimulatedWorkload, per_replica_s: float, spec: Scenario, number: int) -> Floats:
    traffic, per_minute = workload.traffic, per_replica_s * STEP_S
    minutes = Minutes.of(spec.start, round(spec.end_s / STEP_S), ZoneInfo(traffic.timezone), per_minute)
    replicas = generated(traffic.generate, minutes, traffic.dispersion, (spec.seed, 101, number))
    if workload.peak is None:
        return replicas * per_minute
    try:
        return offered_replicas(replicas, workload.peak)[0] * per_minute
    except TraceError as error:
        raise _refused("generate", error) from None


def _refused(field: str, error: TraceError) -> TrafficError:
    message, _, hint = str(error).rpartition("; ")
    return TrafficError(field, message or hint, hint if message else "choose other traffic")


def _cut(minutes: Floats, workload: SimulatedWorkload, spec: Scenario) -> Floats:
    """The part of the replay."""
    wanted = round((spec.warmup_s + spec.score_s) / STEP_S)
    first = round(workload.traffic.first_day * DAY_S / STEP_S)
    part = minutes[first : first + wanted]
    if part.size < wanted:
        left, asked = part.size * STEP_S / DAY_S, wanted * STEP_S / DAY_S
        said = f"{left:.3g} days of traffic from day {workload.traffic.first_day}, warmup and score take {asked:.3g}"
        raise TrafficError("firstDay", said, "choose an earlier firstDay, or a shorter warmup or score")
    return part


def _minutes(workload: SimulatedWorkload, spec: Scenario, number: int, folder: Path) -> tuple[Floats, str]:
    traffic = workload.traffic
    if traffic.burstgpt is not None:
        rng = np.random.default_rng([spec.seed, 100, number])
        return hourly_to_minutes(load_burstgpt(traffic.burstgpt) * SERVICES, rng, traffic.dispersion), NOTE
    assert traffic.trace is not None
    trace = read_trace(folder / traffic.trace, traffic.series)
    return trace.per_tick(STEP_S), trace.gap_note() or ""
