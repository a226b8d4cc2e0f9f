"""Events beside the workloads: what a person needs to know, when it changes."""

from __future__ import annotations

from collections.abc import Iterator

from autoscaler.controller.tick import Tick
from autoscaler.domain.action import CreatePlaceholder, Outcome, SetFloor
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.signal import MISSING
from autoscaler.domain.wish import Wish
from autoscaler.ports.events import EventsPort, Notice, ObjectReference
from autoscaler.telemetry.endings import notices
from autoscaler.telemetry.wishes import in_force, news


class LoopEvents:
    """An outlet: floors that moved, demand that is no longer known and is again, what people wish and no longer wish,
    what the cluster refuses, and room held by placeholders that was lost, that nobody gives, or that others took.

    A follower says nothing: the leader does.
    """

    def __init__(self, events: EventsPort) -> None:
        self._events = events
        self._unknown: set[str] = set()
        self._refused: set[tuple[str, str]] = set()
        self._wishes: dict[str, Wish] = {}

    def tell(self, tick: Tick) -> None:
        if not tick.leads:
            return
        wishes = in_force(tick)
        for notice in (*notices(tick), *news(self._wishes, wishes, tick)):
            self._events.record(notice)
        self._wishes = wishes
        if tick.in_force is None or tick.report is None or tick.report.observation is None:
            return
        fleet, about = tick.in_force.policies.fleet, tick.in_force.about
        missing = tick.report.observation.demand_state == MISSING
        unknown = {name for name, is_missing in zip(fleet.names, missing, strict=True) if is_missing}
        for w, name in enumerate(fleet.names):
            if (name in unknown) != (name in self._unknown):
                self._events.record(_demand_notice(name, name in unknown, about[w]))
        self._unknown = unknown
        refused: set[tuple[str, str]] = set()
        for outcome in tick.report.outcomes:
            target = about[outcome.action.workload]
            if outcome.error is None:
                for notice in _done(outcome, fleet, target):
                    self._events.record(notice)
                continue
            key = (fleet.names[outcome.action.workload], type(outcome.action).__name__)
            if key not in refused | self._refused:
                self._events.record(_refusal(outcome, fleet, target))
            refused.add(key)
        self._refused = refused


def _demand_notice(policy: str, unknown: bool, about: ObjectReference) -> Notice:
    if unknown:
        note = f"policy {policy}: no signal tells demand; nothing is scaled in until one does. Check its queries."
        return Notice(about, "DemandUnknown", note, warning=True)
    return Notice(about, "DemandKnown", f"policy {policy}: demand is known again")


def _done(outcome: Outcome, fleet: Fleet, about: ObjectReference) -> Iterator[Notice]:
    action = outcome.action
    if isinstance(action, SetFloor):
        policy = fleet.names[action.workload]
        yield Notice(about, "FloorMoved", f"policy {policy}: at least {action.replicas} replicas are asked for")


def _refusal(outcome: Outcome, fleet: Fleet, about: ObjectReference) -> Notice:
    policy = fleet.names[outcome.action.workload]
    what = "placeholder" if isinstance(outcome.action, CreatePlaceholder) else "change"
    return Notice(about, "NotDone", f"policy {policy}: {what} refused: {outcome.error}", warning=True)
