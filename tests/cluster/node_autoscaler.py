"""What the two node autoscalers of the rig have in common."""

from __future__ import annotations

from typing import Protocol

from tests.cluster.pools import Pool
from tests.cluster.processes import Program


class NodeAutoscaler(Protocol):
    """Buys nodes of its pools for pods that cannot be placed, and takes them away. One runs at a time."""

    kind: str
    """karpenter or cluster-autoscaler"""
    name: str
    """What a report says of it: which one it is, and whether it is the real one."""
    pools: tuple[Pool, ...]
    program: Program

    def start(self) -> None:
        """Starts it and waits until it is ready to buy."""

    def stop(self) -> None:
        """Stops it; its nodes stay, but for those of a supplied Cluster Autoscaler, which takes them along."""
