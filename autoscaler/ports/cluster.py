"""The cluster port: what stands, and the two things that we may change."""

from __future__ import annotations

from typing import Protocol

from autoscaler.domain.inventory import Inventory


class ClusterPort(Protocol):
    """Inventory, replica floors and placeholders of the fleet. Every write is idempotent."""

    def inventory(self, now_s: float) -> Inventory:
        """What stands at `now_s`. Raises `Unavailable` where it cannot be said: the caller then changes nothing."""
        ...

    def set_floor(self, workload: int, replicas: int) -> None:
        """Ask the owner of the workload's replicas for at least `replicas` (>= 0). Raises `PortError`."""
        ...

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """Create the placeholder of this slot, of the workload's shape, pinned to the pool. Raises `PortError`."""
        ...

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        """Delete the placeholder of this slot. Raises `PortError`."""
        ...
