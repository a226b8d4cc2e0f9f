"""Karpenter with its kwok provider: buys fake nodes for pods that cannot be placed, and takes them away."""

from __future__ import annotations

from dataclasses import dataclass

from tests.cluster.api import Json
from tests.cluster.clock import wait_until
from tests.cluster.cluster import Cluster
from tests.cluster.control_plane import CRDS, ControlPlane
from tests.cluster.credentials import AUTOSCALER
from tests.cluster.intervals import BATCH_IDLE, BATCH_MOST
from tests.cluster.objects import is_true
from tests.cluster.pools import Pool, node_class, node_pool, write_instance_types
from tests.cluster.processes import Program, free_port

NODE_POOLS, NODE_CLAIMS = "karpenter.sh/v1/nodepools", "karpenter.sh/v1/nodeclaims"
NODE_CLASSES = "karpenter.kwok.sh/v1alpha1/kwoknodeclasses"
START_S = 60.0


@dataclass(frozen=True, slots=True)
class KarpenterOptions:
    """`when`: consolidation policy; `limit_gpus` of each NodePool, by default as many as its node groups would have;
    `gates`: FEATURE_GATES of Karpenter."""

    when: str = "WhenEmpty"
    limit_gpus: int | None = None
    gates: str = ""


class Karpenter:
    """One Karpenter on one control plane, with a NodePool and a node class for each pool."""

    kind = "karpenter"
    name = "Karpenter (kwok provider)"

    def __init__(self, cluster: Cluster, pools: tuple[Pool, ...], options: KarpenterOptions | None = None) -> None:
        self.cluster, self.pools = cluster, pools
        self._options = options or KarpenterOptions()
        self.program = _program(cluster.control_plane, self._options.gates)

    def start(self) -> None:
        """Makes the NodePools, starts it, and waits until it is ready to buy."""
        self._wait_for_definitions()
        for pool in self.pools:
            self.cluster.create(NODE_CLASSES, node_class(pool))
            self.cluster.create(NODE_POOLS, node_pool(pool, self._options.when, self._options.limit_gpus))
        self.program.start()

        def look() -> bool:
            self.program.check()
            return all(is_true(one, "Ready") for one in self.cluster.api.list(NODE_POOLS))

        wait_until(look, "Karpenter to find its NodePools ready", START_S)

    def stop(self) -> None:
        """Stops it; its nodes stay, held by its finalizers."""
        self.program.stop()

    def claims(self, pool: Pool | None = None) -> list[Json]:
        """NodeClaims, all or those of one pool."""
        query = {"labelSelector": f"karpenter.sh/nodepool={pool.name}"} if pool else {}
        return self.cluster.api.list(NODE_CLAIMS, **query)

    def _wait_for_definitions(self) -> None:
        def look() -> bool:
            return all(is_true(one, "Established") for one in self.cluster.api.list(CRDS))

        wait_until(look, "Karpenter's definitions to be served", START_S)


def _program(plane: ControlPlane, gates: str) -> Program:
    types = plane.folder / "instance-types.json"
    write_instance_types(types)
    env = {
        "KUBECONFIG": str(plane.kubeconfig(AUTOSCALER)),
        "SYSTEM_NAMESPACE": "karpenter",
        "KARPENTER_SERVICE": "karpenter",
        "DISABLE_LEADER_ELECTION": "true",
        "METRICS_PORT": str(free_port()),
        "HEALTH_PROBE_PORT": str(free_port()),
        "INSTANCE_TYPES_FILE_PATH": str(types),
        "BATCH_IDLE_DURATION": f"{BATCH_IDLE.tests_s:g}s",
        "BATCH_MAX_DURATION": f"{BATCH_MOST.tests_s:g}s",
        **({"FEATURE_GATES": gates} if gates else {}),
    }
    log = plane.folder / "karpenter.log"
    return plane.add(Program("karpenter", [plane.built.program("karpenter")], log, env, patience_s=3.0))
