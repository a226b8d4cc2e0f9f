"""The guards: an ordered list of pure functions, each moving the floor within what is promised and adding its reason.

Order is policy: promise 1 lifts, schedules lift, the hold keeps, unknown never lowers; then ceilings, bounds
and budgets, which are the user's word and win; at last what a person sets by hand, which wins over all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autoscaler.domain.arrays import Bools, Flags, Floats, Ints
from autoscaler.domain.bounds import Bounds
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Reason
from autoscaler.domain.signal import MISSING, RECOVERING, ZERO
from autoscaler.plan.budgets import affordable


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


def reactive(draft: Draft, context: Context) -> Draft:
    """While requests are late or the queue grows: at least the demand now."""
    pressed = context.observation.pressed
    if not np.count_nonzero(pressed):
        return draft
    need = np.ceil(np.fmax(context.demand, 0.0) - 1e-9)
    return _lift(draft, need * pressed, Reason.REACTIVE)


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


def override(draft: Draft, context: Context) -> Draft:
    """The floor that a person has set, neither more nor less."""
    wanted = context.bounds.override
    if wanted is None:
        return draft
    is_set = np.isfinite(wanted)
    return Draft(np.where(is_set, wanted, draft.floor), draft.reasons | is_set * np.uint32(Reason.OVERRIDE))


Guard = Callable[[Draft, Context], Draft]

GUARDS: tuple[Guard, ...] = (
    reactive,
    schedule_at_least,
    schedule_multiply,
    hold,
    burst,
    unknown,
    schedule_at_most,
    minimum,
    maximum,
    budget,
    override,
)
BARE_GUARDS = tuple(g for g in GUARDS if g is not reactive)
"""For the strategies that we compare with: they promise nothing about late requests."""


def guarded(draft: Draft, context: Context, guards: tuple[Guard, ...]) -> Draft:
    """The draft after all guards."""
    for guard in guards:
        draft = guard(draft, context)
    return draft
