"""Which pools can be had, and which nodes are on order, from what the node autoscaler itself says.

Cluster Autoscaler says on a placeholder that no group helped it (NotTriggerScaleUp): back-off after a failed launch, or
the group's maximum. Karpenter says on its NodeClaim that a launch found no capacity (InsufficientCapacityError), and on
a placeholder that nothing fits, a NodePool's limit included. Each counts for a while after it was said last; what is
not said (a launch that takes long) is a placeholder that waits. Where the kinds are missing or forbidden, nothing is
known, and every pool counts as obtainable; `problems` tells what is forbidden.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from autoscaler.adapters.kubernetes.cache import Change
from autoscaler.adapters.kubernetes.cluster.seats import Seats
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.times import ClaimTimes, claim_times
from autoscaler.adapters.kubernetes.listing import Selection
from autoscaler.adapters.kubernetes.resource import EVENTS, Resource
from autoscaler.adapters.kubernetes.transport import Call, Transport
from autoscaler.adapters.kubernetes.watching import Watching
from autoscaler.placeholder.pod import Json, is_leaving, labels, metadata, name, spec, status
from autoscaler.placeholder.selector import contradiction
from autoscaler.ports.errors import NotFound, PortError

NODE_CLAIMS = Resource("karpenter.sh", "v1", "nodeclaims", "NodeClaim")
NO_CAPACITY = "InsufficientCapacityError"
SIGNS: Mapping[str, tuple[str, ...]] = {
    NO_CAPACITY: ("",),
    "NotTriggerScaleUp": ("in backoff after failed scale-up", "max node group size reached"),
    "FailedScheduling": ("no instance type has enough resources",),
}
"""Reasons of events, and the words that tell them from others of the same reason."""
CLUSTER_SCOPED = "default"
"""The namespace of events on objects that have none."""
MOST_CLAIMS = 1000
"""Claims that went and are remembered: their events outlive them."""
UNREAD = "until then a pool that is out of stock counts as obtainable"


@dataclass(frozen=True, slots=True)
class Sign:
    """An event: the name of its object, and when it was said last, in seconds since the epoch; -inf: says nothing."""

    about: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Claim:
    """A Karpenter node on order. pools: indices of those that it can become a node of. ordered: has no node yet."""

    pools: tuple[int, ...]
    ordered: bool
    times: ClaimTimes


class Stock:
    """Watches events and node claims between `start` and `stop`."""

    def __init__(self, transport: Transport, seats: Seats, house: str, settings: LiveSettings) -> None:
        """`house`: the namespace of placeholders."""
        self._transport = transport
        self._seats = seats
        self._settings = settings
        self._karpenter: bool | None = None
        self._claimed: dict[str, tuple[int, ...]] = {}
        launches = Selection(EVENTS, CLUSTER_SCOPED, fields=f"reason={NO_CAPACITY}")
        self._claims = Watching(transport, Selection(NODE_CLAIMS), self._claim, (self._remember,), settings.watch)
        self._launches = Watching(transport, launches, sign, settings=settings.watch)
        self._said = Watching(transport, Selection(EVENTS, house), sign, settings=settings.watch)
        self._stuck: dict[int, float] = {}

    def start(self) -> None:
        for watch in (self._claims, self._launches, self._said):
            watch.start()

    def stop(self) -> None:
        for watch in (self._claims, self._launches, self._said):
            watch.stop()

    def stuck(self, pool: int, now_s: float) -> None:
        """A placeholder waited for this pool longer than it may."""
        self._stuck[pool] = now_s

    def unobtainable(self, now_s: float) -> set[int]:
        """Indices of pools that cannot be had at present."""
        since_s = now_s - self._settings.stock_out_s
        found = {pool for pool, at_s in self._stuck.items() if at_s > since_s}
        for one in self._launches.snapshot().items.values():
            pools = self._claimed.get(one.about, ())
            if one.at_s > since_s and len(pools) == 1:
                found.add(pools[0])
        for one in self._said.snapshot().items.values():
            pool = self._seats.pool_of_name(one.about) if one.at_s > since_s else None
            found |= set() if pool is None else {pool}
        return found

    def problems(self) -> tuple[str, ...]:
        """What may not be read, one line each; nothing of Karpenter's where it is not installed."""
        of_karpenter = [seen for seen in (self._claims.snapshot(), self._launches.snapshot()) if seen.forbidden]
        seen = (self._said.snapshot(), *(of_karpenter if of_karpenter and self._has_karpenter() else ()))
        return tuple(f"{one.problem}; {UNREAD}" for one in seen if one.forbidden)

    def _has_karpenter(self) -> bool:
        """Whether its kind is served: one that is not there is forbidden like any other. Asked until it is known."""
        if self._karpenter is None:
            call = Call(f"discover {NODE_CLAIMS.api_version}", "GET", f"/apis/{NODE_CLAIMS.api_version}")
            try:
                served = self._transport.send(call).get("resources") or ()
            except NotFound:
                served = ()
            except PortError:
                return False
            self._karpenter = any(one["name"] == NODE_CLAIMS.plural for one in served)
        return self._karpenter

    def ordered(self) -> list[int]:
        """The pool of every node that Karpenter has ordered and that is no Node yet; the first where several can be."""
        claims = self._claims.snapshot().items.values()
        return [claim.pools[0] for claim in claims if claim.ordered and claim.pools]

    def claims(self) -> dict[str, ClaimTimes] | None:
        """Times of Karpenter's claims by the name of their node; None until it is known whether there are any."""
        seen = self._claims.snapshot()
        if not seen.version and seen.problem is None:
            return None
        return {claim.times.node: claim.times for claim in seen.items.values() if claim.times.node}

    def _claim(self, claim: Json) -> Claim:
        own = [{"key": key, "operator": "In", "values": [value]} for key, value in labels(claim).items()]
        rules = [*own, *(spec(claim).get("requirements") or ())]
        pools = tuple(p for p, pin in enumerate(self._seats.pins) if _could_become(rules, pin.requirements))
        ordered = not (status(claim).get("nodeName") or is_leaving(claim))
        return Claim(pools, ordered, claim_times(claim))

    def _remember(self, change: Change[Claim]) -> None:
        self._claimed.pop(change.key.name, None)
        self._claimed[change.key.name] = change.now.pools
        if len(self._claimed) > MOST_CLAIMS:
            del self._claimed[next(iter(self._claimed))]


def _could_become(rules: Sequence[Json], pin: Sequence[Json]) -> bool:
    """Whether a claim of these rules can become a node of a pool; on other keys they need not agree with themselves."""
    keys = {requirement["key"] for requirement in pin}
    return contradiction([*pin, *(rule for rule in rules if rule["key"] in keys)]) is None


def sign(event: Json) -> Sign:
    """What an event of events.k8s.io says about stock."""
    words = SIGNS.get(str(event.get("reason")), ())
    note = str(event.get("note") or "")
    about = name({"metadata": event.get("regarding") or {}})
    if not any(word in note for word in words):
        return Sign(about, float("-inf"))
    times = (
        (event.get("series") or {}).get("lastObservedTime"),
        event.get("deprecatedLastTimestamp"),
        event.get("eventTime"),
        metadata(event).get("creationTimestamp"),
    )
    return Sign(about, max(datetime.fromisoformat(str(at)).timestamp() for at in times if at))
