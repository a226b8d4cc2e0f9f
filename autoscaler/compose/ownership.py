"""Who owns placeholders: the CapacityPlan of their policy, with which they go, whoever has stopped meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from autoscaler.adapters.kubernetes.plans.capacity_plans import CapacityPlans
from autoscaler.domain.inventory import Inventory
from autoscaler.placeholder.pod import Json
from autoscaler.ports.cluster import ClusterPort
from autoscaler.ports.errors import NotFound


class Owners(Mapping[str, Json]):
    """By policy name: its plan as it stands at the moment of asking; of no uid where there is none."""

    def __init__(self, plans: CapacityPlans, policies: Sequence[str]) -> None:
        self._plans, self._policies = plans, tuple(policies)

    def __getitem__(self, policy: str) -> Json:
        if policy not in self._policies:
            raise KeyError(policy)
        return self._plans.owner(policy)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def __len__(self) -> int:
        return len(self._policies)


class OwnedCluster:
    """The cluster port, without placeholders that nobody would own: they would outlive whoever made them."""

    def __init__(self, cluster: ClusterPort, plans: CapacityPlans, policies: Sequence[str]) -> None:
        """policies: names in the order of the fleet."""
        self._cluster, self._plans, self._policies = cluster, plans, tuple(policies)

    def inventory(self, now_s: float) -> Inventory:
        return self._cluster.inventory(now_s)

    def set_floor(self, workload: int, replicas: int) -> None:
        self._cluster.set_floor(workload, replicas)

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """As `ClusterPort`. Raises `NotFound` where the policy has no plan."""
        policy = self._policies[workload]
        if not self._plans.uid(policy):
            raise NotFound(f"create a placeholder of {policy}: there is no CapacityPlan {policy} to own it")
        self._cluster.create_placeholder(workload, pool, slot)

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        self._cluster.delete_placeholder(workload, pool, slot)
