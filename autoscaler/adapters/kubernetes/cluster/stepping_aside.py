"""Active handover: placeholders that go since a pod of their workload waits and the scheduler cannot take their place.

The rules are `handover`'s; here is who waits, and for whom something was given up already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from autoscaler.adapters.kubernetes.cluster.account import theirs
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.placeholder.handover import Handover, Waiting, handovers
from autoscaler.placeholder.pod import Json, labels
from autoscaler.placeholder.selector import Labels


class SteppingAside:
    """Remembers for which pods, by uid, a placeholder was given up and when, as long as they wait."""

    def __init__(self, seats: Seats, patience_s: float) -> None:
        """`patience_s`: as in `LiveSettings`."""
        self._seats = seats
        self._patience_s = patience_s
        self._given_up: dict[str, float] = {}

    def due(
        self, scales: Sequence[Scale | None], standing: Standing, held: Sequence[Json], now_s: float
    ) -> Iterator[Handover]:
        """Placeholders of `held` that have to go now; each is deleted by the caller. now_s: seconds since the epoch."""
        waiting = self._waiting(scales, standing, now_s)
        there = {pod.uid for pod in standing.pods.values() if pod.waiting is not None} if self._given_up else set()
        self._given_up = {uid: at_s for uid, at_s in self._given_up.items() if uid in there}
        nodes = {key.name: labels(node.thing) for key, node in standing.nodes.items()} if waiting else {}
        for workload, pods in waiting.items():
            yield from self._for_one(workload, pods, held, nodes, now_s)

    def _for_one(
        self, workload: int, pods: Sequence[Waiting], held: Sequence[Json], nodes: Mapping[str, Labels], now_s: float
    ) -> Iterator[Handover]:
        places = ((placeholder, self._seats.place(placeholder)) for placeholder in held)
        own = [placeholder for placeholder, place in places if place is not None and place.workload == workload]
        for handed in handovers(pods, own, nodes, self._patience_s):
            self._given_up[handed.pod_uid] = now_s
            yield handed

    def _waiting(self, scales: Sequence[Scale | None], standing: Standing, now_s: float) -> dict[int, list[Waiting]]:
        """Pods without a node, by workload."""
        found: dict[int, list[Waiting]] = {}
        pods = {key: pod for key, pod in standing.pods.items() if pod.waiting is not None}
        for workload, pod in theirs(self._seats, scales, pods):
            given_up = self._given_up.get(pod.uid)
            waited_s = now_s - datetime.fromisoformat(pod.created_at).timestamp()
            since_s = None if given_up is None else now_s - given_up
            found.setdefault(workload, []).append(Waiting(pod.waiting or {}, waited_s, since_s, {}))
        return found
