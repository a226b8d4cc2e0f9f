"""Facts of a cluster in which nothing is wrong, and what tests put in place of some of them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from autoscaler.doctor.facts import Definition, Facts, QueueFacts, ServedKind, Signal, Trial, WorkloadFacts
from autoscaler.doctor.needs import WorkloadKind, permissions
from autoscaler.placeholder.manifest import House
from autoscaler.policy.check import PolicyDocument
from autoscaler.policy.load import of_kind, parse_documents
from autoscaler.policy.model import KINDS, CapacityPolicy
from autoscaler.policy.pool import GpuPool
from autoscaler.policy.queue import QueuePolicy

POLICIES = """\
apiVersion: gpu-autoscaler.io/v1alpha1
kind: GpuPool
metadata: {name: steady}
spec:
  capacityType: on-demand
  nodeAffinity: [{key: gpu, operator: In, values: [h100]}]
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  gpusPerNode: 8
  pricePerGpuHour: 3
---
apiVersion: gpu-autoscaler.io/v1alpha1
kind: CapacityPolicy
metadata: {name: chat}
spec:
  workload: {namespace: inference, name: chat}
  demand:
    arrivals: {query: 'sum(rate(requests_total[1m]))'}
    running: {query: 'sum(requests_running)'}
    gpuUtilization: {query: 'avg(busy)'}
    perReplica: {arrivals: 4, concurrency: 32, gpuUtilization: 75%}
  objective: {measured: {query: 'avg(late)'}}
  pools: {primary: [steady]}
  replicas: {via: VIA}
"""
POD: dict[str, Any] = {
    "metadata": {"name": "chat-1", "namespace": "inference", "labels": {"app": "chat"}},
    "spec": {
        "priority": 0,
        "nodeSelector": {"gpu": "h100"},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
        "containers": [{"name": "serve", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
    },
}
NODE: dict[str, Any] = {
    "metadata": {"name": "node-1", "labels": {"gpu": "h100"}},
    "spec": {"taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]},
    "status": {"allocatable": {"nvidia.com/gpu": "8"}, "conditions": [{"type": "Ready", "status": "True"}]},
}
DEPLOYMENT: dict[str, Any] = {"metadata": {"name": "chat", "namespace": "inference"}, "spec": {"replicas": 1}}
PLACEHOLDER: dict[str, Any] = {
    "spec": {
        "containers": [{"name": "hold", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
        "schedulerName": "default-scheduler",
    }
}
CLASS: dict[str, Any] = {"value": -10, "preemptionPolicy": "Never", "globalDefault": False}
VALUES = {"arrivals": 10.0, "running": 5.0, "gpuUtilization": 0.5, "measured": 0.01}


def policy(via: str = "auto") -> tuple[PolicyDocument, GpuPool]:
    """via: may go on with other fields of `replicas`."""
    documents = parse_documents(POLICIES.replace("VIA", via).encode(), "chat.yaml", KINDS, lambda _: b"")
    return of_kind(documents, CapacityPolicy)[0], of_kind(documents, GpuPool)[0].model


def workload(via: str = "auto", **other: Any) -> WorkloadFacts:
    return replace(
        WorkloadFacts(
            policy(via)[0], ServedKind("apps", "deployments", True), DEPLOYMENT, POD, (), (),
            (Trial("steady", PLACEHOLDER, PLACEHOLDER),),
        ),
        **other,
    )  # fmt: skip


QUEUE = """
apiVersion: gpu-autoscaler.io/v1alpha1
kind: QueuePolicy
metadata: {name: training}
spec:
  mode: act
  namespaces: [training]
  pools: {primary: [steady]}
  budget: {gpus: 8}
  admissionCheck: {name: nodes}
"""


def queue(**other: Any) -> QueueFacts:
    """A policy for all kinds of queued work, which are all there, with an AdmissionCheck of ours."""
    documents = parse_documents(QUEUE.encode(), "training.yaml", KINDS, lambda _: b"")
    check = {"spec": {"controllerName": "gpu-autoscaler.io/nodes"}}
    return replace(QueueFacts(of_kind(documents, QueuePolicy)[0], (), check), **other)


def signal(name: str, **other: Any) -> Signal:
    document = policy()[0]
    demand = document.model.demand
    queries = {
        "arrivals": demand.arrivals, "running": demand.running, "gpuUtilization": demand.gpu_utilization,
        "measured": document.model.objective.measured,
    }  # fmt: skip
    asked = queries[name]
    assert asked is not None
    return replace(Signal(document, name, asked.query, "answered", VALUES[name], 3.0, None, math.nan), **other)


@pytest.fixture
def facts() -> Facts:
    documents = parse_documents(POLICIES.replace("VIA", "auto").encode(), "chat.yaml", KINDS, lambda _: b"")
    needed = permissions("gpu", "lease", [WorkloadKind("inference", "apps", "deployments")])
    return Facts(
        house=House("gpu", "pause", "placeholder", {}, {}),
        problems=(),
        permissions=tuple((one, True) for one in needed),
        store=None,
        api_server_ahead_s=0.4,
        store_ahead_s=-0.4,
        signals=tuple(signal(name) for name in VALUES),
        namespace={"metadata": {"name": "gpu"}, "status": {"phase": "Active"}},
        definition=Definition(("v1alpha1",), frozenset({"mode", "reason"}), frozenset({"mode"})),
        priority_class=CLASS,
        cutoff=None,
        pools=tuple(of_kind(documents, GpuPool)),
        nodes=(NODE,),
        node_pools=None,
        workloads=(workload(),),
        queues=(queue(),),
    )
