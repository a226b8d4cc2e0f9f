"""What happened in a simulated cluster, for whoever looks at it later: starts of replicas stage by stage, what the
cloud did, and what became of placeholders. Memory is bounded however long a run is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

MOST_STARTS = 40_000
MOST_EVENTS = 20_000


class Happening(StrEnum):
    """What the cloud did."""

    NOTICE = "spot notice"
    """A node will be taken."""
    ZONE = "zone called back"
    """The market called back a zone; it grants none for a while."""
    REFUSED = "refused"
    """A zone had no stock for a node that was asked for."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One kind of thing that happened to `nodes` nodes of a pool's zone at one moment."""

    at_s: float
    what: Happening
    pool: int
    zone: int
    nodes: int


@dataclass(frozen=True, slots=True)
class ReplicaStart:
    """One replica from its creation to serving, seconds.

    was_up: its node was up before it was created. node_s: of its wait, what passed in each stage of its node (none
    where it was up); waited_s: the rest of it, for whoever decides and binds. image_s: until the image
    was there. replica_s: its own stages. lost_s: what crashes while it loaded cost.
    """

    workload: int
    pool: int
    zone: int
    created_s: float
    was_up: bool
    waited_s: float
    node_s: tuple[float, ...]
    image_s: float
    replica_s: tuple[float, ...]
    lost_s: float = 0.0


def node_part(created_s: float, bound_s: float, edges_s: tuple[float, ...]) -> tuple[tuple[float, ...], float]:
    """(seconds that a pod waited in each stage of its node, the rest of its wait). edges_s: where the stages meet."""
    stages = tuple(max(min(bound_s, end_s) - max(created_s, from_s), 0.0) for from_s, end_s in pairwise(edges_s))
    return stages, max(bound_s - created_s - sum(stages), 0.0)


class Journal:
    """Of W workloads. starts: of all, every `one_in`-th; starts_seen: how many there were. events: in the order of
    time, the last ones left out where there are too many. made, used: placeholders created so far by workload, and of
    them the ones that a replica took the room of.
    """

    def __init__(self, workloads: int, most_starts: int = MOST_STARTS, most_events: int = MOST_EVENTS) -> None:
        self.starts: list[ReplicaStart] = []
        self.starts_seen = 0
        self.one_in = 1
        self.events: list[CloudEvent] = []
        self.made = [0] * workloads
        self.used = [0] * workloads
        self._most_starts, self._most_events = most_starts, most_events

    def add_start(self, start: ReplicaStart) -> None:
        """A replica serves; once there are too many, evenly chosen ones are kept."""
        if self.starts_seen % self.one_in == 0:
            self.starts.append(start)
        self.starts_seen += 1
        if len(self.starts) > self._most_starts:
            self.starts = self.starts[::2]
            self.one_in *= 2

    def add_event(self, at_s: float, what: Happening, pool: int, zone: int, nodes: int = 1) -> None:
        """Something happened; the same thing at the same moment and place is one event of more nodes."""
        for place in range(len(self.events) - 1, -1, -1):
            last = self.events[place]
            if last.at_s != at_s:
                break
            if (last.what, last.pool, last.zone) == (what, pool, zone):
                self.events[place] = CloudEvent(at_s, what, pool, zone, last.nodes + nodes)
                return
        if len(self.events) < self._most_events:
            self.events.append(CloudEvent(at_s, what, pool, zone, nodes))
