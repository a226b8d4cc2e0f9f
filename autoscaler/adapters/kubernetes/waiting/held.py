"""Placeholders for queued work: made whole, seen to make way for the work's own pods, and deleted where nobody else
does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from autoscaler.adapters.kubernetes.cache import Key
from autoscaler.adapters.kubernetes.cluster.own_writes import OwnWrites
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.sight import SeenNode, SeenPod
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import NODES, PODS
from autoscaler.adapters.kubernetes.watching import Snapshot
from autoscaler.placeholder.fate import NODE_GONE, STANDS, Fate, Sighting, Verdict, fate
from autoscaler.placeholder.manifest import EXPIRES, PLAN, POOL, House
from autoscaler.placeholder.pod import Json, condition, is_leaving, labels, metadata, name, node_name, status
from autoscaler.placeholder.queued import QueueSeat, queued_name, queued_placeholder, seat_of
from autoscaler.placeholder.shape import Shape
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import AlreadyExists, Conflict, NotFound, PortError

AT_ONCE = 8
"""Deletions under way at the same time."""
AGAIN_S, AGAIN_MOST_S = 60.0, 1800.0
STOCK_OUT_S = 600.0
"""How long a pool in which nobody gave a placeholder a node is left out for that piece of work."""


@dataclass(frozen=True, slots=True)
class Held:
    """A placeholder that stands: its object, and its place."""

    pod: Json
    policy: str
    pool: str
    uid: str
    pod_set: str
    index: int

    @property
    def bound(self) -> bool:
        return bool(node_name(self.pod))


@dataclass(frozen=True, slots=True)
class Wanted:
    """One that is to be made."""

    pool: str
    pod_set: str
    index: int
    shape: Shape


@dataclass(slots=True)
class _Asked:
    times: int
    again_s: float


class HeldRoom:
    """`standing` and `free` may be called by any thread, the rest by one at a time."""

    def __init__(
        self, objects: Objects, clock: ClockPort, house: House, owners: Mapping[str, Json], acting: frozenset[str],
        pools: frozenset[str], settings: LiveSettings,
    ) -> None:  # fmt: skip
        """owners: by policy, who owns its placeholders. acting: policies that may have any, in these pools alone."""
        self._objects, self._clock, self._house, self._settings = objects, clock, house, settings
        self._owners, self._acting, self._pools = owners, acting, pools
        self._writes = OwnWrites()
        self._asked: dict[str, _Asked] = {}
        self._stock_out: dict[tuple[str, str], float] = {}

    def standing(self, pods: Snapshot[SeenPod], nodes: Mapping[Key, SeenNode], now_s: float) -> list[Held]:
        """Those that hold room or wait for some, in the order of their names."""
        found = []
        for _, pod in sorted(self._pods(pods).items()):
            seat = seat_of(pod)
            if seat is None or is_leaving(pod) or self._verdict(pod, nodes, now_s).fate not in STANDS:
                continue
            found.append(Held(pod, labels(pod).get(PLAN, ""), labels(pod).get(POOL, ""), *seat))
        return found

    def again_s(self, uid: str) -> float:
        """From when on what this work has lost may be asked for again."""
        asked = self._asked.get(uid)
        return 0.0 if asked is None else asked.again_s

    def stock_out(self, uid: str, now_s: float) -> frozenset[str]:
        """Pools in which nobody gave it a node lately."""
        return frozenset(pool for (whose, pool), until_s in self._stock_out.items() if whose == uid and now_s < until_s)

    def hold(self, policy: str, uid: str, wanted: Sequence[Wanted], now_s: float) -> None:
        """Makes all of these or none. Raises `PortError`."""
        owner = self._owners[policy]
        if not owner.get("uid"):
            raise NotFound(f"make placeholders of {policy}: there is no CapacityPlan {policy} to own them")
        times = (self._asked[uid].times if uid in self._asked else 0) + 1
        self._asked[uid] = _Asked(times, now_s + min(AGAIN_S * 2.0 ** (times - 1), AGAIN_MOST_S))
        expires = datetime.fromtimestamp(self._clock.wall_s() + self._settings.expires_after_s, UTC)
        made: list[Json] = []
        try:
            for one in wanted:
                seat = QueueSeat(policy, one.pool, uid, one.pod_set, one.index, owner, expires)
                made += self._create(seat, one.shape)
        except PortError:
            for pod in made:
                self._release(pod)
            raise

    def free(self, held: Sequence[Held]) -> None:
        """Deletes these, several at a time; done already where they are gone. Raises `PortError` after trying all.

        Beside the pods of work that was let go each is demand twice until it is gone: the sooner all are, the better.
        """
        if not held:
            return
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="free") as threads:
            failed = [error for error in threads.map(lambda one: self._tried(one.pod), held) if error is not None]
        if failed:
            raise failed[-1]

    def forget(self, known: frozenset[str], now_s: float) -> None:
        """Keeps in mind only what bears on work that is still there."""
        self._asked = {uid: asked for uid, asked in self._asked.items() if uid in known}
        self._stock_out = {
            key: until_s for key, until_s in self._stock_out.items() if key[0] in known and now_s < until_s
        }

    def sweep(self, pods: Snapshot[SeenPod], nodes: Mapping[Key, SeenNode], now_s: float) -> tuple[str, ...]:
        """Deletes what holds nothing (node gone or leaving, failed, stuck, expired, of no acting policy, pool or
        owner of ours); what could not be deleted, one line each.
        """
        failed = []
        for pod in self._pods(pods).values():
            verdict = None if is_leaving(pod) else self._doomed(pod, nodes, now_s)
            if verdict is None:
                continue
            try:
                if verdict.cause == NODE_GONE and self._objects.get(Name(NODES, None, node_name(pod))) is not None:
                    continue  # the two watches are of different moments
                self._release(pod)
            except PortError as error:
                failed.append(str(error))
            seat = seat_of(pod)
            if verdict.fate is Fate.STUCK and seat is not None:
                self._stock_out[seat[0], labels(pod).get(POOL, "")] = now_s + STOCK_OUT_S
        return tuple(failed)

    def _create(self, seat: QueueSeat, shape: Shape) -> list[Json]:
        """The placeholder of this seat, where it was not there."""
        address = Name(PODS, self._house.namespace, queued_name(seat))
        try:
            made = self._objects.create(address, queued_placeholder(shape, seat, self._house))
        except AlreadyExists:
            there = self._objects.get(address)
            if there is None or not self._is_ours(there) or self._is_ending(there):
                raise Conflict(f"create {address}: one of this name is going or is not ours; next tick") from None
            self._writes.create(there)
            return []
        self._writes.create(made)
        return [made]

    def _tried(self, pod: Json) -> PortError | None:
        try:
            self._release(pod)
        except PortError as error:
            return error
        return None

    def _release(self, pod: Json) -> None:
        uid = str(metadata(pod)["uid"])
        self._writes.delete(uid, self._clock.monotonic_s())
        try:
            self._objects.delete(Name(PODS, self._house.namespace, name(pod)), only=uid)
        except PortError:
            self._writes.forget(uid)
            raise

    def _pods(self, pods: Snapshot[SeenPod]) -> dict[str, Json]:
        """Ours by name, our own last writes included."""
        ours = {key: replace(one, whole=one.queued) for key, one in pods.items.items() if one.queued is not None}
        return self._writes.standing(replace(pods, items=ours), self._clock.monotonic_s())

    def _doomed(self, pod: Json, nodes: Mapping[Key, SeenNode], now_s: float) -> Verdict | None:
        if seat_of(pod) is None or not self._is_ours(pod):
            return Verdict(Fate.RELEASED, "Orphan", "no acting policy, pool or owner of ours has it", delete=True)
        expires = (metadata(pod).get("annotations") or {}).get(EXPIRES)
        if expires is None or datetime.fromisoformat(str(expires)).timestamp() <= now_s:
            return Verdict(Fate.RELEASED, "Expired", "its time was up", delete=True)
        verdict = self._verdict(pod, nodes, now_s)
        return verdict if verdict.delete else None

    def _is_ours(self, pod: Json) -> bool:
        policy = labels(pod).get(PLAN, "")
        if policy not in self._acting or labels(pod).get(POOL, "") not in self._pools:
            return False
        uid = self._owners[policy].get("uid")
        return any(owner.get("uid") == uid for owner in metadata(pod).get("ownerReferences") or ())

    def _verdict(self, pod: Json, nodes: Mapping[Key, SeenNode], now_s: float) -> Verdict:
        node = nodes.get(Key("", node_name(pod)))
        waited_s = now_s - datetime.fromisoformat(metadata(pod)["creationTimestamp"]).timestamp()
        sighting = Sighting(pod, False, False, None if node is None else node.thing, waited_s, succeeded=False)
        return fate(sighting, self._settings.stuck_after_s)

    def _is_ending(self, pod: Json) -> bool:
        disrupted = condition(pod, "DisruptionTarget").get("status") == "True"
        failed = status(pod).get("phase") in ("Failed", "Succeeded")
        return disrupted or failed or is_leaving(pod) or self._writes.is_released(metadata(pod)["uid"])
