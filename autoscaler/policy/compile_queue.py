"""Compiles policies for queued work into rules over the pools and budgets of a fleet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from autoscaler.domain.budget import Budget
from autoscaler.domain.queue import QueueRule
from autoscaler.policy.check import QueueDocument
from autoscaler.policy.governed import Governed


def queue_order(queues: Sequence[QueueDocument]) -> list[QueueDocument]:
    """The policies for queued work in the order of their rules: by priority, equal ones as given."""
    return sorted(queues, key=lambda document: -document.model.priority)


def with_queues(governed: Governed, queues: Sequence[QueueDocument]) -> Governed:
    """With the rules of these policies, which fit its pools and shared budgets (`check`).

    Budgets of their own come after those that were there.
    """
    pools = [pool.name for pool in governed.fleet.pools]
    budgets = list(governed.fleet.budgets)
    names = [budget.name for budget in budgets]
    rules = []
    for document in queue_order(queues):
        own = document.model.budget
        if isinstance(own, str):
            budget = names.index(own)
        else:
            budget = len(budgets)
            gpus, dollars = own.gpus, own.dollars_per_hour
            budgets.append(Budget(document.name, _limit(gpus), _limit(dollars)))
        rules.append(_rule(document, pools, budget))
    return replace(governed, fleet=replace(governed.fleet, budgets=tuple(budgets)), queues=tuple(rules))


def _rule(document: QueueDocument, pools: Sequence[str], budget: int) -> QueueRule:
    spec = document.model
    rule = QueueRule(
        name=document.name,
        acts=spec.mode == "act",
        priority=spec.priority,
        primary=tuple(pools.index(name) for name in spec.pools.primary),
        burst=tuple(pools.index(name) for name in spec.pools.burst),
        budget=budget,
        give_up_after_s=spec.give_up_after_s,
    )
    check = spec.admission_check
    if check is None:
        return rule
    return replace(rule, check=check.name, check_timeout_s=check.timeout_s, retries=check.on_timeout == "retry")


def _limit(value: float | None) -> float:
    return np.inf if value is None else float(value)
