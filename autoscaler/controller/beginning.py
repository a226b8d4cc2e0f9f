"""How a live loop begins: with nothing, or with the past as far as somebody remembers it."""

from __future__ import annotations

from dataclasses import dataclass

from autoscaler.controller.cycle import LoopState, start
from autoscaler.controller.in_force import InForce
from autoscaler.controller.recovery import recall
from autoscaler.domain.fleet import Fleet
from autoscaler.plan.strategies import Setting, strategy
from autoscaler.ports.errors import PortError

STRATEGY = "ours"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """tick_s: seconds between two ticks. history_s: how long the metric store may take to tell the past."""

    tick_s: float = 15.0
    history_s: float = 60.0


def fresh(fleet: Fleet, rhythm: Rhythm) -> LoopState:
    """The state of a live loop that has seen nothing; at least one workload.

    Nodes count as shared where several replicas fit on one, or there are several workloads: placeholders hold room.
    """
    shares = fleet.size > 1 or any(pool.gpus_per_node > 1 for pool in fleet.pools)
    return start(fleet, strategy(STRATEGY, Setting(0.0, shares)), rhythm.tick_s, shares)


def begun(in_force: InForce, now_s: float, rhythm: Rhythm) -> tuple[LoopState, tuple[str, ...]]:
    """The state of a loop that begins now with what is remembered of the past, and what to say of that."""
    fleet = in_force.policies.fleet
    state = fresh(fleet, rhythm)
    if in_force.past is None:
        return state, ("history begins now: nobody remembers the past",)
    try:
        left_out = recall(state, fleet, in_force.past, now_s, rhythm.history_s)
    except PortError as error:
        return state, (f"history begins now: {error}",)
    known, most = state.history.known_bins(), state.history.ring.shape[1]
    said = f"history: {known} of {most} bins of {state.history.bin_s:g} s are known"
    return state, (*(f"left out of history: {line}" for line in left_out), said)
