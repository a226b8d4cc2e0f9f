"""GPU pools of the rig: what a platform team would rent, as plain nodes, as Karpenter's objects, and as node groups."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.api import Json
from tests.cluster.intervals import CONSOLIDATE_AFTER
from tests.cluster.stages import LAW, Stages

ZONES = ("zone-a", "zone-b", "zone-c")
GPU = "nvidia.com/gpu"
TAINT: Json = {"key": GPU, "value": "present", "effect": "NoSchedule"}
POOL_LABEL, GROUP_LABEL = "rig.test/pool", "rig.test/nodegroup"
CAPACITY_LABEL = "rig.test/capacity-type"  # the same with both autoscalers
ZONE_LABEL = "topology.kubernetes.io/zone"
GPU_LABEL = "k8s.amazonaws.com/accelerator"  # how Cluster Autoscaler knows a GPU node
FAKE = {"kwok.x-k8s.io/node": "fake"}
CPU_CORES, MEMORY_GIB = 12, 128  # for each GPU
SPOT_PRICE = 0.4  # of on-demand
QUICK = Stages(boot_s=3)


@dataclass(frozen=True, slots=True)
class Pool:
    """Interchangeable nodes. `stages` holds for each node, unless `law` names one that a Drawing knows;
    `registration_s` is Karpenter's time from the launch to the Node object."""

    name: str
    capacity_type: str = "on-demand"
    gpus: int = 8
    zones: tuple[str, ...] = ZONES
    most_nodes: int = 10  # in each zone
    stages: Stages = QUICK
    law: str | None = None
    registration_s: int = 2
    price_gpu_h: float = 3.75
    has_gpu_label: bool = True

    @property
    def instance_type(self) -> str:
        """The name of the machine type."""
        return f"h100-{self.gpus}x"

    @property
    def labels(self) -> dict[str, str]:
        """Labels that all its nodes carry, whoever makes them."""
        return {POOL_LABEL: self.name, CAPACITY_LABEL: self.capacity_type, "gpu": "h100"}

    @property
    def annotations(self) -> dict[str, str]:
        """What kwok and a Drawing read on its nodes."""
        count = {"rig.test/gpu-count": str(self.gpus)}
        return count | ({LAW: self.law} if self.law else self.stages.annotations())

    def group(self, zone: str) -> str:
        """The name of its node group in a zone, as Cluster Autoscaler sees it."""
        return f"{self.name}-{zone}"


PRIMARY = Pool("gpu-primary")
BURST = Pool("gpu-burst", capacity_type="spot")
SMALL = Pool("gpu-small", gpus=1)


def resources(gpus: int) -> dict[str, str]:
    """What a machine with so many GPUs has."""
    return {
        "cpu": str(CPU_CORES * max(gpus, 1)),
        "memory": f"{MEMORY_GIB * max(gpus, 1)}Gi",
        "pods": "110",
        "ephemeral-storage": "500Gi",
        **({GPU: str(gpus)} if gpus else {}),
    }


def node(pool: Pool, zone: str, name: str) -> Json:
    """A Node of a pool that boots: not Ready, and kept so until its stages are through."""
    gpu_label = {GPU_LABEL: "nvidia-h100"} if pool.has_gpu_label else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": FAKE | pool.annotations,
            "labels": pool.labels
            | gpu_label
            | {
                GROUP_LABEL: pool.group(zone),
                ZONE_LABEL: zone,
                "node.kubernetes.io/instance-type": pool.instance_type,
                "kubernetes.io/hostname": name,
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/os": "linux",
            },
        },
        "spec": {"taints": [TAINT]},
        "status": {
            "capacity": resources(pool.gpus),
            "allocatable": resources(pool.gpus),
            "conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "booting"}],
        },
    }


def templates(pools: tuple[Pool, ...]) -> list[Json]:
    """A template Node for each pool and zone, in the form that Cluster Autoscaler's kwok provider reads."""
    found = []
    for pool in pools:
        for zone in pool.zones:
            template = node(pool, zone, pool.group(zone))
            limits = {"min": 0, "max": pool.most_nodes, "desired": 0}
            prefix = "cluster-autoscaler.kwok.nodegroup"
            template["metadata"]["annotations"] |= {f"{prefix}/{k}-count": str(v) for k, v in limits.items()}
            found.append(template)
    return found


def write_instance_types(to: Path) -> None:
    """The catalogue of Karpenter's kwok provider: 1, 4 and 8 GPUs, on demand and spot, in three zones."""
    catalogue = []
    for gpus in (1, 4, 8):
        offerings = [
            {
                "Price": PRIMARY.price_gpu_h * gpus * (SPOT_PRICE if capacity == "spot" else 1.0),
                "Available": True,
                "Requirements": [_one_of("karpenter.sh/capacity-type", capacity), _one_of(ZONE_LABEL, zone)],
            }
            for capacity in ("on-demand", "spot")
            for zone in ZONES
        ]
        machine = {"name": f"h100-{gpus}x", "architecture": "amd64", "operatingSystems": ["linux"]}
        catalogue.append(machine | {"resources": resources(gpus), "offerings": offerings})
    to.write_text(json.dumps(catalogue, indent=1))


def node_class(pool: Pool) -> Json:
    """The KWOKNodeClass of a pool: each has its own, with its own time to register."""
    return {
        "apiVersion": "karpenter.kwok.sh/v1alpha1",
        "kind": "KWOKNodeClass",
        "metadata": {"name": pool.name},
        "spec": {"nodeRegistrationDelay": f"{pool.registration_s}s"},
    }


def node_pool(pool: Pool, when: str = "WhenEmpty", limit_gpus: int | None = None) -> Json:
    """The NodePool of a pool. `when`: consolidation policy; `limit_gpus`: by default what its node groups have."""
    most = pool.gpus * pool.most_nodes * len(pool.zones) if limit_gpus is None else limit_gpus
    requirements = [
        _one_of("karpenter.sh/capacity-type", pool.capacity_type),
        _one_of(ZONE_LABEL, *pool.zones),
        _one_of("node.kubernetes.io/instance-type", pool.instance_type),
    ]
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": pool.name},
        "spec": {
            "template": {
                "metadata": {"labels": pool.labels, "annotations": pool.annotations},
                "spec": {
                    "nodeClassRef": {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass", "name": pool.name},
                    "requirements": requirements,
                    "taints": [TAINT],
                    "startupTaints": [{"key": "rig.test/booting", "effect": "NoSchedule"}],
                },
            },
            "disruption": {
                "consolidationPolicy": when,
                "consolidateAfter": f"{CONSOLIDATE_AFTER.tests_s:g}s",
                "budgets": [{"nodes": "100%"}],
            },
            "limits": {GPU: str(most)},
        },
    }


def _one_of(key: str, *values: str) -> Json:
    return {"key": key, "operator": "In", "values": list(values)}
