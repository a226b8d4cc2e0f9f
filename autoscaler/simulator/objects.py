"""Nodes and pods of a simulated cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from autoscaler.simulator.engine import Event


class PodState(Enum):
    """Where a pod stands between its creation and its end."""

    PENDING = auto()
    STARTING = auto()
    READY = auto()
    """Serving, or for a placeholder: holding its GPUs."""
    STOPPING = auto()
    """Serves no more, still holds its GPUs."""
    GONE = auto()


@dataclass(slots=True, eq=False)
class Node:
    """`granted`: the cloud delivers it and bills it; before that it is only asked for. `usable`: booted, with its GPUs.

    leaving: takes no more pods; called_back: because the cloud takes it. images: by workload, from when its image is
    there. unneeded_s: since when the node autoscaler could do without it; ignored_until_s: it does not look before.
    edges_s: when it was asked for and each of its stages ends; empty where it stood all along.
    """

    number: int
    pool: int
    zone: int
    gpus: int
    free: int
    granted: bool = False
    usable: bool = False
    leaving: bool = False
    called_back: bool = False
    gone: bool = False
    pods: list[Pod] = field(default_factory=list)
    images: dict[int, float] = field(default_factory=dict)
    unneeded_s: float | None = None
    ignored_until_s: float = 0.0
    edges_s: tuple[float, ...] = ()

    @property
    def placeholder_gpus(self) -> int:
        """GPUs that placeholders hold here."""
        return sum(pod.gpus for pod in self.pods if pod.is_placeholder)


@dataclass(slots=True, eq=False)
class Pod:
    """A replica (`slot` None) or the placeholder of that slot. pools: where it may run. bound_s: when it got a node.
    revision: of its image, higher ones are newer.
    """

    workload: int
    gpus: int
    pools: tuple[int, ...]
    created_s: float
    slot: int | None = None
    state: PodState = PodState.PENDING
    node: Node | None = None
    bound_s: float = 0.0
    timer: Event | None = None
    revision: int = 0

    @property
    def is_placeholder(self) -> bool:
        """Of lower priority than any replica."""
        return self.slot is not None
