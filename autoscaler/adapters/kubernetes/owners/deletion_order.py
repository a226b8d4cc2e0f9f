"""Which replicas go first when a floor falls: those whose node is soonest empty, by Kubernetes' own annotation.

Source: Kubernetes documentation, ReplicaSet, "Pod deletion cost": of ready pods that are assigned, those of lower cost
go first. Only the pods of ReplicaSets heed it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from autoscaler.adapters.kubernetes.cluster.sight import SeenPod
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import PODS
from autoscaler.ports.errors import NotFound

COST = "controller.kubernetes.io/pod-deletion-cost"
MOST_WRITES = 100
"""For one floor: what is left then keeps its order of before, and has its turn with the next floor."""


def deletion_costs(replicas: Sequence[SeenPod], others: Iterable[SeenPod]) -> dict[str, int]:
    """The cost of each replica that has a node, by uid: 0 for those that go first.

    A node goes the sooner, the fewer pods of others hold devices there, and the fewer replicas it has itself: the same
    order whatever the order of what is given. Placeholders are no others, since they go as well.
    """
    held = Counter(pod.node for pod in others if pod.node and pod.devices and pod.whole is None and not pod.ended)
    own = Counter(pod.node for pod in replicas if pod.node)
    rank = {node: n for n, node in enumerate(sorted(own, key=lambda node: (held[node], own[node], node)))}
    return {pod.uid: rank[pod.node] for pod in replicas if pod.node}


class DeletionOrder:
    """Writes the costs that have changed."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._written: dict[str, int] = {}

    def tell(self, replicas: Sequence[SeenPod], others: Iterable[SeenPod]) -> None:
        """Before a floor falls. Raises `PortError`; a pod that is gone needs none."""
        costs = deletion_costs(replicas, others)
        due = [pod for pod in replicas if pod.uid in costs and self._written.get(pod.uid) != costs[pod.uid]]
        for pod in sorted(due, key=lambda pod: costs[pod.uid])[:MOST_WRITES]:
            note = {"metadata": {"annotations": {COST: str(costs[pod.uid])}}}
            try:
                self._objects.merge_patch(Name(PODS, pod.namespace, pod.name), note)
            except NotFound:
                continue
            self._written[pod.uid] = costs[pod.uid]
        self._written = {uid: cost for uid, cost in self._written.items() if uid in costs}
