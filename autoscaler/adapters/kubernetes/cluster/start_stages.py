"""From the times in objects to the stages of one start. No I/O.

A time that comes before the one that it should follow (clocks of several machines, a condition that was set anew)
counts as the same: no stage is negative, and the sum is from the first time to the last.
"""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.adapters.kubernetes.cluster.times import ClaimTimes, NodeTimes, PodTimes
from autoscaler.domain.lead_time import Stage


def node_stages(asked_s: float, node: NodeTimes, claim: ClaimTimes | None, usable_s: float) -> dict[Stage, float]:
    """asked_s: when the pod was created that the node was ordered for; usable_s: when it was bound."""
    launched_s = None if claim is None else claim.launched_s
    ends = [(Stage.ORDERED, node.created_s)]
    if launched_s is not None:
        ends = [(Stage.ORDERED, launched_s), (Stage.JOINED, node.created_s)]
    ready_s = usable_s if node.ready_s is None else node.ready_s
    return _stages(asked_s, [*ends, (Stage.NODE_READY, ready_s), (Stage.GPU, usable_s)])


def replica_stages(pod: PodTimes, bound_s: float, until_s: float, is_ready: bool) -> dict[Stage, float]:
    """Up to `until_s`, which is when the pod was ready, or how far it came."""
    if pod.started_s is None or pod.restarted:
        return _stages(bound_s, [(Stage.START if is_ready or pod.restarted else Stage.IMAGE, until_s)])
    if pod.loaded_s is None or (is_ready and pod.loaded_s > until_s):
        return _stages(bound_s, [(Stage.IMAGE, pod.started_s), (Stage.START, until_s)])
    return _stages(bound_s, [(Stage.IMAGE, pod.started_s), (Stage.LOAD, pod.loaded_s), (Stage.WARM_UP, until_s)])


def _stages(begin_s: float, ends: Sequence[tuple[Stage, float]]) -> dict[Stage, float]:
    last_s = max(begin_s, ends[-1][1])
    found, at_s = {}, begin_s
    for stage, end_s in ends:
        end_s = min(max(end_s, at_s), last_s)
        found[stage], at_s = end_s - at_s, end_s
    return found
