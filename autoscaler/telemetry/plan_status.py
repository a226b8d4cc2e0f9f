"""What each plan object shows: figures and conditions of the newest tick."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoscaler.controller.in_force import Leads
from autoscaler.controller.tick import Tick
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Plan, reason_text
from autoscaler.ports.plans import PlanFigures, PlansPort, PlanStatus, PoolPlaceholders, QueueFigures
from autoscaler.telemetry.conditions import conditions, set_aside
from autoscaler.telemetry.queue_status import queue_statuses
from autoscaler.telemetry.waking import is_learned, wake_up


class LoopPlans:
    """An outlet. A follower shows nothing: the leader does."""

    def __init__(self, plans: PlansPort) -> None:
        self._plans = plans
        self._last: dict[str, PlanStatus] = {}

    def tell(self, tick: Tick) -> None:
        if not tick.leads or tick.in_force is None:
            return
        fleet = tick.in_force.policies.fleet
        now = {name: self._status(tick, w, name) for w, name in enumerate(fleet.names)}
        now |= queue_statuses(tick)
        for name, last in self._last.items():
            aside = None if name in now else set_aside(name, tick)
            if aside is not None:
                now[name] = replace(last, conditions=(aside, *last.conditions[1:]), observed_at_s=tick.now_s)
        for name, status in now.items():
            self._plans.report(name, status)
        self._last = now

    def _status(self, tick: Tick, w: int, name: str) -> PlanStatus:
        assert tick.in_force is not None
        policies, report = tick.in_force.policies, tick.report
        if report is not None and report.observation is not None and report.plan is not None:
            seen = _figures(report.observation, report.plan, policies.fleet, w)
            lead_p90_s = _lead_p90_s(tick.in_force.leads, name)
            figures: PlanFigures | QueueFigures | None = replace(seen, lead_p90_s=lead_p90_s, wake_up=wake_up(tick, w))
        else:
            last = self._last.get(name)
            figures = None if last is None else last.figures
        wish = policies.wish(w, tick.now_s)
        return PlanStatus(bool(policies.fleet.acts[w]), figures, conditions(tick, w, name, wish), tick.now_s, wish)


def _figures(seen: Observation, plan: Plan, fleet: Fleet, w: int) -> PlanFigures:
    inventory, demand = seen.inventory, float(seen.demand[w])
    bound, pending = inventory.placeholder_counts()
    used = np.flatnonzero(fleet.primary[w] | fleet.burst[w] | (bound[w] > 0) | (pending[w] > 0))
    return PlanFigures(
        ready_replicas=int(inventory.ready[w].sum()),
        floor_replicas=int(inventory.floor[w]),
        planned_floor_replicas=int(plan.floor[w]),
        placeholders=tuple(PoolPlaceholders(fleet.pools[p].name, int(bound[w, p]), int(pending[w, p])) for p in used),
        warm_gpus=int(bound[w].sum() * fleet.gpus_per_replica[w]),
        demand_replicas=demand if np.isfinite(demand) else None,
        late_percent=_late_percent(demand, float(seen.late[w])),
        reason=reason_text(int(plan.reasons[w])),
    )


def _lead_p90_s(leads: Leads | None, policy: str) -> float | None:
    """None while nothing is learned."""
    return leads.p90_s(policy) if leads is not None and is_learned(leads, policy) else None


def _late_percent(demand: float, late: float) -> float | None:
    if not (np.isfinite(demand) and np.isfinite(late)):
        return None
    return 100.0 * late / demand if demand > 0.0 else 0.0
