"""The part of a tick that is for queued work: seen, decided within what capacity policies leave, and done."""

from __future__ import annotations

import numpy as np

from autoscaler.act.queue import by_mode, queue_actions
from autoscaler.domain.fleet import Fleet
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.plan import Plan
from autoscaler.domain.queue import AnswerCheck, FreeRoom, HoldRoom, QueueAction, QueueOutcome, QueueReport
from autoscaler.plan.waiting import decide, room_left
from autoscaler.policy.governed import Governed
from autoscaler.ports.errors import PortError, Unavailable
from autoscaler.ports.queue import QueuePort


def serve_queue(
    now_s: float, policies: Governed, port: QueuePort, plan: Plan, inventory: Inventory
) -> QueueReport:  # fmt: skip
    """One tick of the queue at `now_s`, beside the plan of the same tick. Never raises: serving goes on without it."""
    try:
        return _served(now_s, policies, port, plan, inventory)
    except Unavailable as error:
        return QueueReport(None, error=f"{type(error).__name__}: {error}")
    except Exception as error:
        return QueueReport(None, error=f"it raised {error!r}, and nothing more was done; please report this")


def _served(now_s: float, policies: Governed, port: QueuePort, plan: Plan, inventory: Inventory) -> QueueReport:
    rules, fleet = policies.queues, policies.fleet
    queue = port.queue(now_s)
    room = room_left(queue, plan, inventory, fleet)
    decisions = decide(queue, rules, fleet, room, inventory.obtainable.tolist(), now_s)
    actions = queue_actions(decisions, queue, rules, now_s)
    done, withheld = by_mode(actions, rules, [policies.is_paused(rule.name) for rule in rules])
    return QueueReport(queue, decisions, tuple(_tried(action, port) for action in done), withheld)


def queue_problems(report: QueueReport | None, policies: Governed) -> tuple[str, ...]:
    """What stood in the way of queued work, one line each."""
    if report is None:
        return ()
    lines = [] if report.error is None else [f"queued work: {report.error}"]
    lines += [] if report.queue is None else report.queue.problems
    failed = (one for one in report.outcomes if one.error is not None)
    lines += [f"{policies.queues[one.action.rule].name}: {one.error}" for one in failed]
    return tuple(dict.fromkeys(lines))


def nothing_planned(fleet: Fleet) -> Plan:
    """The plan where no policy forecasts: all of the fleet's policies are for queued work."""
    none = np.zeros(fleet.size)
    whole = none.astype(np.int64)
    return Plan(whole, np.zeros((fleet.size, len(fleet.pools)), dtype=np.int64), none, none.astype(np.uint32), none)


def _tried(action: QueueAction, port: QueuePort) -> QueueOutcome:
    """What was refused or failed is in the outcome; the next tick decides again."""
    try:
        _apply(action, port)
    except PortError as error:
        return QueueOutcome(action, f"{type(error).__name__}: {error}")
    return QueueOutcome(action)


def _apply(action: QueueAction, port: QueuePort) -> None:
    match action:
        case HoldRoom():
            port.hold(action.uid, action.pools)
        case FreeRoom():
            port.free(action.uid)
        case AnswerCheck():
            port.answer(action.uid, action.state, action.message)
        case _:
            port.serve(action.rule)
