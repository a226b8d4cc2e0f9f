"""The traffic of a scenario's workloads: minutes of requests, scaled to the stated peak."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.evaluation.demo_traffic import NOTE, hourly_to_minutes, load_burstgpt
from autoscaler.evaluation.scenario.model import Scenario, SimulatedWorkload
from autoscaler.evaluation.trace import TraceError, offered_replicas, read_trace
from autoscaler.policy.model import CapacityPolicy

STEP_S = 60.0
DAY_S = 86_400.0
SERVICES = 1000
"""The published service saw two requests a minute; a fleet serves many like it, whose plain chance evens out."""


def scaled_requests(
    workload: SimulatedWorkload, policy: CapacityPolicy, spec: Scenario, number: int, folder: Path
) -> tuple[Floats, str]:
    """(requests a minute of the whole replay, float [T]; what a reader must know of them, or nothing).

    Scaled so that the 99.5th percentile over the replay's minutes with data needs `peak` replicas. `number`: of the
    workload, for its own stream of random numbers. Raises TraceError where the traffic is too short.
    """
    minutes, note = _minutes(workload, spec, number, folder)
    wanted = round((spec.warmup_s + spec.score_s) / STEP_S)
    first = round(workload.traffic.first_day * DAY_S / STEP_S)
    part = minutes[first : first + wanted]
    if part.size < wanted:
        raise TraceError(
            f"traffic of {workload.policy}: {minutes.size * STEP_S / DAY_S:.3g} days from day "
            f"{workload.traffic.first_day} are not enough for {wanted * STEP_S / DAY_S:.3g}; "
            "choose an earlier firstDay, or a shorter warmup or score"
        )
    capacity = policy.demand.per_replica.arrivals_per_s
    if capacity is None:
        raise TraceError(
            f"traffic of {workload.policy}: its policy gives no perReplica.arrivals to scale it by; add it"
        )
    return offered_replicas(part, workload.peak)[0] * capacity * STEP_S, note


def _minutes(workload: SimulatedWorkload, spec: Scenario, number: int, folder: Path) -> tuple[Floats, str]:
    traffic = workload.traffic
    if traffic.burstgpt is not None:
        rng = np.random.default_rng([spec.seed, 100, number])
        return hourly_to_minutes(load_burstgpt(traffic.burstgpt) * SERVICES, rng, traffic.dispersion), NOTE
    assert traffic.trace is not None
    trace = read_trace(folder / traffic.trace, traffic.series)
    return trace.per_tick(STEP_S), trace.gap_note() or ""
