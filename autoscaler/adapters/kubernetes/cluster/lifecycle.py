"""The life of placeholders: created, seen to be used or lost, and deleted where nobody else does."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from autoscaler.adapters.kubernetes.cache import Change, Key
from autoscaler.adapters.kubernetes.cluster.endings import HANDOVER, Endings
from autoscaler.adapters.kubernetes.cluster.models import Standing
from autoscaler.adapters.kubernetes.cluster.own_writes import OwnWrites
from autoscaler.adapters.kubernetes.cluster.scales import Scale
from autoscaler.adapters.kubernetes.cluster.seats import Place, Seats
from autoscaler.adapters.kubernetes.cluster.settings import LiveSettings
from autoscaler.adapters.kubernetes.cluster.sight import SeenNode, SeenPod
from autoscaler.adapters.kubernetes.objects import Name, Objects
from autoscaler.adapters.kubernetes.resource import NODES, PODS
from autoscaler.adapters.kubernetes.watching import Snapshot
from autoscaler.domain.ending import PlaceholderEnd
from autoscaler.domain.inventory import Placeholder
from autoscaler.placeholder.fate import Fate, Sighting, Verdict, fate
from autoscaler.placeholder.handover import Handover
from autoscaler.placeholder.manifest import EXPIRES, House, Seat, placeholder
from autoscaler.placeholder.pod import Json, condition, is_leaving, metadata, name, node_name, status
from autoscaler.placeholder.shape import Shape
from autoscaler.ports.clock import ClockPort
from autoscaler.ports.errors import AlreadyExists, Conflict, PortError

STANDS = (Fate.PENDING, Fate.HELD, Fate.STUCK)
NODE_GONE = "NodeGone"


@dataclass(frozen=True, slots=True)
class Sweep:
    """ended: since the sweep before. failed: what could not be deleted, in the port's words; tried again next time.

    stuck_pools: of placeholders that nobody gave a node.
    """

    ended: tuple[PlaceholderEnd, ...]
    failed: tuple[str, ...]
    stuck_pools: tuple[int, ...]


class Lifecycle:
    """Creates and deletes placeholders in the house, and tells what became of each."""

    def __init__(self, objects: Objects, clock: ClockPort, seats: Seats, house: House, settings: LiveSettings) -> None:
        self._objects, self._clock = objects, clock
        self._seats, self._house, self._settings = seats, house, settings
        self._writes = OwnWrites()
        self._endings = Endings(clock, seats, self._writes, settings.stuck_after_s)

    def told(self, change: Change[SeenPod]) -> None:
        """Handler of the watch of pods, in its thread."""
        self._endings.told(change)

    def ended(self, now_s: float) -> tuple[PlaceholderEnd, ...]:
        """As `Inventory.ended`, as of the last sweep."""
        return self._endings.lately(now_s)

    def placeholders(
        self, pods: Snapshot[SeenPod], nodes: Mapping[Key, SeenNode], now_s: float
    ) -> tuple[Placeholder, ...]:
        """Those that hold room or wait for some, in the order of their names."""
        resources = {pin.gpu_resource for pin in self._seats.pins}
        shared = {one.node for one in pods.items.values() if one.whole is None and _holds(one, resources)}
        found = []
        for _, pod in sorted(self._writes.standing(pods, self._clock.monotonic_s()).items()):
            place = self._seats.place(pod)
            verdict = self._verdict(pod, nodes, now_s)
            if place is not None and verdict.fate in STANDS and not is_leaving(pod):
                node = node_name(pod) if verdict.fate is Fate.HELD else ""
                alone = bool(node) and node not in shared
                found.append(Placeholder(place.workload, place.pool, place.slot, bool(node), node, alone))
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

    def sweep(
        self, pods: Snapshot[SeenPod], standing: Standing, scales: Sequence[Scale | None], now_s: float
    ) -> Sweep:  # fmt: skip
        """Deletes what holds nothing, and tells what ended since the last call. scales: as seen last, by workload."""
        failed, stuck = [], []
        for pod in self._writes.standing(pods, self._clock.monotonic_s()).values():
            verdict = self._doomed(pod, standing.nodes, now_s)
            if verdict is None:
                continue
            try:
                if verdict.cause == NODE_GONE and self._objects.get(Name(NODES, None, node_name(pod))) is not None:
                    continue  # the two watches are of different moments
                self._endings.judge(str(metadata(pod)["uid"]), verdict)
                self._release(pod)
            except PortError as error:
                failed.append(str(error))
            place = self._seats.place(pod)
            if verdict.fate is Fate.STUCK and place is not None:
                stuck.append(place.pool)
        ended = self._endings.since_last(standing, scales, now_s)
        return Sweep(ended, tuple(failed), tuple(stuck))

    def held(self, pods: Snapshot[SeenPod]) -> list[Json]:
        """Placeholders of ours that are bound, and stay."""
        standing = self._writes.standing(pods, self._clock.monotonic_s()).values()
        return [pod for pod in standing if node_name(pod) and self._seats.is_ours(pod) and not self._is_ending(pod)]

    def give_up(self, handed: Iterable[Handover]) -> tuple[str, ...]:
        """Deletes placeholders for the pods that need their room; what failed, in the port's words."""
        failed = []
        for one in handed:
            uid = str(metadata(one.placeholder)["uid"])
            said = f"pod {one.pod_uid}: {one.reason}"
            self._endings.judge(uid, Verdict(Fate.RELEASED, HANDOVER, said, delete=True))
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
        if self._seats.only_observes(pod):
            return Verdict(Fate.RELEASED, "Observes", "its policy does not act any more", delete=True)
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

    def _address(self, pod: str) -> Name:
        return Name(PODS, self._house.namespace, pod)


def _expires_s(pod: Json) -> float:
    """When its time is up, in seconds since the epoch; at once where that cannot be read."""
    try:
        return datetime.fromisoformat(str((metadata(pod).get("annotations") or {}).get(EXPIRES))).timestamp()
    except ValueError:
        return float("-inf")


def _holds(pod: SeenPod, resources: Container[str]) -> bool:
    """Whether it holds any of these on a node."""
    return bool(pod.node) and not pod.ended and any(r in resources and amount for r, amount in pod.devices.items())
