"""What each plan object shows: figures and conditions of the newest tick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from autoscaler.controller.in_force import Leads
from autoscaler.controller.tick import Tick
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.lead_time import WakeUp
from autoscaler.domain.observation import Observation
from autoscaler.domain.plan import Plan, reason_text
from autoscaler.ports.plans import PlanFigures, PlansPort, PlanStatus, PoolPlaceholders, QueueFigures
from autoscaler.telemetry.conditions import conditions, set_aside
from autoscaler.telemetry.queue_status import queue_statuses
from autoscaler.telemetry.waking import learned, wake_ups


@dataclass(frozen=True, slots=True)
class _Learned:
    """By policy, of those of which it is known."""

    p90_s: Mapping[str, float]
    wake_ups: Mapping[str, WakeUp]


class LoopPlans:
    """An outlet. A follower shows nothing: the leader does."""

    def __init__(self, plans: PlansPort) -> None:
        self._plans = plans
        self._last: dict[str, PlanStatus] = {}

    def tell(self, tick: Tick) -> None:
        if not tick.leads or tick.in_force is None:
            return
        fleet = tick.in_force.policies.fleet
        known = _learned(tick, tick.in_force.leads)
        now = {name: self._status(tick, w, name, known) for w, name in enumerate(fleet.names)}
        now |= queue_statuses(tick)
        for name, last in self._last.items():
            aside = None if name in now else set_aside(name, tick)
            if aside is not None:
                now[name] = replace(last, conditions=(aside, *last.conditions[1:]), observed_at_s=tick.now_s)
        for name, status in now.items():
            self._plans.report(name, status)
        self._last = now

    def _status(self, tick: Tick, w: int, name: str, known: _Learned) -> PlanStatus:
        assert tick.in_force is not None
        policies, report = tick.in_force.policies, tick.report
        if report is not None and report.observation is not None and report.plan is not None:
            seen = _figures(report.observation, report.plan, policies.fleet, w)
            figures: PlanFigures | QueueFigures | None = replace(
                seen, lead_p90_s=known.p90_s.get(name), wake_up=known.wake_ups.get(name)
            )
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


def _learned(tick: Tick, leads: Leads | None) -> _Learned:
    assert tick.in_force is not None
    seen = frozenset() if leads is None else learned(leads) & set(tick.in_force.policies.fleet.names)
    return _Learned({name: leads.p90_s(name) for name in seen if leads is not None}, wake_ups(tick))


def _late_percent(demand: float, late: float) -> float | None:
    if not (np.isfinite(demand) and np.isfinite(late)):
        return None
    return 100.0 * late / demand if demand > 0.0 else 0.0
