"""Queued work: what waits and has no Pending pods yet, so that no node autoscaler sees it; and the room held for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    """What we say of a piece of work through an AdmissionCheck of Kueue, in its words."""

    NONE = ""
    PENDING = "Pending"
    READY = "Ready"
    RETRY = "Retry"
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True)
class QueueRule:
    """A policy for queued work.

    primary, burst: numbers of pools in the fleet, tried in this order. budget: number of a budget of the fleet.
    give_up_after_s: work that waits for longer holds nothing. check: the AdmissionCheck that we answer, empty where
    there is none; check_timeout_s: how long it holds work; retries: what is out of time gives its quota back.
    """

    name: str
    acts: bool
    priority: int
    primary: tuple[int, ...]
    burst: tuple[int, ...]
    budget: int
    give_up_after_s: float
    check: str = ""
    check_timeout_s: float = 1800.0
    retries: bool = False

    @property
    def pools(self) -> tuple[int, ...]:
        """In order of preference."""
        return (*self.primary, *self.burst)


@dataclass(frozen=True, slots=True)
class PodSet:
    """Pods of one shape that ask for GPUs.

    count: how many there will be. gpus: of one of them, by pool of the fleet, None where such a pod cannot land.
    refused: why not, by pool; empty texts where it can.
    """

    name: str
    count: int
    gpus: tuple[int | None, ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueuedItem:
    """A piece of work: all of its pods, or none.

    rule: number of its policy. uid: of its object. waits: it has not been let go yet. queued_s: since when, in seconds
    since the epoch. urgent: it has its quota, and is let go next. priority: among the work of its policy, the higher
    first. pod_sets: those that ask for GPUs. again_s: room that was lost is asked for from then on. stock_out: pools
    in which nobody gave it a node lately.
    """

    rule: int
    uid: str
    kind: str
    namespace: str
    name: str
    waits: bool
    queued_s: float
    urgent: bool
    priority: int
    pod_sets: tuple[PodSet, ...]
    check: CheckState = CheckState.NONE
    again_s: float = 0.0
    stock_out: frozenset[int] = frozenset()

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class QueuePlaceholder:
    """A placeholder of one pod of one pod set; gpus: what it holds, on a node (bound) or waiting for one."""

    rule: int
    pool: int
    uid: str
    pod_set: str
    index: int
    gpus: int
    bound: bool


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits at one moment, with the room that is held for it.

    free_gpus: by pool, what each node that is ready and stays has free. problems: kinds of work that could not be seen,
    in words: work of theirs is missing here, and may be there all the same.
    """

    items: tuple[QueuedItem, ...]
    placeholders: tuple[QueuePlaceholder, ...]
    free_gpus: tuple[tuple[int, ...], ...]
    problems: tuple[str, ...] = ()


class Stand(StrEnum):
    """What becomes of a piece of work; a stable word."""

    STANDS = "NodesStand"
    ON_ORDER = "NodesOnOrder"
    LET_GO = "LetGo"
    NO_GPUS = "NoGpus"
    GAVE_UP = "GaveUp"
    NO_POOL = "FitsNoPool"
    STOCK_OUT = "OutOfStock"
    POOL_LIMIT = "PoolLimit"
    BUDGET = "BudgetLimit"


HELD_BACK = (Stand.GAVE_UP, Stand.NO_POOL, Stand.STOCK_OUT, Stand.POOL_LIMIT, Stand.BUDGET)


@dataclass(frozen=True, slots=True)
class Decision:
    """pools: of each pod set that asks for GPUs, where its placeholders are to stand; None: it is to have none.

    reason: why, in words.
    """

    item: QueuedItem
    pools: tuple[int, ...] | None
    stand: Stand
    reason: str


@dataclass(frozen=True, slots=True)
class HoldRoom:
    """Make the placeholders of a whole piece of work that are missing; pools: of each of its pod sets."""

    rule: int
    uid: str
    title: str
    pools: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FreeRoom:
    """Delete all placeholders of a piece of work."""

    rule: int
    uid: str
    title: str


@dataclass(frozen=True, slots=True)
class AnswerCheck:
    """Tell Kueue what becomes of a piece of work that our AdmissionCheck holds."""

    rule: int
    uid: str
    title: str
    state: CheckState
    message: str


@dataclass(frozen=True, slots=True)
class ServeCheck:
    """Tell Kueue that somebody answers the AdmissionCheck of a policy."""

    rule: int


QueueAction = HoldRoom | FreeRoom | AnswerCheck | ServeCheck


@dataclass(frozen=True, slots=True)
class QueueOutcome:
    """What became of one action: `error` is None where it was done, else the port's own words."""

    action: QueueAction
    error: str | None = None


@dataclass(frozen=True, slots=True)
class QueueReport:
    """One tick of the queue. withheld: what policies would have had done that only observe, or are paused. error: why
    nothing was done, where what waits could not be seen.
    """

    queue: Queue | None
    decisions: tuple[Decision, ...] = ()
    outcomes: tuple[QueueOutcome, ...] = ()
    withheld: tuple[QueueAction, ...] = ()
    error: str | None = None
