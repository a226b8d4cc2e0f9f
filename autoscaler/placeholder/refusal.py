"""Why no placeholder can stand for a workload in a pool: the workload itself cannot land there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What keeps the workload out of the pool."""

    NODE_LABELS = "NodeLabels"
    """Its node selector or required node affinity excludes the pool's nodes."""
    TAINTS = "Taints"
    """It does not tolerate a taint of the pool's nodes."""
    VOLUMES = "Volumes"
    """Its volumes cannot be reached from the pool's nodes."""
    NEIGHBOURS = "Neighbours"
    """The pods that it must stand beside, or apart from, leave no place now; it may change as they move."""
    GPUS = "Gpus"
    """It asks for no GPU of the pool, or for more than a node has."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The cause, and what exactly excludes what, in words for the person who wrote the policy."""

    cause: Cause
    reason: str
