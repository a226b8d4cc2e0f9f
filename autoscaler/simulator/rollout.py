"""A rolling update, as the Deployment controller of Kubernetes does it within `maxSurge` and `maxUnavailable`.

Source: Kubernetes, pkg/controller/deployment/rolling.go: old replicas that are not ready go first, then ready ones as
far as enough stay available. A scale-up in its middle brings new replicas alone; Kubernetes brings old ones too, in
proportion, and replaces them.
"""

from __future__ import annotations

from collections.abc import Sequence

from autoscaler.domain.rollout import Rollout
from autoscaler.simulator.objects import Pod, PodState


def room_for_new(rollout: Rollout, target: int, have: int, new: int) -> int:
    """How many new replicas may be created now, where `have` stand in all and `new` of them are new."""
    return max(min(target + rollout.extra(target) - have, target - new), 0)


def surplus_of(rollout: Rollout, target: int, have: Sequence[Pod], old: Sequence[Pod]) -> list[Pod]:
    """Of the old replicas, in the order in which they may go, those that go now; `have`: all that stand."""
    least = target - rollout.missing(target)
    ready = sum(pod.state is PodState.READY for pod in have)
    old_ready = [pod for pod in old if pod.state is PodState.READY]
    new_not_ready = (len(have) - len(old)) - (ready - len(old_ready))
    most = max(len(have) - least - new_not_ready, 0)
    broken = [pod for pod in old if pod.state is not PodState.READY][:most]
    return [*broken, *old_ready[: max(min(ready - least, most - len(broken)), 0)]]
