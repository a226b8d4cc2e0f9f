"""Pods, nodes and claims as far as a start came, and a collector of starts that is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.pulls import Images
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.adapters.kubernetes.cluster.sight import SeenPod, seen_node, seen_pod
from autoscaler.adapters.kubernetes.cluster.starts import Look, Starts
from autoscaler.adapters.kubernetes.cluster.times import ClaimTimes, claim_times
from autoscaler.domain.lead_time import Start
from autoscaler.placeholder.manifest import PLACEHOLDER, PLAN, POOL, ROLE, SLOT
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from tests.stepped_clock import SteppedClock

Json = dict[str, Any]
T0 = 1_800_000_000
TEXT = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: h100}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: pool, operator: In, values: [h100]}]
  gpusPerNode: 8
  pricePerGpuHour: 3
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: chat}
spec:
  workload: {namespace: inference, name: chat}
  demand: {arrivals: {query: 'sum(rate(requests_total[1m]))'}, perReplica: {arrivals: 4}}
  pools: {primary: [h100]}
"""
CHAT = Scale(1, ({"key": "app", "operator": "In", "values": ["chat"]},))


def at(seconds: float) -> str:
    return datetime.fromtimestamp(T0 + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(kind: str, since: float, status: str = "True", reason: str = "") -> Json:
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": at(since)}


def pod(
    name: str, created: float, bound: float | None = None, started: float | None = None, ready: float | None = None,
    node: str = "n1", conditions: Mapping[str, float] | None = None, restarts: int = 0, **spec: Any,
) -> Json:  # fmt: skip
    """A replica of chat as far as it came."""
    scheduled = [condition("PodScheduled", created, "False", "Unschedulable")]
    if bound is not None:
        scheduled, spec = [condition("PodScheduled", bound)], {"nodeName": node, **spec}
    said = [condition(kind, since) for kind, since in (conditions or {}).items()]
    said += [condition("Ready", created, "False") if ready is None else condition("Ready", ready)]
    state = {"waiting": {}} if started is None else {"running": {"startedAt": at(started)}}
    return {
        "metadata": {
            "name": name, "namespace": "inference", "uid": f"uid-{name}", "creationTimestamp": at(created),
            "labels": {"app": "chat"},
        },
        "spec": {"containers": [{"name": "serve"}], **spec},
        "status": {
            "conditions": [*scheduled, *said],
            "containerStatuses": [{"name": "serve", "restartCount": restarts, "state": state}],
        },
    }  # fmt: skip


def placeholder(seats: Seats, created: float, bound: float | None = None, slot: int = 0, node: str = "n1") -> Json:
    found = pod(seats.name(Place(0, 0, slot)), created, bound, node=node)
    found["metadata"] |= {
        "namespace": "house",
        "labels": {ROLE: PLACEHOLDER, PLAN: "chat", POOL: "h100"},
        "annotations": {SLOT: str(slot)},
    }
    return found


def node(created: float = 20, ready: float | None = 50, name: str = "n1", pool: str = "h100") -> Json:
    return {
        "metadata": {"name": name, "uid": f"uid-{name}", "creationTimestamp": at(created), "labels": {"pool": pool}},
        "status": {
            "allocatable": {"nvidia.com/gpu": "8"},
            "conditions": [condition("Ready", created, "False") if ready is None else condition("Ready", ready)],
        },
    }


def claim(created: float, launched: float, node: str = "n1") -> Json:
    status = {"nodeName": node, "conditions": [condition("Launched", launched)]}
    return {"metadata": {"creationTimestamp": at(created)}, "status": status}


@dataclass
class World:
    """What stands, and one collector of starts that is told of it."""

    clock: SteppedClock = field(default_factory=lambda: SteppedClock(T0))
    nodes: list[Json] = field(default_factory=list)
    claims: list[Json] = field(default_factory=list)
    pods: dict[Key, SeenPod] = field(default_factory=dict)
    unobtainable: set[int] = field(default_factory=set)
    images: dict[str, Images] = field(default_factory=dict)
    scale: Scale | None = CHAT

    def __post_init__(self) -> None:
        documents = parse_documents(TEXT.encode(), "test.yaml", KINDS, lambda _: b"")
        self.seats = Seats(of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool), {"chat": {"uid": "plan"}})
        self.starts = Starts(self.seats, self.clock)

    def stands(self, *pods: Json) -> None:
        """They are there, or have changed."""
        for one in pods:
            seen = seen_pod(one, "house")
            key = Key(seen.namespace, seen.name)
            before = self.pods.get(key)
            self.pods[key] = seen
            self.starts.told(Change(Happened.CHANGED if before else Happened.ADDED, key, seen, before))

    def goes(self, one: Json, unseen: bool = False) -> None:
        seen = seen_pod(one, "house")
        before = self.pods.pop(Key(seen.namespace, seen.name))
        self.starts.told(Change(Happened.DELETED, Key(seen.namespace, seen.name), seen, before, unseen))

    def take(self) -> list[Start]:
        nodes = {Key("", one["metadata"]["name"]): seen_node(one, self.seats.pins) for one in self.nodes}
        claims: dict[str, ClaimTimes] = {times.node: times for times in map(claim_times, self.claims)}
        now_s = self.clock.wall_s()
        look = Look(Standing(self.pods, nodes), [self.scale], claims, self.unobtainable, now_s, self.images)
        return self.starts.take(look)

    def restart(self) -> None:
        self.starts = Starts(self.seats, self.clock)
        for key, seen in self.pods.items():
            self.starts.told(Change(Happened.ADDED, key, seen, None))


def stages(*starts: Start) -> list[dict[str, float]]:
    return [{stage.value: seconds for stage, seconds in start.stages.items()} for start in starts]
