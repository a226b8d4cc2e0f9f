"""Who took the place of a placeholder: the pod that was bound to its node around its end, and whose pod that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.domain.ending import Taker
from autoscaler.placeholder.selector import matches

BOUND_BEFORE_S, BOUND_AFTER_S = 3.0, 10.0
"""A pod that was bound so shortly before or after a placeholder was seen to go may be the one that took its place: the
time of a binding is cut to the second, by another clock than ours."""
CUT_S = 1.0
_CLOSEST = (Taker.OWN, Taker.FELLOW, Taker.UNKNOWN, Taker.OTHER)


@dataclass(frozen=True, slots=True)
class Taking:
    """Who took the place. pod: None where none was seen to. is_early: it was bound before the placeholder went, as far
    as the clocks agree, so that another may be about to be bound.
    """

    taker: Taker
    pod: SeenPod | None
    is_early: bool = True

    @property
    def by(self) -> str:
        """`namespace/name`."""
        return "" if self.pod is None else f"{self.pod.namespace}/{self.pod.name}"


class Takers:
    """A pod answers for as many GPUs as it holds: a large one for the places of several placeholders, then no more."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self._scales: Sequence[Scale | None] = ()
        self._bound: dict[str, list[SeenPod]] = {}
        self._answered: dict[str, int] = {}

    def look(self, pods: Mapping[Key, SeenPod], scales: Sequence[Scale | None]) -> None:
        """What stands at the moment. scales: by workload, None where it cannot be read."""
        self._scales = scales
        self._bound = {}
        for pod in pods.values():
            if pod.node and pod.bound_at and pod.whole is None:
                self._bound.setdefault(pod.node, []).append(pod)
        there = {pod.uid for some in self._bound.values() for pod in some} if self._answered else set()
        self._answered = {uid: amount for uid, amount in self._answered.items() if uid in there}

    def find(self, placeholder: SeenPod, at_s: float, workload: int | None) -> Taking:
        """Of the workload's placeholder that was seen to go at `at_s` (seconds since the epoch)."""
        choices = []
        for pod in self._bound.get(placeholder.node, ()):
            after_s = datetime.fromisoformat(pod.bound_at).timestamp() - at_s
            held = sum(pod.devices.get(resource, 0) for resource in placeholder.devices)
            has_answered = 0 < held <= self._answered.get(pod.uid, 0)
            if -BOUND_BEFORE_S <= after_s <= BOUND_AFTER_S and not has_answered:
                whose = self.whose(pod, workload)
                rank = (held == 0, abs(after_s), _CLOSEST.index(whose), pod.namespace, pod.name)
                choices.append((rank, Taking(whose, pod, after_s < -CUT_S)))
        return min(choices, key=lambda choice: choice[0])[1] if choices else Taking(Taker.UNKNOWN, None)

    def answer(self, taking: Taking, placeholder: SeenPod) -> None:
        """The pod has taken this one's place."""
        if taking.pod is not None:
            held = sum(placeholder.devices.values())
            self._answered[taking.pod.uid] = self._answered.get(taking.pod.uid, 0) + held

    def whose(self, pod: SeenPod, workload: int | None) -> Taker:
        """Whose pod it is, as seen from a workload. Unknown where a workload of its namespace cannot be read."""
        owners: set[Taker] = set()
        for w, (policy, scale) in enumerate(zip(self._seats.policies, self._scales, strict=True)):
            if policy.model.workload.namespace != pod.namespace:
                continue
            if scale is None:
                owners.add(Taker.UNKNOWN)
            elif all(matches(requirement, pod.labels) for requirement in scale.selector):
                owners.add(Taker.OWN if w == workload else Taker.FELLOW)
        return next((taker for taker in _CLOSEST if taker in owners), Taker.OTHER)
