"""Queued work for tests: one suspended Job of two pods, and a policy for it where no policy forecasts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from autoscaler.controller.beginning import Rhythm, fresh
from autoscaler.controller.cycle import CycleReport, Ports, cycle
from autoscaler.controller.dry import DryCluster
from autoscaler.domain.inventory import Inventory
from autoscaler.domain.queue import CheckState, PodSet, Queue, QueuedItem
from autoscaler.domain.signal import SignalReadings
from autoscaler.policy.compile import compile_fleet
from autoscaler.policy.compile_queue import with_queues
from autoscaler.policy.governed import Governed
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.queue import QueuePolicy
from autoscaler.ports.errors import QuotaExceeded

TEXT = b"""
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: steady}
spec: {capacityType: on-demand, nodeAffinity: [{key: a, operator: Exists}], gpusPerNode: 8, pricePerGpuHour: 1}
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: QueuePolicy
metadata: {name: training}
spec: {mode: act, namespaces: [training], pools: {primary: [steady]}, budget: {gpus: 16}}
"""
NOW_S = 1_000.0
JOB = QueuedItem(0, "job", "Job", "training", "a", True, NOW_S, False, 0, (PodSet("main", 2, (8,), ("",)),))


@dataclass
class Waiting:
    """The queue port: one Job, and what was asked for."""

    error: Exception | None = None
    refuses: bool = False
    held: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def queue(self, now_s: float) -> Queue:
        if self.error is not None:
            raise self.error
        return Queue((JOB,), (), ((),))

    def hold(self, uid: str, pools: tuple[int, ...]) -> None:
        if self.refuses:
            raise QuotaExceeded("create pods: exceeded quota")
        self.held.append((uid, pools))

    def free(self, uid: str) -> None:
        raise AssertionError("nothing stands")

    def answer(self, uid: str, state: CheckState, message: str) -> None:
        raise AssertionError("nothing is held by a check")

    def serve(self, rule: int) -> None:
        raise AssertionError("there is no check")


class Silent:
    """No signals: no policy reads any."""

    def read(self, now_s: float) -> SignalReadings:
        return SignalReadings.empty(0)


def governed() -> Governed:
    documents = parse_documents(TEXT, "queue.yaml", KINDS, lambda _: b"")
    fleet = compile_fleet([], of_kind(documents, GpuPool), {}, {})
    return with_queues(fleet, of_kind(documents, QueuePolicy))


def tick(port: Waiting, policies: Governed) -> CycleReport:
    """One tick where no policy forecasts, and nothing stands."""
    none, pool = np.zeros((0, 1), dtype=np.int64), np.zeros(1, dtype=np.int64)
    inventory = Inventory(none, none, none[:, 0], none[:, 0], (), pool, pool, pool, np.ones(1, dtype=bool))
    state = fresh(policies.fleet, Rhythm())
    return cycle(NOW_S, state, policies, Ports(Silent(), DryCluster(lambda _: inventory), port))[1]
