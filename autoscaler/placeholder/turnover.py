"""Turnover: placeholders of queued work that was let go make way for its pods, and never stand beside them as demand.

A pod that waits takes a bound placeholder's place by preemption. A placeholder without a node beside a pod without one
is the same demand twice: node autoscalers would buy for both.
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


def making_way(now: Turnover, bound: int, waiting: int) -> tuple[int, int]:
    """(bound placeholders, those without a node) that must go now, of so many that stand."""
    to_come = 0 if now.over else max(now.total - now.pending - now.placed, 0)
    if not now.told:
        return (bound, waiting) if now.over else (0, waiting)
    bound_kept = min(bound, now.pending + to_come)
    for_later = max(bound_kept - now.pending, 0)
    waiting_kept = min(waiting, max(to_come - for_later, 0))
    handed = min(now.stuck, bound_kept)
    return bound - bound_kept + handed, waiting - waiting_kept
