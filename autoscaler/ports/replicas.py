"""The replicas port: the number of replicas of any workload, also of one that no policy is for any more."""

from __future__ import annotations

from typing import Protocol

from autoscaler.ports.events import ObjectReference


class ReplicasPort(Protocol):
    """Reads the number, and gives it back."""

    def replicas(self, workload: ObjectReference) -> int:
        """How many are asked for now. Raises `PortError`."""
        ...

    def give_back(self, workload: ObjectReference, replicas: int) -> None:
        """Asks for so many replicas, as before we moved them. Raises `NotFound` where the workload is gone,
        `OwnedByOthers` where somebody else moves them by now, and other `PortError`s."""
        ...
