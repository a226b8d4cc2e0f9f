"""The life of placeholders: created, seen to be used or lost, and deleted where nobody else does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from autoscaler.adapters.kubernetes.cache import Change, Happened, Key
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.own_writes import OwnWrites
from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.sight import SeenNode, SeenPod
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import NODES, PODS
from autoscaler.adapters.kubernetes.watching import Snapshot
from autoscaler.domain.inventory import Placeholder
from autoscaler.placeholder.fate import Fate, Sighting, Verdict, fate
from autoscaler.placeholder.handover import Handover
from autoscaler.placeholder.manifest import EXPIRES, PLAN, POOL, SLOT, House, Seat, placeholder
from autoscaler.placeholder.pod import Json, condition, is_leaving, labels, metadata, name, node_name, status
from autoscaler.placeholder.shape import Shape
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import AlreadyExists, Conflict, PortError

STANDS = (Fate.PENDING, Fate.HELD, Fate.STUCK)
NODE_GONE = "NodeGone"
HANDOVER = "Handover"
SUCCEEDED_WITHIN_S = 10.0
"""A pod that was bound to the node so close to the placeholder's end took its place."""
MOST_ENDED = 10_000


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of one placeholder: whose it was, by name, and the verdict."""

    policy: str
    pool: str
    slot: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Sweep:
    """ended: since the sweep before. failed: what could not be deleted, in the port's words; tried again next time.

    stuck_pools: of placeholders that nobody gave a node.
    """

    ended: tuple[Ending, ...]
    failed: tuple[str, ...]
    stuck_pools: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Gone:
    """A placeholder that a watch saw go, its last state, and when (seconds since the epoch)."""

    pod: Json
    at_s: float


class Lifecycle:
    """Creates and deletes placeholders in the house, and tells what became of each."""

    def __init__(self, objects: Objects, clock: ClockPort, seats: Seats, house: House, settings: LiveSettings) -> None:
        self._objects, self._clock = objects, clock
        self._seats, self._house, self._settings = seats, house, settings
        self._writes = OwnWrites()
        self._gone: deque[_Gone] = deque(maxlen=MOST_ENDED)
        self._judged: dict[str, Verdict] = {}

    def told(self, change: Change[SeenPod]) -> None:
        """Handler of the watch of pods, in its thread."""
        if change.happened is Happened.DELETED and change.now.whole is not None:
            self._gone.append(_Gone(change.now.whole, self._clock.wall_s()))

    def placeholders(
        self, pods: Snapshot[SeenPod], nodes: Mapping[Key, SeenNode], now_s: float
    ) -> tuple[Placeholder, ...]:
        """Those that hold room or wait for some, in the order of their names."""
        found = []
        for _, pod in sorted(self._writes.standing(pods, self._clock.monotonic_s()).items()):
            place = self._seats.place(pod)
            verdict = self._verdict(pod, nodes, now_s)
            if place is not None and verdict.fate in STANDS and not is_leaving(pod):
                bound = verdict.fate is Fate.HELD
                found.append(Placeholder(place.workload, place.pool, place.slot, bound))
        return tuple(found)

    def create(self, place: Place, shape: Shape) -> None:
        """The placeholder of this place; done already where it stands. Raises `PortError`."""
        policy = self._seats.policies[place.workload].name
        expires = datetime.fromtimestamp(self._clock.wall_s() + self._settings.expires_after_s, UTC)
        seat = Seat(policy, self._seats.pins[place.pool].pool, place.slot, self._seats.owners[policy], expires)
        pod = placeholder(shape, seat, self._house)
        address = self._address(name(pod))
        try:
            self._writes.create(self._objects.create(address, pod))
        except AlreadyExists:
            there = self._objects.get(address)
            if there is None or not self._seats.is_ours(there) or self._is_ending(there):
                raise Conflict(f"create {address}: one of this name is going or is not ours; next tick") from None
            self._writes.create(there)

    def delete(self, place: Place, pods: Snapshot[SeenPod]) -> None:
        """Deletes the placeholder of this place; done already where it is gone. Raises `PortError`."""
        wanted = self._seats.name(place)
        pod = self._writes.standing(pods, self._clock.monotonic_s()).get(wanted)
        if pod is not None:
            self._release(pod)

    def sweep(self, pods: Snapshot[SeenPod], standing: Standing, now_s: float) -> Sweep:
        """Deletes what holds nothing, and tells what ended since the last call."""
        failed, stuck = [], []
        for pod in self._writes.standing(pods, self._clock.monotonic_s()).values():
            verdict = self._doomed(pod, standing.nodes, now_s)
            if verdict is None:
                continue
            try:
                if verdict.cause == NODE_GONE and self._objects.get(Name(NODES, None, node_name(pod))) is not None:
                    continue  # the two watches are of different moments
                self._judged[metadata(pod)["uid"]] = verdict
                self._release(pod)
            except PortError as error:
                failed.append(str(error))
            place = self._seats.place(pod)
            if verdict.fate is Fate.STUCK and place is not None:
                stuck.append(place.pool)
        return Sweep(tuple(self._endings(standing)), tuple(failed), tuple(stuck))

    def held(self, pods: Snapshot[SeenPod]) -> list[Json]:
        """Placeholders of ours that are bound, and stay."""
        standing = self._writes.standing(pods, self._clock.monotonic_s()).values()
        return [pod for pod in standing if node_name(pod) and self._seats.is_ours(pod) and not self._is_ending(pod)]

    def give_up(self, handed: Iterable[Handover]) -> tuple[str, ...]:
        """Deletes placeholders for the pods that need their room; what failed, in the port's words."""
        failed = []
        for one in handed:
            uid = str(metadata(one.placeholder)["uid"])
            self._judged[uid] = Verdict(Fate.RELEASED, HANDOVER, f"pod {one.pod_uid}: {one.reason}", delete=True)
            try:
                self._release(one.placeholder)
            except PortError as error:
                failed.append(str(error))
        return tuple(failed)

    def _release(self, pod: Json) -> None:
        uid = str(metadata(pod)["uid"])
        self._writes.delete(uid, self._clock.monotonic_s())
        try:
            self._objects.delete(self._address(name(pod)), only=uid)
        except PortError:
            self._writes.forget(uid)
            raise

    def _doomed(self, pod: Json, nodes: Mapping[Key, SeenNode], now_s: float) -> Verdict | None:
        """Why we must delete it; None where it may stand, or goes already."""
        if is_leaving(pod):
            return None
        if not self._seats.is_ours(pod):
            return Verdict(Fate.RELEASED, "Orphan", "no policy, pool or owner of ours has it", delete=True)
        if _expires_s(pod) <= now_s:
            return Verdict(Fate.RELEASED, "Expired", "its time was up", delete=True)
        verdict = self._verdict(pod, nodes, now_s)
        return verdict if verdict.delete else None

    def _verdict(self, pod: Json, nodes: Mapping[Key, SeenNode], now_s: float) -> Verdict:
        node = nodes.get(Key("", node_name(pod)))
        thing = None if node is None else node.thing
        waited_s = now_s - datetime.fromisoformat(metadata(pod)["creationTimestamp"]).timestamp()
        sighting = Sighting(pod, False, False, thing, waited_s, succeeded=False)
        return fate(sighting, self._settings.stuck_after_s)

    def _is_ending(self, pod: Json) -> bool:
        """Whether it was preempted or evicted, has failed, or is being deleted: it holds its name only."""
        disrupted = condition(pod, "DisruptionTarget").get("status") == "True"
        failed = status(pod).get("phase") in ("Failed", "Succeeded")
        return disrupted or failed or is_leaving(pod) or self._writes.is_released(metadata(pod)["uid"])

    def _endings(self, standing: Standing) -> Iterator[Ending]:
        while self._gone:
            gone = self._gone.popleft()
            uid = str(metadata(gone.pod)["uid"])
            verdict = self._judged.pop(uid, None) or self._verdict_of_gone(gone, standing)
            notes = metadata(gone.pod).get("annotations") or {}
            whose = labels(gone.pod)
            yield Ending(whose.get(PLAN, ""), whose.get(POOL, ""), str(notes.get(SLOT, "")), verdict)

    def _verdict_of_gone(self, gone: _Gone, standing: Standing) -> Verdict:
        node = standing.nodes.get(Key("", node_name(gone.pod)))
        released = self._writes.is_released(metadata(gone.pod)["uid"])
        thing = None if node is None else node.thing
        sighting = Sighting(gone.pod, True, released, thing, 0.0, self._succeeded(gone, standing))
        return fate(sighting, self._settings.stuck_after_s)

    def _succeeded(self, gone: _Gone, standing: Standing) -> bool:
        """Whether a pod of its workload's namespace was bound to its node in the seconds around its end."""
        place = self._seats.place(gone.pod)
        if place is None:
            return False
        space = self._seats.policies[place.workload].model.workload.namespace
        return any(
            pod.namespace == space and pod.node == node_name(gone.pod) and pod.bound_at
            and abs(datetime.fromisoformat(pod.bound_at).timestamp() - gone.at_s) < SUCCEEDED_WITHIN_S
            for pod in standing.pods.values()
        )  # fmt: skip

    def _address(self, pod: str) -> Name:
        return Name(PODS, self._house.namespace, pod)


def _expires_s(pod: Json) -> float:
    """When its time is up, in seconds since the epoch; at once where that cannot be read."""
    try:
        return datetime.fromisoformat(str((metadata(pod).get("annotations") or {}).get(EXPIRES))).timestamp()
    except ValueError:
        return float("-inf")
