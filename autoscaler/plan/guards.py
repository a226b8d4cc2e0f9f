"""The guards: an ordered list of pure functions, each moving the floor within what is promised and adding its reason.

Order is policy: a forecast lifts by steps, promise 1 at once; schedules lift, the hold keeps, unknown never lowers;
what falls, falls by steps; then ceilings, bounds and budgets, which are the user's word and win; what a person sets by
hand wins over all of it, but for what the owner of the replicas allows at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Flags, Floats, Ints
from autoscaler.domain.bounds import Bounds
from autoscaler.domain.fleet import NO_MAXIMUM, Fleet
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Reason
from autoscaler.domain.signal import ARRIVALS, MISSING, QUEUE, RECOVERING, RUNNING, ZERO
from autoscaler.plan.budgets import affordable
from autoscaler.plan.rollouts import lifts

STEP_S, STEP_UP_MORE, STEP_DOWN_SHARE, STEP_DOWN_LEAST = 15.0, 8, 0.5, 4
WORK = (ARRIVALS, QUEUE, RUNNING)
"""Signals that tell of requests also where no replica is."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A floor on its way through the guards: float [W] replicas (whole), with `Reason` bits [W]."""

    floor: Floats
    reasons: Flags


@dataclass(frozen=True, slots=True)
class Context:
    """What the guards look at.

    demand, burst, undisturbed: float [W]: the last known demand, what usually comes at this time of the day, and demand
    without the event that is near (NaN where none is).
    """

    observation: Observation
    fleet: Fleet
    bounds: Bounds
    demand: Floats
    burst: Floats
    undisturbed: Floats
    keep: Callable[[Floats], Floats]
    """The loop's hold; the identity for strategies that release by a rule of their own."""
    tick_s: float
    """Seconds since a floor was moved last: how far a step may go."""


def _lift(draft: Draft, to: Floats | Ints, reason: Reason) -> Draft:
    moved: Bools = to > draft.floor
    if not np.count_nonzero(moved):
        return draft
    return Draft(np.where(moved, to, draft.floor), draft.reasons | moved * np.uint32(reason))


def _lower(draft: Draft, to: Floats | Ints, reason: Reason) -> Draft:
    moved: Bools = to < draft.floor
    if not np.count_nonzero(moved):
        return draft
    return Draft(np.where(moved, to, draft.floor), draft.reasons | moved * np.uint32(reason))


def wake(draft: Draft, context: Context) -> Draft:
    """While nobody is ready and a request came or waits: one replica, however little of one it needs.

    The first request of all is seen in the queue before any rate tells it, and a rate of a new counter never does.
    """
    seen = context.observation
    if not np.count_nonzero(seen.pressed):
        return draft
    asleep = seen.pressed & (np.add.reduce(seen.inventory.ready, axis=1) == 0)
    if not np.count_nonzero(asleep):
        return draft
    came = np.count_nonzero(seen.values[:, WORK] > 0.0, axis=1) > 0
    return _lift(draft, (asleep & came).astype(np.float64), Reason.WOKEN)


def reactive(draft: Draft, context: Context) -> Draft:
    """While requests are late or the queue grows: at least the demand now."""
    pressed = context.observation.pressed
    if not np.count_nonzero(pressed):
        return draft
    need = np.ceil(np.fmax(context.demand, 0.0) - 1e-9)
    return _lift(draft, need * pressed, Reason.REACTIVE)


def step_up(draft: Draft, context: Context) -> Draft:
    """In a quarter of a minute to twice the floor and 8 more, and by one in a tick at least: no owner slows a floor
    down, and a signal may be wrong.

    Schedules, minima and people, who come after it, are not slowed down; nor is a floor that is only published, which
    is a metric to its owner, who slows metrics down.
    """
    asked = context.observation.inventory.floor
    most = np.floor((asked + STEP_UP_MORE) * 2.0 ** (context.tick_s / STEP_S)) - STEP_UP_MORE
    moves = context.observation.inventory.movable(context.fleet.moves)
    return _lower(draft, np.where(moves, np.maximum(most, asked + 1), np.inf), Reason.STEP)


def step_down(draft: Draft, context: Context) -> Draft:
    """Under an owner with a floor of its own: half of it in a quarter of a minute, and at least four in a tick.

    An owner follows a floor at once however far it falls. Where the floor is the number of replicas itself, the hold
    alone slows it down: steps would keep what is not needed.
    """
    inventory = context.observation.inventory
    if inventory.owner_least is None or inventory.owner_most is None:
        return draft
    asked = inventory.floor
    has_owner = (inventory.owner_least > 0) | (inventory.owner_most < NO_MAXIMUM)
    least = np.minimum(np.floor(asked * (1.0 - STEP_DOWN_SHARE) ** (context.tick_s / STEP_S)), asked - STEP_DOWN_LEAST)
    return _lift(draft, least * (has_owner & context.fleet.moves), Reason.STEP)


def schedule_at_least(draft: Draft, context: Context) -> Draft:
    """The floor of a schedule that is in force, or begins within the lead time."""
    return _lift(draft, context.bounds.at_least, Reason.SCHEDULE_AT_LEAST)


def schedule_multiply(draft: Draft, context: Context) -> Draft:
    """The factor of an event on the demand without it; the forecast, which may know of the event, is not multiplied."""
    if not np.count_nonzero(context.bounds.factor > 1.0):
        return draft
    wanted = np.nan_to_num(np.ceil(context.undisturbed * context.bounds.factor - 1e-6))
    return _lift(draft, wanted, Reason.SCHEDULE_MULTIPLY)


def hold(draft: Draft, context: Context) -> Draft:
    """What was wanted within the hold is kept."""
    return _lift(draft, context.keep(draft.floor), Reason.HOLD)


def burst(draft: Draft, context: Context) -> Draft:
    """What usually comes in this window of the day; not held when the window has passed."""
    return _lift(draft, context.burst, Reason.RECURRENCE)


def rollout(draft: Draft, context: Context) -> Draft:
    """As many more as a rollout in progress takes away; not held when it has ended.

    Not before there is any opinion: what was asked for last has them in it already.
    """
    if not context.observation.inventory.rollouts:
        return draft
    base = np.maximum(draft.floor, context.fleet.min_replicas)
    more = lifts(base, context.observation.inventory, context.fleet) * np.isfinite(context.demand)
    return _lift(draft, (base + more) * (more > 0.0), Reason.ROLLOUT)


def unknown(draft: Draft, context: Context) -> Draft:
    """Missing or recovering demand never lowers what was asked for."""
    state = context.observation.demand_state
    if not np.count_nonzero(state > ZERO):
        return draft
    asked = context.observation.inventory.floor.astype(np.float64)
    draft = _lift(draft, asked * (state == MISSING), Reason.SIGNAL_MISSING)
    return _lift(draft, asked * (state == RECOVERING), Reason.SIGNAL_RECOVERING)


def schedule_at_most(draft: Draft, context: Context) -> Draft:
    """The ceiling of a schedule in force; a floor that begins within the lead time is needed all the same."""
    return _lower(draft, np.maximum(context.bounds.at_most, context.bounds.at_least), Reason.SCHEDULE_AT_MOST)


def minimum(draft: Draft, context: Context) -> Draft:
    """`replicas.min`."""
    return _lift(draft, context.fleet.min_replicas, Reason.MINIMUM)


def maximum(draft: Draft, context: Context) -> Draft:
    """`replicas.max`."""
    return _lower(draft, context.fleet.max_replicas, Reason.MAXIMUM)


def budget(draft: Draft, context: Context) -> Draft:
    """What the budgets allow."""
    if not context.fleet.budgets:
        return draft
    allowed = affordable(draft.floor, context.demand, context.observation.inventory, context.fleet)
    return _lower(draft, allowed, Reason.BUDGET)


def owner_minimum(draft: Draft, context: Context) -> Draft:
    """What the user of an HPA, or of another owner, wrote there as the minimum: ours is never below it."""
    least = context.observation.inventory.owner_least
    return draft if least is None else _lift(draft, least, Reason.OWNER_MINIMUM)


def owner_maximum(draft: Draft, context: Context) -> Draft:
    """What the owner allows: it would refuse more, or cut it down without a word."""
    most = context.observation.inventory.owner_most
    return draft if most is None else _lower(draft, most, Reason.OWNER_MAXIMUM)


def override(draft: Draft, context: Context) -> Draft:
    """The floor that a person has set, neither more nor less."""
    wanted = context.bounds.override
    if wanted is None:
        return draft
    is_set = np.isfinite(wanted)
    return Draft(np.where(is_set, wanted, draft.floor), draft.reasons | is_set * np.uint32(Reason.OVERRIDE))


Guard = Callable[[Draft, Context], Draft]

GUARDS: tuple[Guard, ...] = (
    step_up,
    wake,
    reactive,
    schedule_at_least,
    schedule_multiply,
    hold,
    burst,
    rollout,
    unknown,
    step_down,
    schedule_at_most,
    minimum,
    maximum,
    budget,
    owner_minimum,
    override,
    owner_maximum,
)
AGAINST_LATE = (wake, reactive)
STEPS = (step_up, step_down)
BARE_GUARDS = tuple(g for g in GUARDS if g not in (*AGAINST_LATE, *STEPS, rollout))
"""For the strategies that we compare with: they promise nothing about late requests, and move as they say."""


def guarded(draft: Draft, context: Context, guards: tuple[Guard, ...]) -> Draft:
    """The draft after all guards."""
    for guard in guards:
        draft = guard(draft, context)
    return draft
