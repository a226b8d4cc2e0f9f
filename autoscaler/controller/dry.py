"""A dry run: the same tick on a cluster that can be read and not be written to."""

from __future__ import annotations

from collections.abc import Callable

from autoscaler.domain.inventory import Inventory
from autoscaler.ports.errors import PortError


class NotWritten(PortError):
    """A dry run came to what a real one would have done."""


class DryCluster:
    """The cluster port without writes: each raises `NotWritten`, so that the outcomes of a tick say what it wanted."""

    def __init__(self, inventory: Callable[[float], Inventory]) -> None:
        """inventory: as that of `ClusterPort`."""
        self._inventory = inventory

    def inventory(self, now_s: float) -> Inventory:
        return self._inventory(now_s)

    def set_floor(self, workload: int, replicas: int) -> None:
        raise NotWritten("a dry run writes nothing")

    def create_placeholder(self, workload: int, pool: int, slot: int) -> None:
        raise NotWritten("a dry run writes nothing")

    def delete_placeholder(self, workload: int, pool: int, slot: int) -> None:
        raise NotWritten("a dry run writes nothing")
