"""Rollouts of a fleet: seen by the pods that stand, and asked about only while there is one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.rollouts import Rollouts
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.sight import seen_pod
from autoscaler.domain.rollout import Rollout
from autoscaler.placeholder.pod import Json
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy, Workload
from autoscaler.policy.pool import GpuPool
from autoscaler.ports.errors import Forbidden

TEXT = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: h100}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  gpusPerNode: 8
  pricePerGpuHour: 4
"""
POLICY = """
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {{name: {name}}}
spec:
  workload: {{namespace: inference, name: {name}}}
  demand: {{arrivals: {{query: 'sum(rate(requests_total[1m]))'}}, perReplica: {{arrivals: 4}}}}
  pools: {{primary: [h100]}}
  replicas: {{min: 0}}
"""
NAMES = ("chat", "code")


@dataclass
class World:
    """Two Deployments and their pods, by number. starting: those that do not serve. asked: whose object was read."""

    objects: dict[str, Json] = field(default_factory=dict)
    pods: list[tuple[str, str]] = field(default_factory=list)
    starting: set[int] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    refuses: bool = False

    def __post_init__(self) -> None:
        text = TEXT + "".join(POLICY.format(name=name) for name in NAMES)
        documents = parse_documents(text.encode(), "test.yaml", KINDS, lambda _: b"")
        self.seats = Seats(of_kind(documents, CapacityPolicy), of_kind(documents, GpuPool), {})
        self.rollouts = Rollouts(self.seats, self.whole)

    def whole(self, workload: Workload) -> Json | None:
        self.asked.append(workload.name)
        if self.refuses:
            raise Forbidden("read deployments: not allowed")
        return self.objects.get(workload.name)

    def look(self) -> tuple[Rollout | None, ...]:
        seen = [
            seen_pod(_pod(n, app, revision, n not in self.starting), "house")
            for n, (app, revision) in enumerate(self.pods)
        ]
        scales = [Scale(2, ({"key": "app", "operator": "In", "values": [name]},)) for name in NAMES]
        return self.rollouts.look(scales, Standing({Key(pod.namespace, pod.name): pod for pod in seen}, {}))


def _pod(n: int, app: str, revision: str, ready: bool = True) -> dict[str, Any]:
    labels = {"app": app, "pod-template-hash": revision}
    created = f"2026-03-02T09:00:{n:02}Z"
    meta = {"name": f"{app}-{n}", "uid": f"{n}", "namespace": "inference", "labels": labels}
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {
        "metadata": {**meta, "creationTimestamp": created},
        "spec": {"containers": [{"name": "serve", "image": f"{app}:{revision}"}]},
        "status": {"conditions": conditions},
    }


def deployment(updated: int, serving: int, image: str = "chat:2") -> dict[str, Any]:
    return {
        "metadata": {"generation": 2},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "serve", "image": image}]}}},
        "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": updated, "availableReplicas": serving},
    }


@pytest.fixture
def world() -> World:
    return World({"chat": deployment(1, 2)}, [("chat", "1"), ("chat", "1"), ("code", "7"), ("code", "7")])


def test_nothing_is_asked_while_all_pods_are_of_one_revision(world: World) -> None:
    assert world.look() == ()
    assert world.asked == []


def test_two_revisions_side_by_side_are_asked_about_once_a_tick(world: World) -> None:
    world.pods[1] = ("chat", "2")
    chat, code = world.look()
    assert (chat is not None and chat.moves, code) == (True, None)
    assert world.asked == ["chat"]
    wanted = world.rollouts.wanted(world.seats.policies[0].model.workload)
    assert wanted is not None
    assert wanted.fits(seen_pod(_pod(0, "chat", "2"), "house"))
    assert not wanted.fits(seen_pod(_pod(0, "chat", "1"), "house"))


def test_it_lasts_until_the_last_new_one_serves(world: World) -> None:
    world.pods[1] = ("chat", "2")
    world.look()
    world.pods[0], world.starting = ("chat", "2"), {0}
    world.objects["chat"] = deployment(2, 1)
    assert world.look() != ()
    world.starting = set()
    world.objects["chat"] = deployment(2, 2)
    assert world.look() == ()
    assert world.rollouts.wanted(world.seats.policies[0].model.workload) is None
    world.asked.clear()
    assert world.look() == ()
    assert world.asked == []


def test_pods_that_start_later_are_of_no_rollout(world: World) -> None:
    world.pods[1] = ("chat", "2")
    world.look()
    world.pods[0], world.starting = ("chat", "2"), {0}
    world.objects["chat"] = deployment(2, 1)
    assert world.look() != ()
    world.pods.append(("chat", "2"))
    world.starting = {0, 4}
    assert world.look() != ()
    world.starting = {4}
    assert world.look() == ()


def test_a_single_pod_that_is_another_now_is_asked_about(world: World) -> None:
    world.pods = [("chat", "1")]
    assert world.look() == ()
    world.pods, world.starting = [("chat", "2")], {0}
    assert world.look() != ()
    assert world.asked == ["chat"]


def test_who_may_not_read_it_sees_none(world: World) -> None:
    world.pods[1] = ("chat", "2")
    world.refuses = True
    assert world.look() == ()
