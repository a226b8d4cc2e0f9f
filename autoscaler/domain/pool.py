"""Pools: interchangeable nodes, and which workloads may stand on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CapacityType(StrEnum):
    """How a pool's nodes are bought."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool of interchangeable nodes. Prices are dollars a GPU-hour. The node autoscaler keeps `min_nodes` at least;
    `max_nodes` None means no limit of ours.
    """

    name: str
    capacity_type: CapacityType
    gpus_per_node: int = 1
    price_per_gpu_hour_dollars: float = 1.0
    max_nodes: int | None = None
    zones: tuple[str, ...] = ("a",)
    min_nodes: int = 0
