"""A dry run: the same tick on a cluster that can be read and not be written to."""

from __future__ import annotations

from collections.abc import Callable

from autoscaler.domain.inventory import Inventory
from autoscaler.domain.queue import CheckState, Queue
from autoscaler.ports.errors import PortError
from autoscaler.ports.queue import QueuePort


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


class DryQueue:
    """The queue port without writes, in the same way."""

    def __init__(self, queue: QueuePort) -> None:
        self._queue = queue

    def queue(self, now_s: float) -> Queue:
        return self._queue.queue(now_s)

    def hold(self, uid: str, pools: tuple[int, ...]) -> None:
        raise NotWritten("a dry run writes nothing")

    def free(self, uid: str) -> None:
        raise NotWritten("a dry run writes nothing")

    def answer(self, uid: str, state: CheckState, message: str) -> None:
        raise NotWritten("a dry run writes nothing")

    def serve(self, rule: int) -> None:
        raise NotWritten("a dry run writes nothing")
