"""What a person would look up with kubectl: nodes, pods, Deployments and CapacityPlans, counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoscaler.placeholder.manifest import PLACEHOLDER, PLAN, ROLE
from tests.cluster.api import Api, Json
from tests.cluster.cluster import PLANS
from tests.cluster.karpenter import NODE_CLAIMS
from tests.cluster.live import DEPLOYMENTS
from tests.cluster.objects import is_true
from tests.cluster.pools import GPU, POOL_LABEL, Pool


@dataclass(frozen=True, slots=True)
class PoolSeen:
    """Nodes by state, and GPUs of ready nodes by what holds them. ordered: asked of the cloud, not yet a node."""

    name: str
    capacity_type: str
    ready: int
    booting: int
    ordered: int
    serving_gpus: int
    starting_gpus: int
    warm_gpus: int
    free_gpus: int


@dataclass(frozen=True, slots=True)
class WorkloadSeen:
    """Replicas by state, placeholders by state, and the plan as its CapacityPlan shows it.

    demand, planned: None while not told. complaints: `condition: reason` of each condition that does not hold."""

    policy: str
    mode: str
    demand: float | None
    floor: int | None
    planned: int | None
    reason: str
    complaints: tuple[str, ...]
    ready: int
    starting: int
    pending: int
    asked: int
    held: int
    coming: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the cluster."""

    pools: tuple[PoolSeen, ...]
    workloads: tuple[WorkloadSeen, ...]


@dataclass(frozen=True, slots=True)
class Objects:
    """Raw objects of one look. pods: of workloads and placeholders alike."""

    nodes: Sequence[Json]
    claims: Sequence[Json]
    pods: Sequence[Json]
    deployments: Sequence[Json]
    plans: Sequence[Json]


def look(api: Api, inference: str, house: str) -> Objects:
    """Asks for all of it. inference, house: namespaces of workloads and of placeholders."""
    pods = [*api.list("pods", inference), *api.list("pods", house, labelSelector=f"{ROLE}={PLACEHOLDER}")]
    return Objects(
        api.list("nodes"), api.list(NODE_CLAIMS), pods, api.list(DEPLOYMENTS, inference), api.list(PLANS, house)
    )  # fmt: skip


def counted(found: Objects, pools: Sequence[Pool]) -> Seen:
    """What is shown. Pools and workloads come in the order given, workloads by name."""
    return Seen(tuple(_pool(found, pool) for pool in pools), tuple(_workloads(found)))


def _pool(found: Objects, pool: Pool) -> PoolSeen:
    mine = [node for node in found.nodes if node["metadata"]["labels"].get(POOL_LABEL) == pool.name]
    names = {node["metadata"]["name"]: _usable(node) for node in mine}
    claims = [one for one in found.claims if one["metadata"]["labels"].get("karpenter.sh/nodepool") == pool.name]
    gpus = {"serving": 0, "starting": 0, "warm": 0}
    for pod in found.pods:
        if names.get(pod["spec"].get("nodeName", "")):
            gpus[_use(pod)] += _gpus(pod)
    ready = [node for node in mine if names[node["metadata"]["name"]]]
    all_gpus = sum(int(node["status"]["allocatable"][GPU]) for node in ready)
    return PoolSeen(
        pool.name, pool.capacity_type, len(ready), len(mine) - len(ready),
        sum(not one.get("status", {}).get("nodeName") for one in claims),
        gpus["serving"], gpus["starting"], gpus["warm"], all_gpus - sum(gpus.values()),
    )  # fmt: skip


def _usable(node: Json) -> bool:
    """Ready, with GPUs to give."""
    return is_true(node, "Ready") and node["status"].get("allocatable", {}).get(GPU, "0") != "0"


def _use(pod: Json) -> str:
    if _is_placeholder(pod):
        return "warm"
    return "serving" if is_true(pod, "Ready") else "starting"


def _is_placeholder(pod: Json) -> bool:
    return bool((pod["metadata"].get("labels") or {}).get(ROLE) == PLACEHOLDER)


def _gpus(pod: Json) -> int:
    return sum(int(one["resources"]["requests"].get(GPU, "0")) for one in pod["spec"]["containers"])


def _workloads(found: Objects) -> Iterator[WorkloadSeen]:
    plans = {plan["metadata"]["name"]: plan.get("status") or {} for plan in found.plans}
    for deployment in sorted(found.deployments, key=lambda one: str(one["metadata"]["name"])):
        name = deployment["metadata"]["name"]
        status = plans.get(name, {})
        real = [pod for pod in found.pods if (pod["metadata"].get("labels") or {}).get("app") == name]
        real = [pod for pod in real if not _is_placeholder(pod)]
        held = [pod for pod in found.pods if _is_placeholder(pod) and pod["metadata"]["labels"].get(PLAN) == name]
        ready, placed = (sum(map(of, real)) for of in (lambda pod: is_true(pod, "Ready"), _is_placed))
        yield WorkloadSeen(
            name, status.get("mode", "-"), status.get("demandReplicas"), status.get("floorReplicas"),
            status.get("plannedFloorReplicas"), status.get("reason", ""), tuple(_complaints(status)), ready,
            placed - ready, len(real) - placed, deployment["spec"]["replicas"], sum(map(_is_placed, held)),
            len(held) - sum(map(_is_placed, held)),
        )  # fmt: skip


def _is_placed(pod: Json) -> bool:
    return bool(pod["spec"].get("nodeName"))


def _complaints(status: Json) -> Iterator[str]:
    for one in status.get("conditions", ()):
        if one["status"] == "False":
            yield f"{one['type']}: {one['reason']}"
