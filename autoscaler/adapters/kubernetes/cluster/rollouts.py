"""Rollouts in progress of the workloads of a fleet.

The watch of pods, which is there in any case, tells that two revisions stand side by side, or another than a tick ago;
only then is the workload's object read, once a tick, until it says that the rollout is over. So a fleet of which
nothing is rolled out costs no question more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autoscaler.adapters.kubernetes.cluster.account import theirs
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.revisions import Print, print_of, revision
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.adapters.kubernetes.cluster.update_strategy import pod_template, rollout
from autoscaler.domain.rollout import Rollout
from autoscaler.placeholder.pod import Json
from autoscaler.policy.model import Workload
from autoscaler.ports.errors import Forbidden, Invalid, NotFound

Whole = Callable[[Workload], Json | None]
"""Reads a workload's object, None where it is not there. Raises `PortError`."""


class Rollouts:
    """Looks once a tick. A restart forgets nothing but the last moments of a rollout, when its old pods are gone."""

    def __init__(self, seats: Seats, whole: Whole) -> None:
        self._seats, self._whole = seats, whole
        self._wanted: dict[int, Print | None] = {}
        self._before: dict[int, set[str]] = {}
        self._last: dict[int, set[str]] = {}
        self._numbers = {_id(policy.model.workload): w for w, policy in enumerate(seats.policies)}

    def look(self, scales: Sequence[Scale | None], standing: Standing) -> tuple[Rollout | None, ...]:
        """By workload, as of `Inventory`. What cannot be read is no rollout: others say why. Raises `Unavailable`."""
        pods: dict[int, list[SeenPod]] = {}
        for w, pod in theirs(self._seats, scales, standing.pods):
            pods.setdefault(w, []).append(pod)
        revisions = {w: {revision(pod) for pod in some} for w, some in pods.items()}
        changed = {w for w, some in revisions.items() if len(some | self._before.get(w, some)) > 1}
        self._before, under_way = revisions, changed | self._wanted.keys()
        found = {w: self._read(w, pods.get(w, ())) for w in sorted(under_way)}
        if not any(found.values()):
            return ()
        return tuple(found.get(w) for w in range(len(self._seats.policies)))

    def wanted(self, workload: Workload) -> Print | None:
        """What tells pods of the revision that is rolled out; None where nothing is, or nothing tells them."""
        return self._wanted.get(self._numbers.get(_id(workload), -1))

    def _read(self, w: int, pods: Sequence[SeenPod]) -> Rollout | None:
        workload = self._seats.policies[w].model.workload
        try:
            thing = self._whole(workload) or {}
            found = rollout(workload.kind, thing)
        except (NotFound, Forbidden, Invalid, ValueError):
            found = None
        if found is None or (found.left == 0 and self._is_through(w, pods)):
            self._wanted.pop(w, None)
            self._last.pop(w, None)
            return None
        self._wanted[w] = print_of(pod_template(workload.kind, thing))
        return found

    def _is_through(self, w: int, pods: Sequence[SeenPod]) -> bool:
        """Whether the last pods that it brought serve, or have gone: those that start later are of a scale-up."""
        if len({revision(pod) for pod in pods}) > 1:
            return False
        starting = {pod.uid for pod in pods if not pod.ready}
        self._last[w] = self._last.get(w, starting) & starting
        return not self._last[w]


def _id(workload: Workload) -> tuple[str, str, str, str]:
    """What names it in the cluster."""
    return workload.api_version, workload.kind, workload.namespace, workload.name
