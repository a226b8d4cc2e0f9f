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


def replica_stages(
    pod: PodTimes, bound_s: float, until_s: float, is_ready: bool
) -> tuple[dict[Stage, float], Stage]:  # fmt: skip
    """Up to `until_s`, which is when the pod was ready, or how far it came; and the stage in which it was then.

    What containers took that ran in vain is START. After stamps it is START, too, until one ends the transfer.
    """
    image = [] if pod.started_s is None else [(Stage.IMAGE, pod.started_s)]
    if pod.restarted:
        image += [] if pod.running_s is None else [(Stage.START, pod.running_s)]
    elif pod.started_s is None and not is_ready:
        return _stages(bound_s, [(Stage.IMAGE, until_s)]), Stage.IMAGE
    stamps = [(stage, at_s) for stage, at_s in pod.stamps.items() if at_s <= until_s or not is_ready]
    if stamps:
        last = Stage.WARM_UP if Stage.TRANSFER in dict(stamps) else Stage.START
    elif pod.loaded_s is None or (is_ready and pod.loaded_s > until_s):
        last = Stage.START
    else:
        last, stamps = Stage.WARM_UP, [(Stage.LOAD, pod.loaded_s)]
    return _stages(bound_s, [*image, *stamps, (last, until_s)]), last


def _stages(begin_s: float, ends: Sequence[tuple[Stage, float]]) -> dict[Stage, float]:
    last_s = max(begin_s, ends[-1][1])
    found: dict[Stage, float] = {}
    at_s = begin_s
    for stage, end_s in ends:
        end_s = min(max(end_s, at_s), last_s)
        found[stage], at_s = found.get(stage, 0.0) + end_s - at_s, end_s
    return found
