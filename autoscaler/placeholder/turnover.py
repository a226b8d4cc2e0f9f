"""Turnover: placeholders of queued work that was let go make way for its pods, and never stand beside them as demand.

A pod that waits takes a bound placeholder's place by preemption. A placeholder without a node is the same demand as the
pod that comes: node autoscalers would buy for both, so it goes as soon as the work is let go; its node is on order.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turnover:
    """Pods of a piece of work: how many there are to be, how many have no node, have one, or have ended.

    stuck: of those without a node, how many wait although the scheduler could have made room long ago. told: False
    where its pods cannot be told from others; over: nobody waits for more of its pods.
    """

    total: int
    pending: int
    placed: int
    stuck: int
    told: bool
    over: bool


def making_way(now: Turnover, bound: int) -> int:
    """How many of so many bound placeholders must go now."""
    if not now.told:
        return bound if now.over else 0
    to_come = 0 if now.over else max(now.total - now.pending - now.placed, 0)
    kept = min(bound, now.pending + to_come)
    return bound - kept + min(now.stuck, kept)
