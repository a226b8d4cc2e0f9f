"""Queued work in a fleet of two pools: 8 GPUs a node, on demand at 4 dollars and on spot at 1, and one budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autoscaler.domain.budget import Budget
from autoscaler.domain.pool import CapacityType, Pool
from autoscaler.domain.queue import PodSet, QueuedItem, QueueRule
from autoscaler.plan.waiting import Room
from autoscaler.policy.compile import compile_fleet

STEADY, SPOT = 0, 1
POOLS = (Pool("steady", CapacityType.ON_DEMAND, 8, 4.0), Pool("cheap", CapacityType.SPOT, 8, 1.0))
FLEET = replace(compile_fleet([], [], {}, {}).fleet, pools=POOLS, budgets=(Budget("team"),))


def rule() -> QueueRule:
    """A policy that acts, on both pools, and gives up after an hour."""
    return QueueRule("training", True, 0, (STEADY,), (SPOT,), 0, 3600.0)


def pod_set(count: int, gpus: int, name: str = "main") -> PodSet:
    """Pods that can land in both pools."""
    return PodSet(name, count, (gpus, gpus), ("", ""))


def item(uid: str, *pod_sets: PodSet) -> QueuedItem:
    """A suspended Job that has waited for some minutes."""
    return QueuedItem(0, uid, "Job", "training", uid, True, 9000.0, False, 0, pod_sets)


def room(more: int | None) -> Room:
    """No node stands; so many may be ordered in the first pool, none in the second but where any number may."""
    return Room([[], []], [more, None if more is None else 0], [np.inf], [np.inf])
