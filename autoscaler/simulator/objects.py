"""Nodes and pods of a simulated cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from autoscaler.domain.lead_time import Stage, StartPath
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


@dataclass(frozen=True, slots=True)
class Trouble:
    """`what`, in words, holds up a start from `from_s` until `until_s`."""

    from_s: float
    until_s: float
    what: str


@dataclass(frozen=True, slots=True, order=True)
class Asker:
    """The pod that a node was bought for, as far as its start tells of it. Not the pod itself: through it, each node
    would keep all those before it."""

    created_s: float
    number: int
    workload: int


@dataclass(slots=True, eq=False)
class Node:
    """`granted`: the cloud delivers it and bills it; before that it is only asked for. `usable`: booted, with its GPUs.

    leaving: takes no more pods; called_back: because the cloud takes it. images: by workload, from when its image is
    there. unneeded_s: since when the node autoscaler could do without it; ignored_until_s: it does not look before.
    edges_s: when it was asked for and each of its stages ends; empty where it stood all along. came: it was usable
    before it had to leave. bought_for: of the pods that it was bought for the one created first; asker: the same, where
    anybody waited for such a node when it came, or was lost. gone_s: when it went; why: where it never came.
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
    came: bool = False
    bought_for: Asker | None = None
    asker: Asker | None = None
    gone_s: float = 0.0
    why: str = ""

    @property
    def placeholder_gpus(self) -> int:
        """GPUs that placeholders hold here."""
        return sum(pod.gpus for pod in self.pods if pod.is_placeholder)


@dataclass(slots=True, eq=False)
class Pod:
    """A replica (`slot` None) or the placeholder of that slot. pools: where it may run. bound_s: when it got a node.
    revision: of its image, higher ones are newer. number: its own among all pods. awaits: the node that was bought for
    it last, until it has one. ends: its stages with the time at which each of them ends. path: what was there when it
    was bound. over_s: when it went before it was ready; why: in words. troubles: what held up its start, or will.
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
    number: int = 0
    awaits: Node | None = None
    ends: tuple[tuple[Stage, float], ...] = ()
    path: StartPath = StartPath.COLD_NODE
    over_s: float | None = None
    why: str = ""
    troubles: Sequence[Trouble] = ()

    @property
    def asker(self) -> Asker:
        """What a node that is bought for it remembers."""
        return Asker(self.created_s, self.number, self.workload)

    @property
    def is_placeholder(self) -> bool:
        """Of lower priority than any replica."""
        return self.slot is not None
