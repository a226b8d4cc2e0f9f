"""One tick's plan: the strategy's proposal, through hold and guards, split into floors and placeholders."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from autoscaler.domain.arrays import Bools, Floats, Ints
from autoscaler.domain.bounds import Bounds
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.forecast import WHOLE_LEAD, Forecast
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Plan, Reason
from autoscaler.domain.signal import MISSING, ZERO
from autoscaler.forecast.history import History
from autoscaler.plan.budgets import affordable_placeholders
from autoscaler.plan.groups import Groups
from autoscaler.plan.guards import Context, Draft, guarded, rollout
from autoscaler.plan.hold import Hold
from autoscaler.plan.loop import OuterLoop
from autoscaler.plan.parts import PlanPart
from autoscaler.plan.planner import Proposal, View
from autoscaler.plan.rollouts import lifted, surge_to_come, without_rollouts
from autoscaler.plan.room_first import room_first
from autoscaler.plan.severity import Severity
from autoscaler.plan.strategies import Strategy
from autoscaler.plan.tiers import beyond_pools, least_on_primary, place, pooled_share, spare_replicas
from autoscaler.plan.undisturbed import undisturbed_demand

FORECAST, POOL_LIMIT = np.uint32(Reason.FORECAST), np.uint32(Reason.POOL_LIMIT)
SCHEDULE_AT_LEAST = np.uint32(Reason.SCHEDULE_AT_LEAST)
BUDGET, SIGNAL_MISSING = np.uint32(Reason.BUDGET), np.uint32(Reason.SIGNAL_MISSING)
PAUSED = np.uint32(Reason.PAUSED)
BOUND_REASONS = np.uint32(
    Reason.MAXIMUM
    | Reason.SCHEDULE_AT_MOST
    | Reason.POOL_LIMIT
    | Reason.BUDGET
    | Reason.OVERRIDE
    | Reason.PAUSED
    | Reason.OWNER_MAXIMUM
)
LIFT_REASONS = np.uint32(Reason.SCHEDULE_AT_LEAST | Reason.SCHEDULE_MULTIPLY | Reason.MINIMUM | Reason.OWNER_MINIMUM)


@dataclass(slots=True)
class PlanState:
    """What planning remembers between ticks; owned by the loop.

    demand: float [W], the last known demand. proposal: the last good one. bound, lifted: bool [W], a bound set the
    last floor, or a person did; a schedule or a minimum lifted it.
    """

    strategy: Strategy
    groups: Groups
    severity: Severity
    loop: OuterLoop
    floor_hold: Hold
    room_hold: Hold
    demand: Floats
    proposal: Proposal
    bound: Bools
    lifted: Bools
    shared_nodes: bool

    @staticmethod
    def fresh(fleet: Fleet, strategy: Strategy, tick_s: float, shared_nodes: bool) -> PlanState:
        """A state that has planned nothing."""
        longest_s = max(fleet.longest_lead_s, float(np.nanmax(np.append(fleet.hold_s, 0.0))))
        nothing = np.full(fleet.size, np.nan)
        return PlanState(
            strategy=strategy,
            groups=Groups.of(fleet),
            severity=Severity.fresh(fleet.size),
            loop=OuterLoop.fresh((fleet.size,), np.array(strategy.knob_limits)[:, None]),
            floor_hold=Hold.fresh((fleet.size,), longest_s, tick_s),
            room_hold=Hold.fresh((fleet.size,), longest_s, tick_s),
            demand=nothing,
            proposal=Proposal.of(nothing, nothing),
            bound=np.zeros(fleet.size, dtype=bool),
            lifted=np.zeros(fleet.size, dtype=bool),
            shared_nodes=shared_nodes,
        )


def plan(
    state: PlanState, fleet: Fleet, observation: Observation, forecast: Forecast | None, history: History,
    bounds: Bounds, tick_s: float,
) -> Plan:  # fmt: skip
    """The plan of this tick; updates the state."""
    if rollout not in state.strategy.guards:
        observation = without_rollouts(observation)
    known = np.isfinite(observation.demand)
    everywhere = np.count_nonzero(known) == known.size
    state.demand = observation.demand if everywhere else np.where(known, observation.demand, state.demand)
    severity = state.severity.factor()
    if state.strategy.looped:
        state.severity.learn(observation, tick_s)
        state.loop.update(
            observation.now_s, tick_s, fleet.longest_lead_s, observation.late, observation.demand,
            fleet.late_target, state.bound | (observation.demand_state > ZERO), severity, state.lifted,
        )  # fmt: skip
    view = View(
        observation.now_s, tick_s, fleet, observation, history, forecast, state.demand, state.loop.knob, severity
    )  # fmt: skip
    proposed = state.strategy.planner.propose(view)
    if proposed.knob is not None and state.strategy.looped:
        state.loop.go_on_from(proposed.knob)
    proposal = _last_good(state, proposed, observation)
    most = _most(fleet, bounds, observation.inventory)
    undisturbed = undisturbed_demand(observation.now_s, history, bounds, fleet)
    draft, room, held = _draft(state, proposal, fleet, observation, bounds, undisturbed, tick_s)
    sure, stays = bounds.room_at_least, held | (observation.demand_state > ZERO)
    wanted = draft.floor
    draft, first = _first(draft, state, observation.inventory, fleet, bounds)
    placeholders, short = _beyond(wanted, room, most, state, forecast, observation, fleet, sure, stays, first)
    placeholders, dear = affordable_placeholders(placeholders, wanted - first, observation.inventory, fleet)
    missing = observation.demand_state == MISSING  # shown though nothing moved: the last good target stands
    reasons = draft.reasons | short * POOL_LIMIT | dear * BUDGET | missing * SIGNAL_MISSING
    if bounds.paused is not None:
        reasons = reasons | bounds.paused * PAUSED
    state.bound, state.lifted = (reasons & BOUND_REASONS) > 0, (reasons & LIFT_REASONS) > 0
    return Plan(draft.floor.astype(np.int64), placeholders, proposal.room, reasons, state.loop.knob)


def _first(
    draft: Draft, state: PlanState, inventory: Inventory, fleet: Fleet, bounds: Bounds
) -> tuple[Draft, Ints]:  # fmt: skip
    """(floors that are asked for; of the floors given what waits for its room, int [W])."""
    if not state.strategy.has(PlanPart.PLACEHOLDERS):
        return draft, np.zeros(fleet.size, dtype=np.int64)
    asked, first = room_first(draft, inventory, fleet, bounds)
    return asked, first + _not_asked(asked.floor, inventory, fleet)


def _not_asked(floor: Floats, inventory: Inventory, fleet: Fleet) -> Ints:
    """Of floors that are only published, or cannot be moved now, what the owner does not ask for yet, int [W]: until it
    does, nothing but placeholders brings the nodes.
    """
    ahead = np.where(inventory.movable(fleet.moves), 0.0, np.maximum(floor - inventory.floor, 0.0))
    out: Ints = ahead.astype(np.int64)
    return out


def _most(fleet: Fleet, bounds: Bounds, inventory: Inventory) -> Floats:
    """Replicas that neither floor nor room may pass, float [W]; of a floor that a person has set, just that."""
    sure = np.maximum(bounds.at_least, bounds.room_at_least)
    most = np.minimum(fleet.max_replicas, np.maximum(bounds.at_most, sure))
    if bounds.override is not None:
        most = np.where(np.isfinite(bounds.override), bounds.override, most)
    return most if inventory.owner_most is None else np.minimum(most, inventory.owner_most)


def _last_good(state: PlanState, proposal: Proposal, observation: Observation) -> Proposal:
    """While demand is missing the last good target stands, never one made of nothing."""
    stands = (observation.demand_state == MISSING) & np.isfinite(state.proposal.floor)
    if not np.count_nonzero(stands):
        state.proposal = proposal
        return proposal
    state.proposal = Proposal(
        np.where(stands, state.proposal.floor, proposal.floor),
        np.where(stands, state.proposal.room, proposal.room),
        np.where(stands, state.proposal.burst, proposal.burst),
    )
    return state.proposal


def _draft(
    state: PlanState, proposal: Proposal, fleet: Fleet, observation: Observation, bounds: Bounds, undisturbed: Floats,
    tick_s: float,
) -> tuple[Draft, Floats, Bools]:  # fmt: skip
    """The floors after all guards, the room after its own hold, float [W] each, and where that holds some, bool [W]."""
    asked, now_s = observation.inventory.floor, observation.now_s
    has_room = proposal.room is not proposal.floor and state.strategy.has(PlanPart.PLACEHOLDERS)
    bounds = _scheduled(bounds, observation.inventory, has_room)
    holds = state.strategy.holds
    hold_s = fleet.replica_hold_s if state.shared_nodes else fleet.whole_hold_s

    def keep(wanted: Floats) -> Floats:
        return state.floor_hold.keep(now_s, wanted, hold_s - tick_s) if holds else wanted

    draft = Draft(_whole(proposal.floor, asked), np.full(fleet.size, FORECAST))
    burst = np.ceil(proposal.burst - 1e-6)
    context = Context(observation, fleet, bounds, state.demand, burst, undisturbed, keep, tick_s)
    draft = guarded(draft, context, state.strategy.guards)
    if not has_room:
        return draft, draft.floor, np.zeros(fleet.size, dtype=bool)
    wanted = _whole(proposal.room, asked)
    room = state.room_hold.keep(now_s, wanted, fleet.whole_hold_s - tick_s) if holds else wanted
    begins = bounds.room_at_least > np.maximum(room, draft.floor)
    draft = Draft(draft.floor, draft.reasons | begins * SCHEDULE_AT_LEAST)
    held = ~begins & (room > wanted)
    room = room + lifted(draft.floor, draft.reasons, observation.inventory)
    return draft, np.where(begins, bounds.room_at_least, room), held


def _scheduled(bounds: Bounds, inventory: Inventory, has_room: bool) -> Bounds:
    """When the floors of schedules begin: the whole lead ahead; where placeholders bring the nodes, which pins them to
    their pools, as soon as a node is there, and a replica's lead ahead at the latest.
    """
    soon = bounds.room_at_least
    if not np.count_nonzero(soon):
        return bounds
    if has_room:
        bound, _ = inventory.placeholder_counts()
        soon = np.minimum(soon, (inventory.ready + inventory.starting + bound).sum(axis=1))
    return replace(bounds, at_least=np.maximum(bounds.at_least, soon))


def _whole(wanted: Floats, asked: Ints) -> Floats:
    """Whole replicas; what was asked for last where there is no opinion."""
    whole: Floats = np.ceil(wanted - 1e-6)
    unknown = np.isnan(whole)
    return np.where(unknown, asked, whole) if np.count_nonzero(unknown) else whole


def _beyond(
    floor: Floats, room: Floats, most: Floats, state: PlanState, forecast: Forecast | None, observation: Observation,
    fleet: Fleet, sure: Floats, stays: Bools, first: Ints,
) -> tuple[Ints, Bools]:  # fmt: skip
    """(placeholders, int [W, P]; True [W] where the pools cannot hold all) for the room beyond the floors.

    most: float [W], the ceilings in force, which room does not pass either. sure: float [W], what is needed whatever
    the forecast says, as a schedule does. stays: bool [W], where what stands is not moved to another pool: what is held
    is let go before a node there would be ready. first: int [W], of the floor what waits for its room.
    """
    full = beyond_pools(floor, observation.inventory, fleet)
    if room is floor and not np.count_nonzero(first):
        return np.zeros((fleet.size, len(fleet.pools)), dtype=np.int64), full
    share = pooled_share(forecast, state.groups, fleet)
    spare = spare_replicas(np.minimum(room, most), floor, share, state.groups, fleet)
    spare = spare + surge_to_come(observation.inventory, fleet)
    spare = _kept_on_unknown(spare, floor, most, observation) + first
    middle = state.demand if forecast is None else forecast.centre[: fleet.size, WHOLE_LEAD]
    middle = np.maximum(np.fmax(middle, 0.0), sure)
    base = least_on_primary(floor - first + spare, middle, fleet) * state.strategy.has(PlanPart.PRIMARY)
    placeholders, short = place(spare, base, observation.inventory, fleet, stays)
    return placeholders, short | full


def _kept_on_unknown(spare: Ints, floor: Floats, most: Floats, observation: Observation) -> Ints:
    """While demand is unknown all placeholders that stand are kept, but for those that a rising floor takes with it."""
    unknown, inventory = observation.demand_state > ZERO, observation.inventory
    if not (np.count_nonzero(unknown) and inventory.placeholders):
        return spare
    bound, pending = inventory.placeholder_counts()
    standing = np.minimum((bound + pending).sum(axis=1) - (floor - inventory.floor), most - floor)
    out: Ints = np.maximum(spare, (standing * unknown).astype(np.int64))
    return out
