"""A rolling update, as the Deployment controller of Kubernetes does it at its defaults: `maxSurge` 25 %, rounded up,
and `maxUnavailable` 25 %, rounded down.

Source: Kubernetes, pkg/controller/deployment/rolling.go: old replicas that are not ready go first, then ready ones as
far as enough stay available.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autoscaler.simulator.objects import Pod, PodState

SHARE = 0.25


def room_for_new(target: int, have: int, new: int) -> int:
    """How many new replicas may be created now, where `have` stand in all and `new` of them are new."""
    return max(min(target + math.ceil(SHARE * target) - have, target - new), 0)


def surplus_of(target: int, have: Sequence[Pod], old: Sequence[Pod]) -> list[Pod]:
    """Of the old replicas, in the order in which they may go, those that go now; `have`: all that stand."""
    least = target - math.floor(SHARE * target)
    ready = sum(pod.state is PodState.READY for pod in have)
    old_ready = [pod for pod in old if pod.state is PodState.READY]
    new_not_ready = (len(have) - len(old)) - (ready - len(old_ready))
    most = max(len(have) - least - new_not_ready, 0)
    broken = [pod for pod in old if pod.state is not PodState.READY][:most]
    return [*broken, *old_ready[: max(min(ready - least, most - len(broken)), 0)]]
