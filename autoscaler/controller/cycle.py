"""`cycle`: observe, forecast, plan, act. The whole product on one screen.

The live controller, a dry run, the simulator and the backtest call this same function. Time is an argument; the state
belongs to the loop: it is updated in place and handed back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autoscaler.act.difference import difference
from autoscaler.act.mode import by_mode
from autoscaler.act.refill import HeldBack, hold_back
from autoscaler.act.renewal import renewed
from autoscaler.controller.apply import apply
from autoscaler.controller.queue import nothing_planned, serve_queue
from autoscaler.domain.action import Action, Outcome
from autoscaler.domain.arrays import Codes, Floats
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import Forecast
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Plan, Reason
from autoscaler.domain.queue import QueueReport
from autoscaler.domain.signal import ZERO, SignalReadings
from autoscaler.forecast.forecaster import Forecaster
from autoscaler.forecast.history import History
from autoscaler.observe.observation import observe, unknown_as_zero
from autoscaler.observe.signals import SignalMemory
from autoscaler.plan.parts import PlanPart
from autoscaler.plan.planning import PlanState, plan
from autoscaler.plan.strategies import Strategy
from autoscaler.policy.governed import Governed
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.errors import PortError
from autoscaler.ports.metrics import MetricsPort
from autoscaler.ports.queue import QueuePort


@dataclass(frozen=True, slots=True)
class Ports:
    """The world, as far as the loop needs it."""

    metrics: MetricsPort
    cluster: ClusterPort
    queue: QueuePort | None = None


@dataclass(slots=True)
class LoopState:
    """All that the loop remembers between ticks."""

    tick_s: float
    memory: SignalMemory
    history: History
    forecaster: Forecaster | None
    planning: PlanState


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What one tick saw, decided and did; `error` says why where it changed nothing because the cluster is unknown.

    withheld: what would have been done for policies that only observe, or are paused. held_back: what waits, so that
    room is asked for again at a limited rate. queue: what was done for work that waits, None where no policy is for it.
    """

    now_s: float
    observation: Observation | None
    forecast: Forecast | None
    plan: Plan | None
    outcomes: tuple[Outcome, ...]
    error: str | None = None
    withheld: tuple[Action, ...] = ()
    held_back: tuple[HeldBack, ...] = ()
    queue: QueueReport | None = None


def start(fleet: Fleet, strategy: Strategy, tick_s: float, shared_nodes: bool) -> LoopState:
    """The state of a loop that has seen nothing."""
    planning = PlanState.fresh(fleet, strategy, tick_s, shared_nodes)
    series = fleet.size + planning.groups.member.shape[0]
    history = History.fresh(series, tick_s)
    forecaster = None
    if strategy.planner.uses_forecast and fleet.size:
        lead_s = np.stack([fleet.replica_lead_s, fleet.lead_s], axis=1)
        pooled_s = [lead_s[row].max(axis=0) for row in planning.groups.member]
        forecaster = Forecaster.fresh(history, np.concatenate([lead_s, np.array(pooled_s).reshape(-1, 2)]))
    return LoopState(tick_s, SignalMemory.fresh(fleet.size), history, forecaster, planning)


def cycle(now_s: float, state: LoopState, policies: Governed, ports: Ports) -> tuple[LoopState, CycleReport]:
    """One tick at `now_s` (seconds since the epoch, or since the start of a replay)."""
    state, seen = follow(now_s, state, policies, ports)
    if seen.observation is None:
        return state, seen
    fleet, observation = policies.fleet, seen.observation
    bounds = policies.bounds(now_s, state.tick_s)
    decided = nothing_planned(fleet)
    if fleet.size:
        decided = plan(state.planning, fleet, observation, seen.forecast, state.history, bounds, state.tick_s)
    changes = renewed(difference(decided, observation.inventory), decided, observation.inventory, fleet)
    wanted, withheld = by_mode(changes, fleet, bounds.paused)
    due = (decided.reasons & np.uint32(Reason.GANG)) > 0
    actions, held_back = hold_back(wanted, observation.inventory.ended, fleet, now_s, due=due)
    outcomes = apply(actions, ports.cluster)
    queue = None
    if policies.queues and ports.queue is not None:
        queue = serve_queue(now_s, policies, ports.queue, decided, observation.inventory)
    report = CycleReport(
        now_s, observation, seen.forecast, decided, tuple(outcomes), None, tuple(withheld), tuple(held_back), queue
    )
    return state, report


def follow(now_s: float, state: LoopState, policies: Governed, ports: Ports) -> tuple[LoopState, CycleReport]:
    """The first half of a tick, which is all that one who does not lead does: sees, learns, and leaves it at that."""
    fleet = policies.fleet
    try:
        inventory = ports.cluster.inventory(now_s)
    except PortError as error:
        return state, CycleReport(now_s, None, None, None, (), f"{type(error).__name__}: {error}")
    try:
        readings = ports.metrics.read(now_s)
    except PortError:
        readings = SignalReadings.empty(fleet.size)
    observation = observe(now_s, readings, inventory, fleet, state.memory)
    if not state.planning.strategy.has(PlanPart.FRESHNESS):
        observation = unknown_as_zero(observation)
    forecast = teach(state, fleet, now_s, observation.demand, observation.demand_state)
    return state, CycleReport(now_s, observation, forecast, None, ())


def teach(state: LoopState, fleet: Fleet, now_s: float, demand: Floats, demand_state: Codes) -> Forecast | None:
    """Teaches history and forecaster what is healthy: values after a gap may be artefacts and are left out."""
    unhealthy = demand_state > ZERO
    if np.count_nonzero(unhealthy):
        demand = np.where(unhealthy, np.nan, demand)
    series = state.planning.groups.series(demand, fleet)
    if state.forecaster is None:
        state.history.add(now_s, series)
        return None
    state.forecaster.learn(now_s, series)
    return state.forecaster.forecast()
