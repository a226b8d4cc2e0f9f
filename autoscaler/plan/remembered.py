"""What planning has learned of one workload and cannot learn again from history: small, and saved by the live loop.

It is judgement on what really happened: the loop's knob, how severe a shortage is, and what each shadow would have cost
and been late. All else is rebuilt by the same update path that live demand takes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Floats
from autoscaler.plan.loop import OuterLoop
from autoscaler.plan.ours import Ours
from autoscaler.plan.planning import PlanState
from autoscaler.plan.portfolio import PortfolioMemory


@dataclass(frozen=True, slots=True)
class PlanMemory:
    """knob, owed, mean_demand: of the outer loop (`OuterLoop`). measured, modelled: of `Severity`.

    portfolio: None where nothing runs in shadow yet.
    """

    knob: float
    owed: float
    mean_demand: float
    measured: float
    modelled: float
    portfolio: PortfolioMemory | None = None


def has_judged(state: PlanState, workload: int) -> bool:
    """Whether planning has seen demand of this workload."""
    return not math.isnan(state.loop.mean_demand[workload])


def remembered(state: PlanState, workload: int) -> PlanMemory | None:
    """What there is to remember; None before planning has seen demand."""
    if not has_judged(state, workload):
        return None
    loop, severity, planner = state.loop, state.severity, state.strategy.planner
    return PlanMemory(
        knob=float(loop.knob[workload]),
        owed=float(loop.owed[workload]),
        mean_demand=float(loop.mean_demand[workload]),
        measured=float(severity.measured[workload]),
        modelled=float(severity.modelled[workload]),
        portfolio=planner.remembered(workload) if isinstance(planner, Ours) else None,
    )


def recall(state: PlanState, workload: int, memory: PlanMemory) -> None:
    """Goes on from what was remembered; the knob stays within its limits."""
    loop, severity, planner = state.loop, state.severity, state.strategy.planner
    loop.knob = _with(loop.knob, workload, float(np.clip(memory.knob, *_limits(loop))))
    loop.owed = _with(loop.owed, workload, memory.owed)
    loop.mean_demand = _with(loop.mean_demand, workload, memory.mean_demand)
    severity.measured = _with(severity.measured, workload, memory.measured)
    severity.modelled = _with(severity.modelled, workload, memory.modelled)
    if memory.portfolio is not None and isinstance(planner, Ours):
        planner.recall(workload, memory.portfolio)


def _limits(loop: OuterLoop) -> tuple[float, float]:
    low, high = (float(np.asarray(limit).ravel()[0]) for limit in loop.limits)
    return low, high


def _with(array: Floats, workload: int, value: float) -> Floats:
    """A copy: fresh states share arrays."""
    out = array.copy()
    out[workload] = value
    return out
