"""What is done for queued work, in words."""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.domain.fleet import Fleet
from autoscaler.domain.queue import AnswerCheck, FreeRoom, HoldRoom, QueueAction, QueueRule


def queue_action(action: QueueAction, rules: Sequence[QueueRule], fleet: Fleet) -> str:
    """Completes the sentence "would ..."."""
    rule = rules[action.rule]
    match action:
        case HoldRoom():
            where = ", ".join(dict.fromkeys(fleet.pools[pool].name for pool in action.pools))
            return f"create placeholders for {action.title} of {rule.name} in {where}"
        case FreeRoom():
            return f"delete the placeholders for {action.title} of {rule.name}"
        case AnswerCheck():
            return f"tell Kueue that {action.title} is {action.state.value}: {action.message}"
        case _:
            return f"tell Kueue that admission check {rule.check} is answered"
