"""Lead time: from asking for capacity to its serving, in stages that follow one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum


class Stage(StrEnum):
    """One stage of a start.

    ORDERED: asked for a node, until one is launched; where only the Node object tells of the launch, until that is
    there. JOINED: launched, until the Node object is there. NODE_READY: from the Node object to Ready. GPU: from Ready
    to the first pod on it: devices, and taints of the start. IMAGE: from bound to the containers' start: pull and init
    containers. START: between the containers' start and a ready pod, what nobody tells apart. WEIGHTS: the model comes
    to the node's memory. CUDA: the context of the process. TRANSFER: the model goes to the GPU's memory. LOAD: these
    three in one, where only their end is told. WARM_UP: from a loaded model to a ready pod.
    """

    ORDERED = "ordered"
    JOINED = "joined"
    NODE_READY = "node_ready"
    GPU = "gpu"
    IMAGE = "image"
    START = "start"
    WEIGHTS = "weights"
    CUDA = "cuda"
    TRANSFER = "transfer"
    LOAD = "load"
    WARM_UP = "warm_up"


class Part(StrEnum):
    """The part of a lead time that is of the node, and the part that is of the replica on it."""

    NODE = "node"
    REPLICA = "replica"

    @property
    def stages(self) -> tuple[Stage, ...]:
        """In the order in which they are shown; that of their time, as a rule."""
        return _STAGES[self]


_STAGES = {
    Part.NODE: (Stage.ORDERED, Stage.JOINED, Stage.NODE_READY, Stage.GPU),
    Part.REPLICA: (
        Stage.IMAGE, Stage.START, Stage.WEIGHTS, Stage.CUDA, Stage.TRANSFER, Stage.LOAD, Stage.WARM_UP,
    ),
}  # fmt: skip


class StartPath(StrEnum):
    """What was there already when a start began, as far as anybody tells.

    COLD_NODE: nothing, it had to wait for a node, or the image had to be pulled. WARM_NODE: a node; whether it had the
    image, nobody says. IMAGE_PRESENT: the image too. WEIGHTS_PRESENT: the weights too. RESTORED: it went on from a
    snapshot of a process.
    """

    COLD_NODE = "cold_node"
    WARM_NODE = "warm_node"
    IMAGE_PRESENT = "image_present"
    WEIGHTS_PRESENT = "weights_present"
    RESTORED = "restored"


class StartEnd(Enum):
    """How far a start came. Of one that is not complete, what passed so far is a lower bound."""

    COMPLETE = "complete"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Start:
    """The start of one node for a workload, or of one replica on its node.

    uid: of the node or pod that came to be; of the pod that waits, where there is no node yet. policy, pool: names.
    stages: seconds of each; they follow one another, and where two went on at a time, the seconds are of the one that
    the other waited for. ended_s: when it was complete or failed, else the time of the look; seconds since the epoch.
    image: what tells the images of a replica from others, empty where that is not known, and for a node. in_stage: of
    one that is not complete, the stage that was not over, None: the last of `stages`, in their order.

    zone: of the node. digest: of the image that runs, shortened. model_format: of the model's files. pod: "namespace/
    name" while the pod is there, of replicas alone. why: a word or a line on what holds it up, or made it fail. Each is
    empty where nobody tells.
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
    in_stage: Stage | None = None
    zone: str = ""
    digest: str = ""
    model_format: str = ""
    pod: str = ""
    why: str = ""

    @property
    def seconds(self) -> float:
        """All of it, so far."""
        return sum(self.stages.values())

    @property
    def began_s(self) -> float:
        """When it began, in seconds since the epoch."""
        return self.ended_s - self.seconds

    @property
    def open_stage(self) -> Stage | None:
        """The stage that was not over; None where the start is complete."""
        if self.end is StartEnd.COMPLETE:
            return None
        return self.in_stage or max(self.stages, key=self.part.stages.index)


def longest_waiting(starts: Iterable[Start]) -> list[Start]:
    """All, but of those that wait for a node of one pool for one policy the longest alone: one supply keeps them."""
    found: list[Start] = []
    longest: dict[tuple[str, str], Start] = {}
    for start in starts:
        if start.part is Part.REPLICA or start.end is not StartEnd.WAITING:
            found.append(start)
            continue
        place = (start.policy, start.pool)
        if place not in longest or longest[place].seconds < start.seconds:
            longest[place] = start
    return [*found, *longest.values()]


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
