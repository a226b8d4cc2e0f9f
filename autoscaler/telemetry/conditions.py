"""The conditions of a plan: what is well and what is not, why, and what a person can do about it.

Types and reasons are stable words that alerts may name; docs/capacity-plans.md lists them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autoscaler.controller.tick import Tick
from autoscaler.domain.action import CreatePlaceholder
from autoscaler.domain.fleet import NO_BUDGET, Fleet
from autoscaler.domain.forecast import Forecast
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Plan, Reason
from autoscaler.domain.signal import MISSING, RECOVERING, SignalKind
from autoscaler.domain.wish import Wish
from autoscaler.forecast.residuals import are_learned
from autoscaler.plan.budgets import affordable
from autoscaler.ports.plans import Condition
from autoscaler.telemetry.wishes import words

READY, SIGNALS, CAPACITY, BUDGET, FORECAST, FLOOR = (
    "Ready", "SignalsHealthy", "CapacityAvailable", "WithinBudget", "ForecastTrusted", "FloorFollowed",
)  # fmt: skip
TYPES = (READY, SIGNALS, CAPACITY, BUDGET, FORECAST, FLOOR)


def conditions(tick: Tick, w: int, policy: str, wish: Wish) -> tuple[Condition, ...]:
    """All of the workload in row `w`, in the order of `TYPES`; unknown where the tick saw nothing."""
    report = tick.report
    if report is None or report.observation is None or report.plan is None:
        ready = Condition(READY, False, *_why_blind(tick))
        unseen = "the last tick saw nothing of it: see condition Ready"
        return (ready, *(Condition(kind, None, "NotSeen", unseen) for kind in TYPES[1:]))
    assert tick.in_force is not None
    fleet, seen, plan = tick.in_force.policies.fleet, report.observation, report.plan
    return (
        _ready(tick, w, policy, wish),
        _signals(tick, seen, w, policy),
        _capacity(seen, plan, fleet, w),
        _budget(seen, plan, fleet, w),
        _forecast(report.forecast, w),
        _floor(tick, plan, w, policy),
    )


def set_aside(policy: str, tick: Tick) -> Condition | None:
    """Of a policy that is in force no more although it is there; None where nothing is said of it."""
    said = list(_lines(tick, f"{policy}: "))
    return Condition(READY, False, "SetAside", "; ".join(said)) if said else None


def _why_blind(tick: Tick) -> tuple[str, str]:
    if tick.failure is not None:
        said = f"{type(tick.failure).__name__}: {tick.failure}"
        return (
            "TickFailed",
            f"the last tick failed ({said}): nothing was changed; see the controller's log, and report it",
        )
    if tick.report is not None and tick.report.error is not None:
        return "ClusterUnknown", f"nothing is changed: {tick.report.error}"
    return "NotPlanned", "nothing is planned yet: wait for the next tick"


def _ready(tick: Tick, w: int, policy: str, wish: Wish) -> Condition:
    assert tick.report is not None
    assert tick.in_force is not None
    problems = list(_lines(tick, f"{policy}: "))
    if problems:
        return Condition(READY, False, "Problem", "; ".join(problems))
    refused = [outcome for outcome in tick.report.outcomes if outcome.action.workload == w and outcome.error]
    if refused:
        whats = ("placeholder" if isinstance(one.action, CreatePlaceholder) else "change" for one in refused)
        told = dict.fromkeys(f"{what} refused: {one.error}" for what, one in zip(whats, refused, strict=True))
        return Condition(READY, False, "NotDone", "; ".join(told))
    if wish.paused:
        said = "nothing of it is created, moved or deleted; set spec.paused to false to resume"
        return Condition(READY, False, "Paused", f"{words(wish)}: {said}")
    if not tick.in_force.policies.fleet.acts[w]:
        said = "it forecasts and plans, and touches nothing; write mode: act in its file where it should act"
        return Condition(READY, True, "Observing", "; ".join(filter(None, (words(wish), said))))
    return Condition(READY, True, "Acting", words(wish) or "what is planned is done")


def _signals(tick: Tick, seen: Observation, w: int, policy: str) -> Condition:
    broken = "; ".join(line for kind in SignalKind for line in _lines(tick, f"{policy} {kind.name.lower()}: "))
    if seen.demand_state[w] == MISSING:
        said = f"no signal tells demand, and nothing is scaled in until one does; {broken or 'check its queries'}"
        return Condition(SIGNALS, False, "DemandUnknown", said)
    if seen.demand_state[w] == RECOVERING:
        said = "demand is told again after a gap; it counts in full in a few minutes, nothing to do"
        return Condition(SIGNALS, False, "Recovering", said)
    if broken:
        return Condition(SIGNALS, False, "SignalMissing", f"demand is known from another signal; {broken}")
    return Condition(SIGNALS, True, "DemandKnown", "a signal tells demand")


def _capacity(seen: Observation, plan: Plan, fleet: Fleet, w: int) -> Condition:
    mine = fleet.primary[w] | fleet.burst[w]
    out = [fleet.pools[p].name for p in np.flatnonzero(mine & ~seen.inventory.obtainable)]
    if out:
        said = f"no more nodes are to be had of pool {', '.join(out)} at present; name another pool in its file"
        return Condition(CAPACITY, False, "OutOfStock", f"{said}, or wait")
    if plan.reasons[w] & np.uint32(Reason.POOL_LIMIT):
        said = "its pools cannot hold what is wanted; raise nodes.max of one, or name another pool in its file"
        return Condition(CAPACITY, False, "PoolLimit", said)
    return Condition(CAPACITY, True, "Obtainable", "nothing says that nodes of its pools cannot be had")


def _budget(seen: Observation, plan: Plan, fleet: Fleet, w: int) -> Condition:
    b = int(fleet.budget_of[w])
    if b == NO_BUDGET:
        return Condition(BUDGET, True, "NoBudget", "it has no budget")
    name, bits = fleet.budgets[b].name, int(plan.reasons[w])
    if bits & Reason.OVERRIDE:
        floor = plan.floor.astype(np.float64)
        if affordable(floor, seen.demand, seen.inventory, fleet)[w] < floor[w]:
            said = f"the override goes beyond budget {name}; lower it, end it, or raise the budget"
            return Condition(BUDGET, False, "OverrideBeyondBudget", said)
    elif bits & Reason.BUDGET:
        said = f"budget {name} allows less than is wanted; raise it, or lower what others of it ask for"
        return Condition(BUDGET, False, "BudgetLimit", said)
    return Condition(BUDGET, True, "WithinBudget", f"budget {name} allows all that is wanted")


def _forecast(forecast: Forecast | None, w: int) -> Condition:
    if forecast is None:
        return Condition(FORECAST, None, "NoForecast", "the planner that leads does not forecast")
    if not np.isfinite(forecast.centre[w]).all():
        return Condition(FORECAST, None, "NoHistory", "no demand was seen yet; its signals tell it, or their past")
    if not are_learned(forecast.errors[w]):
        said = "how far it is off is not known yet: that takes two hours of demand that moves; a wide margin stands in"
        return Condition(FORECAST, None, "ShortHistory", said)
    said = "how far it is off is learned from demand; whether it beats the last value is not judged here"
    return Condition(FORECAST, True, "ErrorsKnown", said)


def _floor(tick: Tick, plan: Plan, w: int, policy: str) -> Condition:
    """Whether who owns the replicas does what its field says; what the owner allows is said first, for it is cut."""
    assert tick.in_force is not None
    told = tick.in_force.owners().get(policy)
    if told is None:
        return Condition(FLOOR, None, "OwnerUnknown", "who moves the replicas is not known: see condition Ready")
    if told.follows is not False and plan.reasons[w] & np.uint32(Reason.OWNER_MAXIMUM):
        said = f"{told.owner}: its maximum allows less than is wanted; raise it there, or lower replicas.max here"
        return Condition(FLOOR, False, "OwnerMaximum", said)
    return Condition(FLOOR, told.follows, told.reason, told.message)


def _lines(tick: Tick, begin: str) -> Iterator[str]:
    """What the tick says is wrong with one thing, without the name of it."""
    for line in tick.problems:
        if line.startswith(begin):
            yield line.removeprefix(begin)
