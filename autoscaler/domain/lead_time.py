"""Lead time: from asking for capacity to its serving, in stages that follow one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class Stage(StrEnum):
    """One stage of a start, as far as Kubernetes objects tell it.

    ORDERED: asked for a node, until one is launched; where only the Node object tells of the launch, until that is
    there. JOINED: launched, until the Node object is there. NODE_READY: from the Node object to Ready. GPU: from Ready
    to the first pod on it: devices, and taints of the start. IMAGE: from bound to the containers' start: pull and init
    containers. START: from there to a ready pod: weights, CUDA, transfer, warm-up. Where the pod itself says in a
    condition of its own that a part is done, START stands as LOAD, until then, and WARM_UP.
    """

    ORDERED = "ordered"
    JOINED = "joined"
    NODE_READY = "node_ready"
    GPU = "gpu"
    IMAGE = "image"
    START = "start"
    LOAD = "load"
    WARM_UP = "warm_up"


class Part(StrEnum):
    """The part of a lead time that is of the node, and the part that is of the replica on it."""

    NODE = "node"
    REPLICA = "replica"

    @property
    def stages(self) -> tuple[Stage, ...]:
        """In their order of time."""
        return _STAGES[self]


_STAGES = {
    Part.NODE: (Stage.ORDERED, Stage.JOINED, Stage.NODE_READY, Stage.GPU),
    Part.REPLICA: (Stage.IMAGE, Stage.START, Stage.LOAD, Stage.WARM_UP),
}


class StartPath(StrEnum):
    """From where a start began: a node that it had to wait for, or one that was there."""

    COLD_NODE = "cold_node"
    WARM_NODE = "warm_node"


class StartEnd(Enum):
    """How far a start came. Of one that is not complete, what passed so far is a lower bound."""

    COMPLETE = "complete"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Start:
    """The start of one node for a workload, or of one replica on its node.

    uid: of the node or pod that came to be; of the pod that waits, where there is no node yet. policy, pool: names.
    stages: seconds of each; the last one in order of time is the one that was not over where the start is not complete.
    ended_s: when it was complete or failed, else the time of the look; seconds since the epoch. image: what tells the
    images of a replica from others, empty where that is not known, and for a node.
    """

    uid: str
    part: Part
    policy: str
    pool: str
    path: StartPath
    stages: Mapping[Stage, float]
    ended_s: float
    end: StartEnd
    image: str = ""

    @property
    def seconds(self) -> float:
        """All of it, so far."""
        return sum(self.stages.values())


@dataclass(frozen=True, slots=True)
class WakeUp:
    """How long the first request waits for a replica where nothing runs, in seconds.

    seen_s: until a tick sees it, on average half of one. node_s, replica_s: what half of the starts keep to; node_s 0
    where a node is there. p90_s: all of it, as it is planned with. is_learned: False while all that is a prior.
    """

    seen_s: float
    node_s: float
    replica_s: float
    p90_s: float
    is_learned: bool

    @property
    def expected_s(self) -> float:
        """The sum of the stages."""
        return self.seen_s + self.node_s + self.replica_s

    def __str__(self) -> str:
        node = f"node {self.node_s:.0f} s" if self.node_s else "its node is there"
        parts = f"seen {self.seen_s:.0f} s, {node}, replica {self.replica_s:.0f} s"
        told = "" if self.is_learned else "; no start was seen yet"
        return (
            f"the first request waits about {self.expected_s:.0f} s ({parts}), one in ten over {self.p90_s:.0f} s{told}"
        )


@dataclass(frozen=True, slots=True)
class StageQuantile:
    """How long a stage takes for a workload in a pool: `quantile` of its starts take at most so many seconds."""

    policy: str
    pool: str
    stage: Stage
    quantile: float
    seconds: float
